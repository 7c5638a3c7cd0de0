package overview

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Alarms returns the alarms that are on, by sync. Whoever shows or tells of alarms
// asks here. It reads little enough to be asked each minute.
func Alarms(ctx context.Context, db *store.DB, cfg *config.Config) ([]contract.Alarm, error) {
	paused, err := db.SyncsPaused(ctx)
	if err != nil {
		return nil, err
	}
	halted, err := db.HaltedSince(ctx)
	if err != nil {
		return nil, err
	}
	all := []contract.Alarm{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		on := func(alarm status.Alarm, connection string, since time.Time, facts reason.AlarmFacts) {
			facts.Connection = connection
			text, todo := reason.OfAlarm(alarm, facts)
			all = append(all, contract.Alarm{Alarm: alarm, Sync: name, Connection: connection, Since: contract.Stamp(since), Text: text,
				Remedy: contract.Remedy{Verb: todo.Verb, Does: todo.Text}})
		}
		silence, silent, err := silence(ctx, db, name)
		if err != nil {
			return nil, err
		}
		if silent {
			on(status.AlarmSilent, s.Source.Connection, silence.Since, reason.AlarmFacts{Within: silence.Longest})
		}
		fails, err := db.Failing(ctx, name)
		if err != nil {
			return nil, err
		}
		if fails.ID > 0 {
			on(status.AlarmConnectionFailed, fails.Reason.Facts.Connection, fails.OpenedAt, reason.AlarmFacts{Because: fails.Reason})
		}
		older := cmp.Or(cfg.Alarms.QueueOlderThan, config.QueueOlderThan)
		due, err := db.DueFor(ctx, name, older)
		if err != nil {
			return nil, err
		}
		pause, isPaused := paused[name]
		if due.Customers > 0 && !isPaused { // that is what a pause is for
			on(status.AlarmQueueOld, "", due.Since, reason.AlarmFacts{Count: due.Customers, Within: older})
		}
		late, since, err := db.OverdueSince(ctx, name, s.RemindAfter)
		if err != nil {
			return nil, err
		}
		if late > 0 {
			on(status.AlarmOverdue, "", since, reason.AlarmFacts{Count: late, Within: s.RemindAfter})
		}
		if since, is := halted[name]; is {
			on(status.AlarmHalted, "", since, reason.AlarmFacts{})
		}
		if isPaused {
			by, err := called(ctx, db, cfg, pause.By)
			if err != nil {
				return nil, err
			}
			on(status.AlarmPaused, "", pause.Since, reason.AlarmFacts{By: by, Why: pause.Reason, PlanFirst: pause.PlanFirst})
		}
	}
	return all, nil
}

// called is what a person is called whom a history names, who is named as there when
// that is not known.
func called(ctx context.Context, db *store.DB, cfg *config.Config, who string) (string, error) {
	names, err := people.Names(ctx, db, cfg.People, []string{who})
	return cmp.Or(names[who], who), err
}

// silence returns the silence that a sync is in. What was sent since ends it, though
// nobody has looked yet.
func silence(ctx context.Context, db *store.DB, sync string) (s store.Silence, silent bool, err error) {
	if s, err = db.Silence(ctx, sync); err != nil || s.Since.IsZero() || !s.Heard.IsZero() {
		return s, false, err
	}
	_, sent, err := db.Heard(ctx, sync)
	return s, !sent.After(s.Since), err
}
