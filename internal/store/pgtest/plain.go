package pgtest

import (
	"database/sql"
	"net/url"
	"testing"
)

// PlainDSN is DSN for a role that owns its schema and may do nothing else, as a hosted
// PostgreSQL or a careful administrator gives one. The role goes with its schema.
func PlainDSN(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("these tests need PostgreSQL: %v", err)
	}
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	do := func(text string) {
		t.Helper()
		if _, err := admin.Exec(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	role := ""
	t.Cleanup(func() { // after that of the schema, without which the role owns nothing
		if role != "" {
			do("drop role " + role)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	role = u.Query().Get("search_path")
	do("create role " + role + " login password 'plain' nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls")
	do("alter schema " + role + " owner to " + role)
	u.User = url.UserPassword(role, "plain")
	return u.String()
}
