package overview

import (
	"context"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// mostUncovered is how many values of a side are told: a field that holds any
// text has hundreds.
const mostUncovered = 20

// Coverage compares what the last comparison of a sync saw with what its file
// lists. It is nil when there was none.
func Coverage(ctx context.Context, db *store.DB, name string, c config.Sync) (*contract.Coverage, error) {
	v, err := Vocabulary(ctx, db, name, c, Options{})
	if err != nil || v.SeenAt == nil {
		return nil, err
	}
	return coverage(v), nil
}

func coverage(v contract.Vocabulary) *contract.Coverage {
	found := &contract.Coverage{SeenAt: v.SeenAt, Unlisted: []contract.UnlistedValue{}, Foreign: []contract.ForeignValue{}, Unseen: v.Unseen}
	for _, w := range v.Source {
		switch {
		case w.Meaning != contract.WordUnknown:
		case len(found.Unlisted) < mostUncovered:
			found.Unlisted = append(found.Unlisted, contract.UnlistedValue{Value: w.Value, Customers: w.Customers, Near: config.Nearest(w.Value, found.Unseen)})
		default:
			found.MoreUnlisted++
		}
	}
	for _, w := range v.Target {
		switch {
		case w.Meaning != contract.WordForeign:
		case len(found.Foreign) < mostUncovered:
			found.Foreign = append(found.Foreign, contract.ForeignValue{Value: w.Value, Records: w.Records})
		default:
			found.MoreForeign++
		}
	}
	return found
}

// unseen returns the values that a file lists and no customer has. Of a source
// with more values than are kept it cannot be told.
func unseen(v contract.Vocabulary, c config.Sync) []string {
	none := []string{}
	if len(v.Source) >= store.MostWords {
		return none
	}
	for _, value := range c.SourceSide().Values {
		if !slices.ContainsFunc(v.Source, func(w contract.SourceWord) bool { return w.Value == value }) {
			none = append(none, value)
		}
	}
	return none
}
