package exceptions

import (
	"context"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Reader is where an exception and its history are read; it is *store.DB.
type Reader interface {
	Exception(ctx context.Context, id int64) (store.Exception, error)
	GroupState(ctx context.Context, sync string, kind status.Kind, cause string, some int) (store.GroupState, error)
	Actions(ctx context.Context, exception int64) ([]store.Action, error)
}

// InFull returns an exception with what can be done about it, what was, and how
// many others have the same cause.
func InFull(ctx context.Context, from Reader, id int64) (contract.ExceptionInFull, error) {
	x, err := from.Exception(ctx, id)
	if err != nil {
		return contract.ExceptionInFull{}, err
	}
	full := contract.ExceptionInFull{Exception: contract.ExceptionOf(x), Remedies: contract.RemediesOf(x.Reason), Offers: []contract.OfferLine{}, Cause: x.Cause, OpenedAt: contract.Stamp(x.OpenedAt), Ignored: string(x.Ignored)}
	for _, o := range Offers(x) {
		full.Offers = append(full.Offers, contract.OfferLine{Verb: string(o.Verb), Does: o.Does})
	}
	group, err := from.GroupState(ctx, x.Sync, x.Kind, x.Cause, 0)
	if err != nil {
		return full, err
	}
	full.Siblings = group.Open
	if x.State == status.Open || x.State == status.Acknowledged {
		full.Siblings--
	}
	actions, err := from.Actions(ctx, x.ID)
	full.History = contract.ActionsOf(actions)
	return full, err
}
