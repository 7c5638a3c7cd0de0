package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/store"
)

// Door lets people in to the pages.
func (a *App) Door() *people.Door {
	return &people.Door{Store: a.store, Times: func() (idle, longest time.Duration) { return a.wiring.Load().config.SignIn.Lasts() }}
}

// identityProvider is the one that people sign in with too, nil for none. It is not
// called before somebody does.
func (a *App) identityProvider() (config.OIDC, *provider.Provider) {
	c := a.wiring.Load()
	if c.provider == nil {
		return config.OIDC{}, nil
	}
	return *c.config.SignIn.OIDC, c.provider
}

// FirstLink returns the address by which the first person comes in, "" once there is
// one. Each call makes another link; those before stay good for a day.
func (a *App) FirstLink(ctx context.Context) (string, error) {
	code, err := a.Door().First(ctx)
	if err != nil || code == "" {
		return "", err
	}
	return people.LinkAt(a.PagesURL(), code), nil
}

// EnterLink returns an address that lets one person in at once, once, on this machine:
// whoever shows the demonstration, who is made an admin for it.
func (a *App) EnterLink(ctx context.Context, name, email string) (string, error) {
	_, err := a.store.PersonByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		_, err = a.store.AddPerson(ctx, people.Person{Name: name, Email: email, Role: store.Admin, CreatedBy: email})
	}
	if err != nil {
		return "", err
	}
	code, err := a.Door().NewLink(ctx, email, email)
	if err != nil {
		return "", err
	}
	return people.EnterAt(a.AdminURL(), code), nil
}

// PagesURL is where people reach the pages.
func (a *App) PagesURL() string {
	if url := a.wiring.Load().config.SignIn.URL; url != "" {
		return url
	}
	if a.admin != nil {
		return a.AdminURL()
	}
	return cmp.Or(a.wiring.Load().config.PublicURL, a.URL())
}

// visitor returns who sent a request.
func (a *App) visitor(r *http.Request) (pages.Person, error) {
	s, err := pages.SessionOf(a.Door(), r)
	var ended *people.EndedError
	if errors.Is(err, people.ErrNoSession) || errors.As(err, &ended) {
		return pages.Person{}, pages.ErrNobody
	}
	return pages.Person{ID: s.Person.ID, Name: s.Person.Name, Email: s.Person.Email, Role: s.Person.Role}, err
}
