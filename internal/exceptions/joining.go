package exceptions

import (
	"context"
	"errors"
	"fmt"

	"github.com/trueup-sync/trueup/internal/store"
)

// MayLink returns why a customer is not to be linked to a record: a
// *MissingRecordError, a *store.DuplicateLinkError, or a *RefusedError that force goes
// past. That the target cannot be asked is no reason.
type MayLink func(ctx context.Context, sync, customer, targetID string, force bool) error

// MissingRecordError means that the target says it does not have the record.
type MissingRecordError struct{ Why string }

func (e *MissingRecordError) Error() string { return e.Why }

// Anothers is the refusal of a link to a record that shows another customer's key.
// why names the customer and the key, and not what the key holds.
func Anothers(customer, why string) *RefusedError {
	return &RefusedError{Why: why, Hint: fmt.Sprintf("compare both sides; if the record really belongs to %s, link it with --force (force: true in the API)", customer)}
}

// mayLink asks whether a link may be made, unless the request was answered under
// its key before: then it is answered the same whatever has become of the record.
func (acts Actions) mayLink(ctx context.Context, x store.Exception, a store.Act, r Request) error {
	if acts.MayLink == nil || x.Customer == "" {
		return nil
	}
	if a.Key != "" {
		if answered, err := acts.Store.Answered(ctx, a.Key); err != nil || answered {
			return err
		}
	}
	err := acts.MayLink(ctx, x.Sync, x.Customer, a.TargetID, r.Force)
	var none *MissingRecordError
	var refused *RefusedError
	var taken *store.DuplicateLinkError
	switch {
	case errors.As(err, &none):
		return &RefusedError{Exception: x.ID, Why: none.Why, Hint: "give the id of an existing record, such as one of the candidates"}
	case errors.As(err, &refused):
		return &RefusedError{Exception: x.ID, Why: refused.Why, Hint: refused.Hint}
	case errors.As(err, &taken):
		return explained(x, r, err)
	}
	return err
}
