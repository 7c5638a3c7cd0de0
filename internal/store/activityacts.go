package store

import (
	"context"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// actCodes are the verbs as acts.
var actCodes = map[Verb]reason.Code{Acknowledge: reason.ActAcknowledged, Assign: reason.ActAssigned, Retry: reason.ActRetried, Ignore: reason.ActIgnored,
	Resolve: reason.ActResolved, Reopen: reason.ActReopened, UseSource: reason.ActUsedSource, KeepTarget: reason.ActKeptTarget,
	LinkTo: reason.ActLinked, Rematch: reason.ActRematched, MapTo: reason.ActMapped}

// recordAct records what a person did about an exception.
func (t *tx) recordAct(ctx context.Context, x Exception, a Act) error {
	if a.Itself {
		return nil
	}
	code := actCodes[a.Verb]
	f := reason.Facts{Kind: x.Kind}
	switch a.Verb {
	case Ignore:
		if a.Ignored == IgnoredAlways {
			code = reason.ActIgnoredAlways
		}
	case Assign:
		f.Detail = a.Owner
	case UseSource, KeepTarget:
		f.Found, f.Value, f.Until = a.Saw, a.SawSource, a.Until
	case LinkTo:
		f.Record = a.TargetID
	case MapTo:
		f = meant(x.SourceValue, a.Meaning, 1).Facts
	}
	return t.record(ctx, Activity{Who: a.Who, Sync: x.Sync, Customer: x.Customer, Act: reason.Reason{Code: code, Facts: f}})
}

// meant is the act of giving a value a meaning, which so many customers waited for.
func meant(value, meaning string, customers int) reason.Reason {
	f := reason.Facts{Value: value, Status: status.Status(meaning), Count: customers}
	if meaning == "ignore" {
		f.Status = ""
	}
	return reason.Reason{Code: reason.ActMapped, Facts: f}
}
