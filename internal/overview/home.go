package overview

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// rhythmOf is the time that says what is usual for a source.
	rhythmOf = 7 * 24 * time.Hour
	// hoursShown is for how many hours events are counted.
	hoursShown = 24
	// curveOf is the time that the curve of agreement shows, one point for each
	// curveSpan.
	curveOf   = 30 * 24 * time.Hour
	curveSpan = 12 * time.Hour
)

// comparisons adds what full comparisons found, and when the next one is due.
func comparisons(ctx context.Context, db *store.DB, name string, c config.Sync, row *contract.Sync) error {
	sweeps, err := db.Sweeps(ctx, name, SweepsShown)
	if err != nil {
		return err
	}
	for _, w := range sweeps {
		row.Sweeps = append(row.Sweeps, contract.SweepOf(w, rulesHash(c)))
	}
	now, err := db.Now(ctx)
	if err != nil {
		return err
	}
	points, err := db.Curve(ctx, name, now.Add(-curveOf), curveSpan)
	if err != nil {
		return err
	}
	if len(points) > 0 && sweeps[0].Summary.Carried() > 0 && sweeps[0].ID > points[len(points)-1].ID {
		points = append(points, sweeps[0])
	}
	for _, w := range points {
		row.AgreementCurve = append(row.AgreementCurve, contract.CurvePointOf(w))
	}
	if c.Sweep == nil {
		return nil
	}
	next, began, err := db.NextSweep(ctx, name, c.Sweep.Every)
	row.NextComparison, row.ComparingSince = contract.Stamp(next), contract.Stamp(began)
	return err
}

// massChangeWithin is the time in which mass_change counts, 0 where it is off.
func massChangeWithin(c config.Sync) time.Duration {
	if c.Limits == nil || c.Limits.MassChange == nil {
		return 0
	}
	return c.Limits.MassChange.Within
}

// Details returns what one sync's page shows besides its status. promises is what its
// connections can tell.
func Details(ctx context.Context, db *store.DB, name string, c config.Sync, promises contract.Promises) (contract.SyncDetails, error) {
	d := contract.SyncDetails{Sync: name, Promises: promises}
	counts, err := db.LinksByRule(ctx, name)
	if err != nil {
		return d, err
	}
	d.Links, d.Counting, d.CountedAt = contract.LinksByRuleOf(counts.Rules), counts.Counting, contract.Stamp(counts.CountedAt)
	if c.Limits == nil {
		return d, nil
	}
	var mass *store.MassChange
	var per store.PerCustomer
	if m := c.Limits.MassChange; m != nil {
		mass = &store.MassChange{Customers: m.Customers, Percent: m.Percent, Within: m.Within}
	}
	if p := c.Limits.WritesPerCustomer; p != nil {
		per = store.PerCustomer{Count: p.Count, Within: p.Within}
	}
	use, err := db.LimitUse(ctx, name, mass, per)
	d.Counting = d.Counting || use.Counting
	if at := contract.Stamp(use.CountedAt); at != nil && (d.CountedAt == nil || at.Before(*d.CountedAt)) {
		d.CountedAt = at
	}
	if m := c.Limits.MassChange; m != nil {
		row := contract.MassChangeUse{To: []string{}, Moved: use.Moved, Most: use.Most, Customers: m.Customers, Percent: m.Percent, Within: m.Within.Seconds()}
		for _, to := range m.To {
			row.To = append(row.To, string(to))
		}
		d.Limits.MassChange = &row
	}
	if per.Count > 0 {
		d.Limits.WritesPerCustomer = &contract.WritesUse{Busiest: use.Busiest, Most: per.Count, Within: per.Within.Seconds()}
	}
	return d, err
}

// Recount counts how the customers of all syncs stand, so that whoever asks next does
// not wait for it, and returns how long it took.
func Recount(ctx context.Context, db *store.DB, syncs map[string]config.Sync) (time.Duration, error) {
	began := time.Now()
	for name, c := range syncs {
		rules, err := RulesOf(ctx, db, name, c)
		if err == nil {
			_, err = db.CountStanding(ctx, name, rules)
		}
		if err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// Watched returns the writes that a sync did not make since it began to watch, the
// latest first; none of one that writes.
func Watched(ctx context.Context, db *store.DB, c config.Sync, f store.WatchedFilter, limit int) ([]store.WatchedWrite, error) {
	modes, err := db.Modes(ctx)
	if err != nil || !c.Watches() || modes[f.Sync].Mode != c.Mode {
		return nil, err
	}
	f.Since = modes[f.Sync].Since
	return db.WatchedWrites(ctx, f, limit)
}
