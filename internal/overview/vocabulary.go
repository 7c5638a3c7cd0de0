package overview

import (
	"context"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapping"
	"github.com/trueup-sync/trueup/internal/store"
)

// Vocabulary returns what the values mean that the last comparison of a sync saw.
func Vocabulary(ctx context.Context, db *store.DB, name string, c config.Sync, options Options) (contract.Vocabulary, error) {
	v := NeverCompared(name, c, options)
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

// Options are all values that the fields of a sync may hold, nil when unknown.
type Options struct{ Source, Target []string }

// NeverCompared is the vocabulary of a sync whose sides were never compared.
func NeverCompared(name string, c config.Sync, options Options) contract.Vocabulary {
	return contract.Vocabulary{Sync: name, Source: []contract.SourceWord{}, Target: []contract.TargetWord{}, Unseen: []string{},
		Options: options.Target, NoOption: NoOption(c, options.Target), SourceOptions: options.Source, NotListed: notListed(c, options.Source)}
}

// notListed returns the options of the source that a sync does not list.
func notListed(c config.Sync, options []string) []string {
	none, listed := []string{}, c.SourceSide().Values
	for _, value := range options {
		if !slices.Contains(listed, value) && !slices.Contains(none, value) {
			none = append(none, value)
		}
	}
	return none
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
