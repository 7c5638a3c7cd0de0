package app

import (
	"cmp"
	"context"

	"trueup/internal/people"
)

// Door lets people in to the pages.
func (a *App) Door() *people.Door { return &people.Door{Store: a.store} }

// FirstLink returns the address by which the first person comes in, "" once there is
// one. Each call makes another link; those before stay good for a day.
func (a *App) FirstLink(ctx context.Context) (string, error) {
	code, err := a.Door().First(ctx)
	if err != nil || code == "" {
		return "", err
	}
	return people.LinkAt(cmp.Or(a.wiring.Load().config.PublicURL, a.URL()), code), nil
}
