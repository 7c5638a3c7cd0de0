package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// OlderCopy says why a database is taken for an older copy of itself: Trueup may have
// written since, and this database does not know of it.
type OlderCopy struct {
	Why reason.Reason
	// Paused are the syncs that write nothing until a person has read a plan.
	Paused []string
	// Waiting is how many events were waiting in the copy. They are not processed:
	// the database that the copy was made of may have done so.
	Waiting int
}

// unused is after how long without a sign of life it is asked whether a database
// is the one that was at work last.
const unused = 24 * time.Hour

// marks is the row that tells a database from its older copies.
type marks struct {
	beats    int64
	seen     time.Time
	place    string
	copied   time.Time
	recorded bool
}

// NoticeCopy looks, before a process begins to work, whether the database is an older
// copy of the one that was at work last, and if so pauses each sync in live, the ones
// that write. Of a live sync whose value is true a plan can be made, and has to be
// before it is resumed. What its customers waited for is history, as when a sync goes
// live. It returns nil when there is no sign of a copy.
func (db *DB) NoticeCopy(ctx context.Context, live map[string]bool) (older *OlderCopy, err error) {
	here, err := db.placeHere(ctx)
	if err != nil {
		return nil, fmt.Errorf("look where the database is: %w", err)
	}
	witness := db.witness()
	err = db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		older = nil
		was, err := t.marks()
		if err != nil {
			return err
		}
		if why, ok := was.olderCopy(t.now, here, witness); ok {
			found := OlderCopy{Why: why}
			for sync, plan := range live {
				if err := t.pauseCopy(sync, plan, &found); err != nil {
					return err
				}
			}
			if len(found.Paused) > 0 {
				older = &found
			}
		}
		return t.setMarks(marks{beats: max(was.beats, witness) + 1, seen: t.now, place: here})
	}})
	if err != nil {
		return nil, fmt.Errorf("look whether the database is an older copy: %w", err)
	}
	return older, nil
}

// olderCopy reports whether what the database says of itself fits to where it is
// found now, and when.
func (m marks) olderCopy(now time.Time, here string, witness int64) (reason.Reason, bool) {
	facts := reason.Facts{At: m.seen}
	switch {
	case !m.copied.IsZero():
		return reason.Reason{Code: reason.CopyRestored, Facts: reason.Facts{At: m.copied}}, true
	case !m.recorded:
		return reason.Reason{}, false // no one has worked here yet
	case strings.HasPrefix(m.place, movedMark):
		return reason.Reason{Code: reason.CopyMoved, Facts: facts}, true
	case witness > m.beats:
		return reason.Reason{Code: reason.CopyBehind, Facts: facts}, true
	case !samePlace(m.place, here):
		return reason.Reason{Code: reason.CopyElsewhere, Facts: facts}, true
	case now.Sub(m.seen) > unused:
		return reason.Reason{Code: reason.CopyUnused, Facts: facts}, true
	}
	return reason.Reason{}, false
}

func (t *tx) pauseCopy(sync string, plan bool, found *OlderCopy) error {
	mode := ""
	if err := t.query(func(s scanner) error { return s.Scan(&mode) }, "select mode from modes where sync = $1", sync); err != nil || mode != "live" {
		return err
	}
	why := keep(found.Why)
	waits, err := t.exec("update events set outcome = 'ignored', reason = $2, settled_at = $3, reason_code = $4, reason_facts = $5 where sync = $1 and outcome = ''",
		sync, why.text, ms(t.now), why.code, why.facts)
	if err != nil {
		return err
	}
	first := map[bool]int{true: 1}[plan]
	if t.db.lock != "" { // as lockCustomers does
		if _, err := t.exec("select 1 from customers where sync = $1 and (due_at is not null or owed = 1) order by sync, customer for update", sync); err != nil {
			return err
		}
	}
	for _, change := range []struct {
		text string
		args []any
	}{
		{"update customers set due_at = null, owed = 0, generation = generation + 1 where sync = $1 and (due_at is not null or owed = 1)", nil},
		{"update modes set since = $2 where sync = $1", []any{ms(t.now)}},
		{`insert into pauses (sync, since, who, reason, plan_first) values ($1, $2, $3, $4, $5)
on conflict (sync) where ended_at = 0 do update set plan_first = excluded.plan_first, since = excluded.since`, []any{ms(t.now), itself, found.Why.Sentence(), first}},
	} {
		if _, err := t.exec(change.text, append([]any{sync}, change.args...)...); err != nil {
			return err
		}
	}
	found.Paused, found.Waiting = append(found.Paused, sync), found.Waiting+int(waits)
	return t.record(t.ctx, Activity{Who: itself, Sync: sync, Act: reason.Reason{Code: reason.ActPaused}, Why: found.Why.Sentence()})
}

