package pgtest

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
)

// A ready schema has its tables and no row. To make the tables takes many times what a
// usual test does with them, so a schema goes from test to test of a process: emptied,
// and only while it has the shape that it was made with.
type readySchema struct {
	name, dsn, shape string
	drop             func() error
}

// ready are those that no test has, by whether a plain role owns them.
var ready struct {
	sync.Mutex
	all map[bool][]readySchema
}

// largest is how many bytes a schema may hold and be worth emptying.
const largest = 32 << 20

// Ready returns the URL of a schema that fill has given tables, for a test that does not
// change them.
func Ready(t testing.TB, fill func(dsn string) error) string { return readyOf(t, false, fill) }

// PlainReady is Ready for a role that owns its schema and may do nothing else.
func PlainReady(t testing.TB, fill func(dsn string) error) string { return readyOf(t, true, fill) }

func readyOf(t testing.TB, plain bool, fill func(dsn string) error) string {
	t.Helper()
	s, err := takeReady(plain, fill)
	if err != nil {
		t.Fatalf("these tests need PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		back := s.giveBack
		if t.Failed() {
			back = func(bool) error { return s.drop() } // a program that it left may still write
		}
		if err := back(plain); err != nil {
			t.Error(err)
		}
	})
	return s.dsn
}

func takeReady(plain bool, fill func(dsn string) error) (s readySchema, err error) {
	ready.Lock()
	if waiting := ready.all[plain]; len(waiting) > 0 {
		s, ready.all[plain] = waiting[len(waiting)-1], waiting[:len(waiting)-1]
	}
	ready.Unlock()
	if s.dsn != "" {
		return s, nil
	}
	if s, err = newSchema(plain); err != nil {
		return s, err
	}
	if err := fill(s.dsn); err != nil {
		return s, errors.Join(err, s.drop())
	}
	if err := s.empty(); err != nil {
		return s, errors.Join(err, s.drop())
	}
	if s.shape, _, err = s.look(); err != nil {
		return s, errors.Join(err, s.drop())
	}
	return s, nil
}

// newSchema makes one that is empty. Its sessions are called like it.
func newSchema(plain bool) (s readySchema, err error) {
	base, err := server()
	if err != nil {
		return s, err
	}
	dsn, drop, err := schema(base)
	if err != nil {
		return s, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return s, errors.Join(err, drop())
	}
	q := u.Query()
	s.name, s.drop = q.Get("search_path"), drop
	q.Set("application_name", s.name)
	u.RawQuery = q.Encode()
	if plain {
		dropRole, err := ownedByRole(u, s.name)
		if err != nil {
			return s, errors.Join(err, drop())
		}
		s.drop = func() error { return errors.Join(drop(), dropRole()) }
	}
	s.dsn = u.String()
	return s, nil
}

// giveBack empties a schema for the next test, or drops it.
func (s readySchema) giveBack(plain bool) error {
	db, err := admin()
	if err != nil {
		return err
	}
	// A program that was killed may still have a session.
	if _, err := db.Exec("select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = $1", s.name); err != nil {
		return errors.Join(err, s.drop())
	}
	shape, size, err := s.look()
	if err != nil || shape != s.shape || size > largest {
		return errors.Join(err, s.drop())
	}
	if err := s.empty(); err != nil {
		return errors.Join(err, s.drop())
	}
	ready.Lock()
	defer ready.Unlock()
	if ready.all == nil {
		ready.all = map[bool][]readySchema{}
	}
	ready.all[plain] = append(ready.all[plain], s)
	return nil
}

// look returns what tables, columns and indexes a schema has, and how many bytes.
func (s readySchema) look() (shape string, size int64, err error) {
	db, err := admin()
	if err != nil {
		return "", 0, err
	}
	err = db.QueryRow(`select coalesce(md5(string_agg(concat_ws(' ', relname, relkind, relowner, columns), ', ' order by relname)), ''), coalesce(sum(size), 0)
from (select c.relname, c.relkind, c.relowner, pg_relation_size(c.oid) as size,
        (select string_agg(concat_ws(' ', attname, atttypid, attnotnull, attcollation), ', ' order by attnum) from pg_attribute where attrelid = c.oid and attnum > 0) as columns
    from pg_class c where c.relnamespace = (select oid from pg_namespace where nspname = $1)) found`, s.name).Scan(&shape, &size)
	return shape, size, err
}

// empty deletes every row but the schema's own version, and lets numbers begin anew.
func (s readySchema) empty() error {
	db, err := admin()
	if err != nil {
		return err
	}
	_, err = db.Exec(fmt.Sprintf(`do $$
declare of record;
begin
    for of in select tablename from pg_tables where schemaname = '%[1]s' and tablename <> 'schema_version' loop
        execute format('delete from %%I.%%I', '%[1]s', of.tablename);
    end loop;
    for of in select sequencename, start_value from pg_sequences where schemaname = '%[1]s' and last_value is not null loop
        perform setval(format('%%I.%%I', '%[1]s', of.sequencename)::regclass, of.start_value, false);
    end loop;
end $$`, s.name))
	return err
}

// dropReady drops those that are left at the end of a process.
func dropReady() error {
	ready.Lock()
	defer ready.Unlock()
	var all error
	for _, waiting := range ready.all {
		for _, s := range waiting {
			all = errors.Join(all, s.drop())
		}
	}
	ready.all = nil
	return all
}

// admin is this process's way to the server, for what tests do not do themselves.
var admin = sync.OnceValues(func() (*sql.DB, error) {
	base, err := server()
	if err != nil {
		return nil, err
	}
	return sql.Open("pgx", base)
})
