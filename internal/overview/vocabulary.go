package overview

import (
	"context"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/mapping"
	"trueup/internal/store"
)

// Vocabulary returns what the values mean that the last comparison of a sync saw.
// options are all that the target's field may hold, nil when unknown.
func Vocabulary(ctx context.Context, db *store.DB, name string, c config.Sync, options []string) (contract.Vocabulary, error) {
	v := contract.Vocabulary{Sync: name, Source: []contract.SourceWord{}, Target: []contract.TargetWord{}, Unseen: []string{}, Options: options, NoOption: NoOption(c, options)}
	words, err := db.Vocabulary(ctx, name)
	if err != nil {
		return v, err
	}
	known := Words(c)
	for _, w := range words {
		v.SeenAt = contract.Stamp(w.SeenAt)
		if w.Side == store.TargetSide {
			v.Target = append(v.Target, targetWord(known, w))
		} else {
			v.Source = append(v.Source, sourceWord(known, w))
		}
	}
	if v.SeenAt != nil {
		v.Unseen = unseen(v, c)
	}
	return v, nil
}

func sourceWord(known mapping.Map, w store.Word) contract.SourceWord {
	row := contract.SourceWord{Value: w.Value, Customers: w.Customers, Meaning: contract.WordUnknown}
	switch r, err := known.Source(w.Value); {
	case err != nil:
	case r.Ignored:
		row.Meaning = contract.WordIgnored
	default:
		row.Meaning, row.Status, row.To = contract.WordMapped, r.Status, r.Value
	}
	return row
}

func targetWord(known mapping.Map, w store.Word) contract.TargetWord {
	row := contract.TargetWord{Value: w.Value, Records: w.Customers, Meaning: contract.WordForeign, Status: known.Target(w.Value)}
	switch {
	case row.Status != "":
		row.Meaning = contract.WordMapped
	case w.Value == "":
		row.Meaning = contract.WordEmpty
	}
	return row
}

// NoOption returns the words of a sync that its target's field may not hold,
// none when those are unknown.
func NoOption(c config.Sync, options []string) []string {
	none := []string{}
	if options == nil {
		return none
	}
	for _, name := range slices.Sorted(maps.Keys(c.Statuses)) {
		if to := c.Statuses[name].To; !slices.Contains(options, to) && !slices.Contains(none, to) {
			none = append(none, to)
		}
	}
	return none
}
