package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// acceptSenders are how many send at once. Each waits for its answer before it sends again.
var acceptSenders = []int{1, 16, 64, 256}

// accept measures how fast webhooks are stored and answered. A rate limit keeps Trueup from
// carrying them at the same time, which burst measures.
func accept(ctx context.Context, b *bench, e engine) ([]Row, error) {
	return b.withWorld(ctx, e, 1, 0, almostNone, func(w *world) (rows []Row, err error) {
		flood := func(p side, senders int) (Figure, error) {
			l := w.load(p, hooks, senders, b.accept, func(i int) []byte {
				return fmt.Appendf(nil, `{"id":"evt_%d","occurred_at":%q,"data":{"id":%q,"status":"active"}}`, w.events.Add(1), time.Now().UTC().Format(time.RFC3339Nano), customerID(i%5000))
			})
			l.atMost = b.atMost
			before := p.cpu()
			r, err := l.send(ctx)
			return timed(r.n, r.took, r.calls, p.cpu()-before), err
		}
		var first, last Figure
		for _, senders := range acceptSenders {
			b.say(e, "accept from %s", status.Plural(senders, "sender"))
			trueup, err := flood(w.trueup, senders)
			if err != nil {
				return rows, err
			}
			bare, err := flood(w.bare, senders)
			if err != nil {
				return rows, err
			}
			rows = append(rows, beside("accept, "+status.Plural(senders, "sender"), "/s", trueup, "handler that only checks the signature", bare, ""))
			if last = trueup; senders == 1 {
				first = trueup
			}
		}
		if e.name() == "sqlite" { // the disk of a server is elsewhere
			b.say(e, "raw fdatasync")
			raw, err := rawSync(filepath.Join(w.dir, "raw"), b.accept, b.atMost)
			if err != nil {
				return rows, err
			}
			rows = append(rows, beside("accept, 1 sender", "/s", first, "raw fdatasync of 512 bytes each", raw, ""))
		}
		b.say(e, "raw batched inserts")
		raw, err := rawInserts(ctx, e, w.dsn, b.accept, b.atMost)
		if err != nil {
			return rows, err
		}
		return append(rows, beside(fmt.Sprintf("accept, %d senders", acceptSenders[len(acceptSenders)-1]), "/s", last,
			fmt.Sprintf("raw inserts of %d rows a transaction", rowsATransaction), raw, "")), nil
	})
}

// rawSync appends to a file and waits for the disk each time.
func rawSync(path string, n int, atMost time.Duration) (f Figure, err error) {
	file, err := os.Create(path) // #nosec G304 -- in the measurement's own folder
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	block := make([]byte, 512)
	var calls []time.Duration
	began := time.Now()
	for len(calls) < n && time.Since(began) < atMost {
		before := time.Now()
		if _, err := file.Write(block); err != nil {
			return f, err
		}
		if err := syncData(file); err != nil {
			return f, err
		}
		calls = append(calls, time.Since(before))
	}
	return timed(len(calls), time.Since(began), calls, 0), nil
}

// rowsATransaction is as many as Trueup shares a transaction between.
const rowsATransaction = 256

// rawInserts writes rows like those of events into a table of their own, a full batch in
// each transaction, with as many writers as Trueup has.
func rawInserts(ctx context.Context, e engine, dsn string, n int, atMost time.Duration) (f Figure, err error) {
	db, err := e.open(dsn, false)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	kind, number := "blob", "integer primary key autoincrement"
	if e.name() == "postgres" {
		kind, number = "bytea", "bigint generated always as identity primary key"
	}
	if _, err := db.ExecContext(ctx, "create table raw_events (seq "+number+", event_id text not null unique, customer text not null, payload "+kind+" not null)"); err != nil {
		return f, err
	}
	var text strings.Builder
	text.WriteString("insert into raw_events (event_id, customer, payload) values ")
	for i := range rowsATransaction {
		fmt.Fprintf(&text, "($%d, $%d, $%d), ", 3*i+1, 3*i+2, 3*i+3)
	}
	insert, err := db.PrepareContext(ctx, strings.TrimSuffix(text.String(), ", "))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	payload := make([]byte, 140)
	var next atomic.Int64
	failed := make(chan error, e.writers())
	var all sync.WaitGroup
	began := time.Now()
	for range e.writers() {
		all.Go(func() {
			for time.Since(began) < atMost {
				from := int(next.Add(rowsATransaction)) - rowsATransaction
				if from >= n {
					return
				}
				args := make([]any, 0, 3*rowsATransaction)
				for i := range rowsATransaction {
					args = append(args, fmt.Sprint("evt_", from+i), customerID((from+i)%5000), payload)
				}
				if _, err := insert.ExecContext(ctx, args...); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	select {
	case err := <-failed:
		return f, err
	default:
	}
	var stored int
	if err := db.QueryRowContext(ctx, "select count(*) from raw_events").Scan(&stored); err != nil {
		return f, err
	}
	return timed(stored, took, nil, 0), nil
}