// ErrPlanFirst means that a pause ends only once a plan has been made in it.
var ErrPlanFirst = errors.New("a plan has to be made first")

// waitsForPlan is that of a pause p.
const waitsForPlan = `p.plan_first = 1
and not exists (select 1 from sweeps s where s.sync = p.sync and s.purpose = 'plan' and s.phase = 'done' and s.began_at >= p.since)`

// planFirst returns ErrPlanFirst when the pause of a sync waits for a plan.
func (t *tx) planFirst(sync string) error {
	waits := false
	err := t.query(func(s scanner) error { waits = true; return s.Scan(new(int64)) },
		"select p.id from pauses p where p.sync = $1 and p.ended_at = 0 and "+waitsForPlan, sync)
	if err == nil && waits {
		return ErrPlanFirst
	}
	return err
}

func (t *tx) marks() (m marks, err error) {
	err = t.query(func(s scanner) error {
		var seen, copied int64
		err := s.Scan(&m.beats, &seen, &m.place, &copied)
		m.seen, m.copied, m.recorded = at(seen), at(copied), seen > 0
		return err
	}, "select beats, seen_at, place, copied_at from marks where id = 1")
	if err != nil {
		return m, err
	}
	// Comparisons are made without a service as well.
	err = t.query(func(s scanner) error {
		var began int64
		err := s.Scan(&began)
		if compared := at(began); compared.After(m.seen) {
			m.seen = compared
		}
		return err
	}, "select coalesce(max(began_at), 0) from sweeps")
	return m, err
}

func (t *tx) setMarks(m marks) error {
	_, err := t.exec(`insert into marks (id, beats, seen_at, place, copied_at) values (1, $1, $2, $3, $4)
on conflict (id) do update set beats = excluded.beats, seen_at = excluded.seen_at, place = excluded.place, copied_at = excluded.copied_at`,
		m.beats, ms(m.seen), m.place, ms(m.copied))
	return err
}

// beat says that a process works on this database, in it and beside it.
func (t *tx) beat() error {
	_, err := t.exec("update marks set beats = beats + 1, seen_at = $1 where id = 1", ms(t.now))
	return err
}

// witness returns what the file beside a SQLite file says, which is not copied with
// it: a copy that was made before has counted fewer beats.
func (db *DB) witness() int64 {
	if db.witnessFile == "" {
		return 0
	}
	text, err := os.ReadFile(db.witnessFile)
	if err != nil {
		return 0
	}
	beats, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0 // cut off while it was written: the database is not behind it
	}
	return beats
}

// ErrNoMark means that the file beside the database could not be written. It is no
// reason to stop: everything but the notice of a copy goes on without it.
var ErrNoMark = errors.New("the mark beside the database was not written, so an older copy of it may go unnoticed")

// testify brings the witness up to what the database has counted.
func (db *DB) testify(ctx context.Context) error {
	if db.witnessFile == "" {
		return nil
	}
	var beats int64
	if err := db.view(ctx, func(s scanner) error { return s.Scan(&beats) }, "select beats from marks where id = 1"); err != nil {
		return err
	}
	if err := os.WriteFile(db.witnessFile, strconv.AppendInt(nil, beats, 10), 0o600); err != nil {
		return fmt.Errorf("%w: %w", ErrNoMark, err)
	}
	return nil
}

// placeHere names where a PostgreSQL server keeps the database: the server, as far as
// it tells, and the numbers of the database and of a table in it. A dump that is
// restored gets others. Of SQLite it is "".
func (db *DB) placeHere(ctx context.Context) (string, error) {
	if db.name != postgresDialect.name {
		return "", nil
	}
	var database, table string
	err := db.read.QueryRowContext(ctx, "select d.oid::text, 'events'::regclass::oid::text from pg_database d where d.datname = current_database()").Scan(&database, &table)
	if err != nil {
		return "", err
	}
	server := ""
	if err := db.read.QueryRowContext(ctx, "select system_identifier::text from pg_control_system()").Scan(&server); err != nil {
		server = "" // a server may keep it to itself
	}
	return server + "/" + database + "/" + table, nil
}

func samePlace(a, b string) bool {
	serverA, restA, _ := strings.Cut(a, "/")
	serverB, restB, _ := strings.Cut(b, "/")
	return restA == restB && (serverA == serverB || serverA == "" || serverB == "")
}
