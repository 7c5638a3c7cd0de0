package overview

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// Health returns what was found when Trueup was last looked at from outside, nil
// when nobody has yet. What is about a connection that the file no longer has is
// left out.
func Health(ctx context.Context, db *store.DB, cfg *config.Config) (*contract.Health, error) {
	found, checked, err := db.Health(ctx)
	if err != nil || found == "" {
		return nil, err
	}
	h := &contract.Health{CheckedAt: contract.Stamp(checked), Checks: []contract.Check{}}
	if err := json.Unmarshal([]byte(found), &h.Checks); err != nil {
		return nil, fmt.Errorf("read what was found from outside: %w", err)
	}
	h.Checks = slices.DeleteFunc(h.Checks, func(c contract.Check) bool {
		_, known := cfg.Connections[c.Subject]
		return !known && c.Subject != contract.ServiceSubject && c.Subject != contract.SlackSubject
	})
	return h, nil
}

// faulty says what a person must see to of what was found from outside. A warning
// is none of it.
func faulty(h *contract.Health) (all []string) {
	if h == nil {
		return nil
	}
	for _, c := range h.Checks {
		if c.Result == contract.CheckFault {
			all = append(all, fmt.Sprintf("%s: %s: %s; %s", c.Subject, c.Check, c.Text, c.Remedy))
		}
	}
	return all
}
