package exceptions

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Pinner leaves a customer alone; it is *store.DB.
type Pinner interface {
	Now(ctx context.Context) (time.Time, error)
	PinCustomer(ctx context.Context, p store.Pin) (store.Pinned, error)
}

// Pin leaves a customer alone until its end, or Unpin. Whoever does it says why.
func Pin(ctx context.Context, at Pinner, p store.Pin) (store.Pinned, error) {
	p.Reason = strings.TrimSpace(p.Reason)
	now, err := at.Now(ctx)
	switch {
	case err != nil:
		return store.Pinned{}, err
	case p.By == "":
		return store.Pinned{}, &RefusedError{Why: "no user given", Hint: "name yourself with --as"}
	case p.Reason == "":
		return store.Pinned{}, &RefusedError{Why: "no reason given", Hint: "write why the customer should be left alone: it is shown with the customer"}
	case p.Customer == "":
		return store.Pinned{}, &RefusedError{Why: "no customer given", Hint: "give the source's id"}
	case !p.Until.IsZero() && !p.Until.After(now):
		return store.Pinned{}, &RefusedError{Why: "the end is in the past", Hint: "give a later time, or none"}
	}
	done, err := at.PinCustomer(ctx, p)
	if errors.Is(err, store.ErrNotFound) {
		err = &RefusedError{Why: fmt.Sprintf("customer %s was forgotten", p.Customer), Hint: "pin the customer under the id that the source has"}
	}
	return done, err
}
