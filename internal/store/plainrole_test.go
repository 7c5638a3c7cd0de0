package store_test

import (
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// TestStore runs as such a role on PostgreSQL: a hosted one gives no superuser.
func TestARoleThatOwnsItsSchemaMayDoNothingElse(t *testing.T) {
	db, err := sql.Open("pgx", pgtest.PlainDSN(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range []string{"create schema of_its_own", "create extension pg_trgm", "create role another", "create table public.elsewhere (n bigint)"} {
		_, err := db.ExecContext(t.Context(), text)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("%s ended with %v, not for want of the right", text, err)
		}
	}
}

func TestACopyIntoTheSchemaOfAPlainRole(t *testing.T) {
	db, _ := full(t, 3)
	if _, err := db.CopyTo(t.Context(), pgtest.PlainDSN(t), quiet); err != nil {
		t.Fatal(err)
	}
}

// Who gives too little is told what is missing, and whom to give it.
func TestARoleThatMayMakeNoTablesIsToldWhatToGrant(t *testing.T) {
	for name, c := range map[string]struct{ path, schema string }{
		"the schema that it looks in belongs to someone else": {"public", "ROLE"},
		"the schema that it looks in is not there":            {"nowhere", "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(pgtest.PlainDSN(t))
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			q.Set("search_path", c.path)
			u.RawQuery = q.Encode()
			_, err = store.Open(t.Context(), store.Options{DSN: u.String(), Migrate: true})
			role := u.User.Username()
			want := "; have its administrator run: create schema " + strings.ReplaceAll(c.schema, "ROLE", role) + " authorization " + role
			if !errors.Is(err, store.ErrNoSchema) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestTheSchemaMayHaveAnyName(t *testing.T) {
	u, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	name := `"Odd-` + q.Get("search_path") + `"`
	if _, err := admin.ExecContext(t.Context(), "create schema "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("drop schema " + name + " cascade"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	for range 2 { // made, and found
		if err := open(t, store.Options{DSN: u.String(), Migrate: true}).Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
