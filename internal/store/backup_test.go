package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// works opens a database as a service does, and says so.
func works(t *testing.T, database string) (*store.DB, *store.OlderCopy) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DSN: database, Migrate: true, Work: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SetMode(t.Context(), theSync, true); err != nil {
		t.Fatal(err)
	}
	older, err := db.NoticeCopy(t.Context(), map[string]bool{theSync: true})
	if err != nil {
		t.Fatal(err)
	}
	n, err := db.EnterNode(t.Context(), "host:8080", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SeeNode(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return db, older
}

func receive(t *testing.T, db *store.DB, id string) {
	t.Helper()
	e := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: id, Customer: "cus_1", Value: "active", HasValue: true, Payload: []byte("{}")}
	if _, err := db.Receive(t.Context(), []store.NewEvent{e}); err != nil {
		t.Fatal(err)
	}
}

func ends(t *testing.T, db *store.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestACopyThatIsPutBackIsNoticedHoweverItIsDone(t *testing.T) {
	tests := map[string]struct {
		// back puts the copy in the place of the database.
		back func(t *testing.T, copied, database string)
		want reason.Code
	}{
		"by restore": {func(t *testing.T, copied, database string) {
			for _, part := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(database + part); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			found, err := store.Restore(context.Background(), copied, database)
			if err != nil || found.Events != 1 || found.Customers != 1 || found.LastEvent.IsZero() {
				t.Fatalf("%+v, %v", found, err)
			}
		}, reason.CopyRestored},
		"by hand": {func(t *testing.T, copied, database string) {
			content, err := os.ReadFile(copied)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"-wal", "-shm"} {
				if err := os.Remove(database + part); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(database, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}, reason.CopyBehind},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			database, copied := filepath.Join(dir, "trueup.db"), filepath.Join(dir, "copy.db")
			db, older := works(t, database)
			if older != nil {
				t.Fatalf("a new one is a copy: %+v", older)
			}
			receive(t, db, "evt_1")
			if tt.want == reason.CopyRestored {
				if _, err := db.Backup(t.Context(), copied); err != nil {
					t.Fatal(err)
				}
			} else { // as sqlite3 does
				ends(t, db)
				content, err := os.ReadFile(database)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(copied, content, 0o600); err != nil {
					t.Fatal(err)
				}
				db, _ = works(t, database)
			}
			receive(t, db, "evt_2")
			ends(t, db)

			tt.back(t, copied, database)
			db, older = works(t, database)
			if older == nil || older.Why.Code != tt.want || older.Waiting != 1 {
				t.Fatalf("noticed %+v", older)
			}
			if due, err := db.Claim(t.Context(), theSync, 10, time.Minute); err != nil || len(due) > 0 {
				t.Errorf("what waited in the copy is due: %+v, %v", due, err)
			}
			ends(t, db)
			if db, older = works(t, database); older != nil {
				t.Errorf("it is noticed twice: %+v", older)
			}
			ends(t, db)
		})
	}
}

func TestAMarkThatCannotBeWrittenHasTheProcessSeenAllTheSame(t *testing.T) {
	database := filepath.Join(t.TempDir(), "trueup.db")
	if err := os.Mkdir(database+".mark", 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{DSN: database, Migrate: true, Work: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ends(t, db)
	if older, err := db.NoticeCopy(t.Context(), nil); older != nil || err != nil {
		t.Fatal(older, err)
	}
	n, err := db.EnterNode(t.Context(), "host:8080", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	n.File.Hash = "seen"
	if err := db.SeeNode(t.Context(), n); !errors.Is(err, store.ErrNoMark) {
		t.Errorf("got %v, so nobody can tell it from a database that fails", err)
	}
	if all, err := db.Nodes(t.Context()); err != nil || len(all) != 1 || all[0].File.Hash != "seen" {
		t.Errorf("the process was not seen: %+v, %v", all, err)
	}
}

func TestACopyIsMadeWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	database, copied := filepath.Join(dir, "trueup.db"), filepath.Join(dir, "copy.db")
	db, _ := works(t, database)
	receive(t, db, "evt_1")
	found, err := db.Backup(t.Context(), copied)
	if err != nil || found.Events != 1 || found.Bytes == 0 || found.CopiedAt.IsZero() {
		t.Fatalf("%+v, %v", found, err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
	if _, err := db.Backup(t.Context(), copied); !errors.Is(err, store.ErrThere) {
		t.Errorf("it is written over: %v", err)
	}
	if _, err := store.Restore(t.Context(), copied, database); !errors.Is(err, store.ErrThere) {
		t.Errorf("the database is written over: %v", err)
	}
	ends(t, db)
	for name, content := range map[string][]byte{"empty": nil, "text": []byte(strings.Repeat("no database ", 1000)), "half": half(t, copied)} {
		bad := filepath.Join(dir, name)
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "to-"+name)
		if _, err := store.Restore(t.Context(), bad, to); err == nil {
			t.Errorf("%s is restored", name)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s left a file: %v", name, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*unfinished*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func half(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content[:len(content)/2]
}

func TestADumpThatIsRestoredElsewhereIsNoticed(t *testing.T) {
	database := pgtest.DSN(t)
	db, older := works(t, database)
	if older != nil {
		t.Fatalf("a new one is a copy: %+v", older)
	}
	receive(t, db, "evt_1")
	ends(t, db)
	if db, older = works(t, database); older != nil {
		t.Fatalf("the same one is a copy: %+v", older)
	}
	ends(t, db)
	// What pg_restore does to the table's number.
	raw := rawOf(t, "postgres", database)
	for _, text := range []string{"alter table events rename to old_events", "create table events (like old_events including all)",
		"insert into events overriding system value select * from old_events", "drop table old_events"} {
		if _, err := raw.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	db, older = works(t, database)
	if older == nil || older.Why.Code != reason.CopyElsewhere {
		t.Errorf("noticed %+v", older)
	}
	if _, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "copy")); !errors.Is(err, store.ErrNotSQLite) {
		t.Errorf("it is copied as if it were a file: %v", err)
	}
	ends(t, db)
}
