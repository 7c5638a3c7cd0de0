package pgtest

import (
	"net/url"
	"testing"
)

// PlainDSN is DSN for a role that owns its schema and may do nothing else, as a hosted
// PostgreSQL or a careful administrator gives one. The role goes with its schema.
func PlainDSN(t testing.TB) string {
	t.Helper()
	s, err := newSchema(true)
	if err != nil {
		t.Fatalf("these tests need PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := s.drop(); err != nil {
			t.Error(err)
		}
	})
	return s.dsn
}

// ownedByRole gives a schema to a new role of its name, and makes u that role's way to
// it. drop is for when the schema has gone, without which the role owns nothing.
func ownedByRole(u *url.URL, name string) (drop func() error, err error) {
	db, err := admin()
	if err != nil {
		return nil, err
	}
	for _, text := range []string{
		"create role " + name + " login password 'plain' nosuperuser nocreatedb nocreaterole noinherit noreplication nobypassrls",
		"alter schema " + name + " owner to " + name,
	} {
		if _, err := db.Exec(text); err != nil {
			return nil, err
		}
	}
	u.User = url.UserPassword(name, "plain")
	return func() error {
		_, err := db.Exec("drop role " + name)
		return err
	}, nil
}
