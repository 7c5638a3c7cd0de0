package app

import (
	"context"
	"fmt"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/pipeline"
	"trueup/internal/store"
)

// lookTime bounds the look at a record that somebody waits for.
const lookTime = 15 * time.Second

// NoRecord says why a customer cannot be linked to a record: its tool says that
// there is none. It is "" when there is one, and with an error when that could not
// be found out; a customer with such a link is parked as broken_link when it is
// looked at.
func NoRecord(ctx context.Context, cfg *config.Config, db *store.DB, sync, customer, targetID string) (why string, err error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return "", err
	}
	defer conns.hangUp()
	return noRecord(ctx, db, s, customer, targetID)
}

// noRecord is NoRecord for the API; who cannot be asked is asked later.
func (a *App) noRecord(ctx context.Context, sync, customer, targetID string) string {
	for _, s := range a.carrier.Load().conns.syncs {
		if s.Config.Name != sync {
			continue
		}
		if why, err := noRecord(ctx, a.store, s, customer, targetID); err == nil {
			return why
		}
	}
	return ""
}

func noRecord(ctx context.Context, db *store.DB, s pipeline.Sync, customer, targetID string) (string, error) {
	// What is so already is no change, also when the record has gone since.
	if l, err := db.Link(ctx, s.Config.Name, customer); err == nil && l.TargetID == targetID {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	_, err := s.Target.Target.Read(ctx, targetID)
	if err == nil {
		return "", nil
	}
	switch f := connector.FailureOf(err); {
	case f.Kind != connector.Gone:
		return "", fmt.Errorf("%s could not be asked whether it has record %s: %w", s.Target.Name, targetID, err)
	case f.Survivor != "":
		return fmt.Sprintf("record %s was merged into %s in %s", targetID, f.Survivor, s.Target.Name), nil
	}
	return fmt.Sprintf("%s has no record %s", s.Target.Name, targetID), nil
}
