package overview

import (
	"context"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/mapping"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// RulesOf are the current rules, by which earlier decisions are judged.
func RulesOf(ctx context.Context, db *store.DB, name string, c config.Sync) (store.Rules, error) {
	if len(c.Statuses) == 0 { // a file with faults has no rules
		return store.Rules{}, nil
	}
	noted, err := db.Looks(ctx, name)
	if err != nil {
		return store.Rules{}, err
	}
	// Different from the noted rules: no process has run with this configuration yet.
	rules := store.Rules{Since: noted.Since, Never: noted.Rules != "" && noted.Rules != c.Looks()}
	words := Words(c)
	rules.Means = func(word string) (string, bool) {
		r, err := words.Source(word)
		return r.Value, err != nil || !r.Ignored
	}
	return rules, nil
}

// Words is what a sync's configuration says of the words of both sides.
func Words(c config.Sync) mapping.Map {
	entries := map[status.Status]mapping.Entry{}
	for word, m := range c.Statuses {
		entries[word] = mapping.Entry{From: m.From, To: m.To}
	}
	return mapping.New(entries, c.Ignore)
}

// rulesHash identifies the current rules, "" where they are unknown.
func rulesHash(c config.Sync) string {
	if len(c.Statuses) == 0 {
		return ""
	}
	return c.Rules()
}
