package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// oneOf finds the words that a column of the schema may hold.
var oneOf = regexp.MustCompile(`(?m)^\s+(\w+)\s.*check \(\w+ in \(([^)]*)\)\)`)

// fillFile puts rows into every table of a SQLite file.
func fillFile(t *testing.T, path string, rows int) {
	t.Helper()
	raw := storetest.Raw(t, "sqlite", path)
	tables, err := raw.Query("select name, sql from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not in ('schema_version', 'marks')")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for tables.Next() {
		var name, text string
		if err := tables.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		made[name] = text
	}
	for name, text := range made {
		allowed := map[string]string{}
		for _, m := range oneOf.FindAllStringSubmatch(text, -1) {
			words := strings.Split(m[2], ",")
			allowed[m[1]] = strings.Trim(strings.TrimSpace(words[len(words)-1]), "'")
		}
		n := rows
		if strings.Contains(text, "check (id = 1)") {
			n = 1
		}
		for i := 1; i <= n; i++ {
			insertRow(t, raw, name, allowed, i)
		}
	}
}

func insertRow(t *testing.T, raw *sql.DB, table string, allowed map[string]string, i int) {
	t.Helper()
	columns, err := raw.Query("select name, type, pk from pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	var names, places []string
	var values []any
	for columns.Next() {
		var name, kind string
		var pk int
		if err := columns.Scan(&name, &kind, &pk); err != nil {
			t.Fatal(err)
		}
		var value any
		switch word, closed := allowed[name]; {
		case closed:
			value = word
		case strings.EqualFold(kind, "integer"):
			value = int64(i)
		case strings.EqualFold(kind, "real"):
			value = float64(i) / 8
		case strings.EqualFold(kind, "blob"):
			value = []byte(strings.Repeat("\x00", i%3))
		default:
			value = fmt.Sprintf("%s %d ünï", name, i)
		}
		names, places, values = append(names, name), append(places, "?"), append(values, value)
	}
	if _, err := raw.Exec("insert into "+table+" ("+strings.Join(names, ", ")+") values ("+strings.Join(places, ", ")+")", values...); err != nil {
		t.Fatal(table, err)
	}
}

func quiet(string, int, int) {}

// full is a SQLite file at work with rows in every table.
func full(t *testing.T, rows int) (*store.DB, string) {
	t.Helper()
	path := storetest.File(t)
	fillFile(t, path, rows)
	db, _ := works(t, path)
	receive(t, db, "evt_1")
	return db, path
}

func TestEveryRowIsCopiedToAServerAndTheCopyGoesOnWhereTheFileWas(t *testing.T) {
	t.Cleanup(store.SetCopyBatch(3))
	db, path := full(t, 7)
	to := pgtest.DSN(t)
	raw := storetest.Raw(t, "sqlite", path)
	if _, err := raw.Exec("delete from activity where id > 5"); err != nil {
		t.Fatal(err)
	}
	report, err := db.CopyTo(t.Context(), to, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if report.Continued || report.Older.Code != "" || report.Rows("customers") != 8 || report.Rows("links") != 7 || report.Rows("activity") != 5 {
		t.Errorf("the report is %+v", report)
	}
	pg := storetest.Raw(t, "postgres", to)
	for _, c := range report.Tables {
		var there, here int
		if err := errors.Join(pg.QueryRow("select count(*) from "+c.Table).Scan(&there), raw.QueryRow("select count(*) from "+c.Table).Scan(&here)); err != nil || there != here || there != c.Rows || there == 0 {
			t.Errorf("%s: the file has %d rows, the copy %d, the report says %d (%v)", c.Table, here, there, c.Rows, err)
		}
	}
	ends(t, db)
	copied, older := works(t, to)
	if older != nil {
		t.Errorf("the copy is taken for an older one: %+v", older)
	}
	receive(t, copied, "evt_2")
	events, err := copied.Events(t.Context(), store.EventFilter{Customer: "cus_1"})
	if err != nil || len(events) != 2 || events[0].Seq != events[1].Seq+1 {
		t.Errorf("the events are %+v, %v", events, err)
	}
	if _, _, err := copied.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	var id int64
	if err := pg.QueryRow("select nextval(pg_get_serial_sequence('activity', 'id'))").Scan(&id); err != nil || id != 8 {
		t.Errorf("a number is given twice: %d, %v", id, err)
	}
	ends(t, copied)

	// The file, used again, is noticed.
	again, older := works(t, path)
	if older == nil || older.Why.Code != reason.CopyMoved {
		t.Errorf("the file that was copied is used again, and what is noticed is %+v", older)
	}
	ends(t, again)
}

func TestACopyThatWasInterruptedIsContinued(t *testing.T) {
	t.Cleanup(store.SetCopyBatch(2))
	db, _ := full(t, 9)
	to := pgtest.DSN(t)
	told := func(stop int) (n int, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		report, err := db.CopyTo(ctx, to, func(string, int, int) {
			if n++; n == stop {
				cancel()
			}
		})
		if err == nil && (!report.Continued || report.Rows("events") != 10) {
			t.Errorf("the report is %+v", report)
		}
		return n, err
	}
	calls := 0
	for _, stop := range []int{1, 3, 40, 30} {
		n, err := told(stop)
		if calls += n; !errors.Is(err, context.Canceled) {
			t.Fatalf("after %d batches: %v", n, err)
		}
		for _, migrate := range []bool{true, false} {
			if _, err := store.Open(t.Context(), store.Options{DSN: to, Migrate: migrate}); !errors.Is(err, store.ErrHalfCopied) {
				t.Fatalf("half of a copy is opened: %v", err)
			}
		}
	}
	n, err := told(-1)
	if err != nil {
		t.Fatal(err)
	}
	fresh := 0
	if _, err := db.CopyTo(t.Context(), pgtest.DSN(t), quiet); !errors.Is(err, store.ErrMoved) {
		t.Errorf("the file is copied to a second place: %v", err)
	}
	other, _ := full(t, 9)
	defer ends(t, other)
	if _, err := other.CopyTo(t.Context(), pgtest.DSN(t), func(string, int, int) { fresh++ }); err != nil {
		t.Fatal(err)
	}
	if calls+n > fresh+4 {
		t.Errorf("with four interruptions %d batches were copied, without %d", calls+n, fresh)
	}
	ends(t, db)
}

func TestWhatChangesWhileItIsCopiedIsCopiedAnew(t *testing.T) {
	t.Cleanup(store.SetCopyBatch(2))
	db, path := full(t, 5)
	defer ends(t, db)
	raw, once := storetest.Raw(t, "sqlite", path), false
	report, err := db.CopyTo(t.Context(), pgtest.DSN(t), func(table string, done, _ int) {
		if table == "links" && done == 4 && !once {
			once = true
			if _, err := raw.Exec("delete from links where rowid = 1; update links set rule = 'changed' where rowid = 2"); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || report.Rows("links") != 4 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestWhatCannotBeCopiedIsRefused(t *testing.T) {
	db, path := full(t, 1)
	to := pgtest.DSN(t)
	if _, err := db.CopyTo(t.Context(), "other.db", quiet); !errors.Is(err, store.ErrNotServer) {
		t.Errorf("to a file: %v", err)
	}
	if _, err := store.Open(t.Context(), store.Options{DSN: path, Work: true}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a service begins meanwhile: %v", err)
	}
	pg := storetest.Raw(t, "postgres", to)
	if _, err := pg.Exec("create table theirs (id bigint)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.CopyTo(t.Context(), to, quiet); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("beside somebody's table: %v", err)
	}
	used, _ := works(t, pgtest.DSN(t))
	defer ends(t, used)
	if _, err := used.CopyTo(t.Context(), to, quiet); !errors.Is(err, store.ErrOnServer) {
		t.Errorf("from a server: %v", err)
	}
	ends(t, db)
}

func TestACopyOfAnOlderCopyIsNoticedToo(t *testing.T) {
	db, path := full(t, 1)
	ends(t, db)
	raw := storetest.Raw(t, "sqlite", path)
	if _, err := raw.Exec("update marks set seen_at = ?", time.Now().Add(-48*time.Hour).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Exec("delete from sweeps"); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{DSN: path, Work: true})
	if err != nil {
		t.Fatal(err)
	}
	to := pgtest.DSN(t)
	report, err := db.CopyTo(t.Context(), to, quiet)
	if err != nil || report.Older.Code != reason.CopyUnused {
		t.Fatalf("%+v, %v", report, err)
	}
	ends(t, db)
	copied, older := works(t, to)
	if older == nil {
		t.Error("the copy writes although the file may have been an older one")
	}
	ends(t, copied)
}
