package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// counting is a database with a sync of so many customers, and a way to count them that
// says how often it was asked.
func counting(t *testing.T, customers int, work bool) (db *DB, asked *int, count func(context.Context, figureKey) (int, error)) {
	t.Helper()
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true, Work: work})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.write.Exec("insert into customers (sync, customer, generation) with recursive n(i) as (select 1 union all select i + 1 from n where i < $1) select 's', i, 1 from n", customers); err != nil {
		t.Fatal(err)
	}
	asked = new(int)
	return db, asked, func(context.Context, figureKey) (int, error) { *asked++; return *asked, nil }
}

// What is asked of a large sync is counted beside the answer, says as of when it is,
// and is counted again when it is old. What it depended on before does not count.
func TestALargeSyncIsNotCountedForAQuestion(t *testing.T) {
	db, asked, count := counting(t, manyRows+1, true)
	var f figures[int]
	key := figureKey{sync: "s"}
	ask := func(key figureKey) figure[int] {
		t.Helper()
		got, err := f.atHand(t.Context(), db, key, "customers", count)
		if err != nil {
			t.Fatal(err)
		}
		db.aside.Wait()
		return got
	}
	if got := ask(key); !got.counting || got.figure != 0 {
		t.Errorf("before it was counted it is %+v", got)
	}
	if got := ask(key); got.counting || got.figure != 1 || got.at.IsZero() || *asked != 1 {
		t.Errorf("once it was counted it is %+v, after %d counts", got, *asked)
	}
	f.by[key] = figure[int]{figure: 1, at: time.Now().Add(-countedFor)}
	if got := ask(key); got.counting || got.figure != 1 || time.Since(got.at) < countedFor {
		t.Errorf("an old one is %+v", got)
	}
	if got := ask(key); got.figure != 2 || *asked != 2 {
		t.Errorf("after it the answer is %+v, after %d counts", got, *asked)
	}
	if got := ask(figureKey{"s", 5}); !got.counting {
		t.Errorf("under other rules it is %+v", got)
	}
	if _, old := f.by[key]; old || len(f.by) != 1 {
		t.Errorf("kept are %v", f.by)
	}
}

// A small sync is counted for each question, and a command counts a large one.
func TestASmallSyncAndACommandAreExact(t *testing.T) {
	for name, c := range map[string]struct {
		customers int
		work      bool
	}{"small": {manyRows, true}, "command": {manyRows + 1, false}} {
		t.Run(name, func(t *testing.T) {
			db, _, count := counting(t, c.customers, c.work)
			var f figures[int]
			for want := range 3 {
				if got, err := f.atHand(t.Context(), db, figureKey{sync: "s"}, "customers", count); err != nil || got.figure != want+1 || !got.at.IsZero() || got.counting {
					t.Errorf("it is %+v, %v", got, err)
				}
			}
		})
	}
}

// One count is under way at a time. One that failed is made again for the next to ask,
// and one that is under way ends with the database.
func TestACountIsMadeOnceAndEndsWithTheDatabase(t *testing.T) {
	db, _, _ := counting(t, manyRows+1, true)
	var f figures[int]
	began, fail := make(chan struct{}, 9), make(chan struct{})
	count := func(ctx context.Context, _ figureKey) (int, error) {
		began <- struct{}{}
		select {
		case <-fail:
			return 0, errors.New("the disk is gone")
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	ask := func() {
		t.Helper()
		if got, err := f.atHand(t.Context(), db, figureKey{sync: "s"}, "customers", count); err != nil || !got.counting {
			t.Errorf("it is %+v, %v", got, err)
		}
	}
	ask()
	<-began
	ask()
	if len(began) != 0 {
		t.Error("two count the same")
	}
	fail <- struct{}{}
	db.aside.Wait()
	ask()
	<-began
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if db.beside(func(context.Context) {}) {
		t.Error("a count begins after the end")
	}
}
