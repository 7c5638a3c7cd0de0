// Package overview is the status of everything, as the commands print it and the
// API returns it: each sync, each connection, each process.
//
// Main functions: Syncs, Sync and Status.
//
// Invariants: nothing of it names a customer; no history is read, so it is quick
// whatever has happened; a time of "ago" is by the database's clock.
//
// It may import internal/config, contract, mapping, people, reason, status and store, and
// neither the pipeline nor a connector.
package overview

import (
	"context"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// SweepsShown is how many comparisons of both sides are told of a sync.
const SweepsShown = 30

// shared is what is read once for all syncs.
type shared struct {
	counts map[string]store.Counts
	modes  map[string]store.Mode
	paused map[string]store.SyncPause
	polls  map[string]store.Poll // by connection
}

func readShared(ctx context.Context, db *store.DB) (s shared, err error) {
	if s.counts, err = db.Counts(ctx); err != nil {
		return s, err
	}
	if s.modes, err = db.Modes(ctx); err != nil {
		return s, err
	}
	if s.paused, err = db.SyncsPaused(ctx); err != nil {
		return s, err
	}
	s.polls, err = db.Polls(ctx)
	return s, err
}

// Syncs returns how each sync stands, by name.
func Syncs(ctx context.Context, db *store.DB, syncs map[string]config.Sync) ([]contract.Sync, error) {
	common, err := readShared(ctx, db)
	if err != nil {
		return nil, err
	}
	all := []contract.Sync{}
	for _, name := range slices.Sorted(maps.Keys(syncs)) {
		row, err := common.sync(ctx, db, name, syncs[name])
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// Sync returns how one sync stands.
func Sync(ctx context.Context, db *store.DB, name string, c config.Sync) (contract.Sync, error) {
	common, err := readShared(ctx, db)
	if err != nil {
		return contract.Sync{}, err
	}
	return common.sync(ctx, db, name, c)
}

func (s shared) sync(ctx context.Context, db *store.DB, name string, c config.Sync) (contract.Sync, error) {
	row := contract.Sync{Sync: name, Mode: c.Mode, Statuses: slices.AppendSeq([]status.Status{}, maps.Keys(c.Statuses)),
		Source: contract.SyncSide{Connection: c.Source.Connection, Field: c.Source.Field},
		Target: contract.SyncSide{Connection: c.Target.Connection, Field: c.Target.Field},
		Sweeps: []contract.Sweep{}, AgreementCurve: []contract.CurvePoint{}}.WithCounts(s.counts[name])
	row.Paused, row.Poll = contract.PauseOf(s.paused[name]), contract.PollOf(s.polls[c.Source.Connection])
	slices.Sort(row.Statuses)
	mode := s.modes[name]
	if mode.Mode == c.Mode { // else no process has run with this configuration yet
		row.ModeSince, row.ModeChange = contract.Stamp(mode.Since), contract.ModeChangedOf(mode.Act)
	} else {
		row.ModeInUse = mode.Mode
	}
	rules, err := RulesOf(ctx, db, name, c)
	if err != nil {
		return row, err
	}
	standing, err := db.SyncStanding(ctx, name, rules)
	if err != nil {
		return row, err
	}
	row.Agreement, row.Held = contract.AgreementOf(standing), max(0, standing.ByOutcome[status.Held]-s.counts[name].Delayed.Customers)
	if row.HeldAsked, err = db.HeldAsked(ctx, name); err != nil {
		return row, err
	}
	row.HeldAsked = min(row.HeldAsked, row.Held)
	if err := comparisons(ctx, db, name, c, &row); err != nil {
		return row, err
	}
	if row.Halted != nil {
		common, err := db.Common(ctx, name, massChangeWithin(c))
		if err != nil {
			return row, err
		}
		row.Halted = row.Halted.WithCommon(common)
	}
	if len(c.Statuses) > 0 { // else the file has faults
		if row.Coverage, err = Coverage(ctx, db, name, c); err != nil {
			return row, err
		}
	}
	if row.AccountMoved, err = moved(ctx, db, name, c); err != nil {
		return row, err
	}
	if err := events(ctx, db, name, c, &row); err != nil {
		return row, err
	}
	if row.Ladder, err = ladder(ctx, db, name, c); err != nil {
		return row, err
	}
	if c.Mode == config.ModeWatch {
		watching, err := db.Watching(ctx, name, mode.Since)
		if err != nil {
			return row, err
		}
		w := contract.WatchingOf(watching)
		row.Watching = &w
	}
	return row, nil
}

// events adds what a sync hears and what it has asked people for.
func events(ctx context.Context, db *store.DB, name string, c config.Sync, row *contract.Sync) error {
	heard, _, err := db.Heard(ctx, name)
	if err != nil {
		return err
	}
	row.LastEvent = contract.Stamp(heard)
	now, err := db.Now(ctx)
	if err != nil {
		return err
	}
	usual, err := db.Usual(ctx, name, now.Add(-rhythmOf))
	if err != nil {
		return err
	}
	row.Rhythm = contract.RhythmOf(usual)
	if row.EventsByHour, err = db.EventsByHour(ctx, name, hoursShown); err != nil {
		return err
	}
	found, silent, err := silence(ctx, db, name)
	if err != nil {
		return err
	}
	if silent {
		row.Silence = &contract.Silence{Since: contract.Stamp(found.Since), LongestBefore: found.Longest.Seconds()}
	}
	row.OverdueExceptions, err = db.Overdue(ctx, name, c.RemindAfter)
	return err
}
