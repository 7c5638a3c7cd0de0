package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Raw opens a database beside the store.
func Raw(t testing.TB, engine, dsn string) *sql.DB {
	t.Helper()
	driver := "pgx"
	if engine == "sqlite" {
		driver, dsn = "sqlite", (&url.URL{Scheme: "file", Path: dsn}).String()
	}
	raw, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := raw.Close(); err != nil {
			t.Error(err)
		}
	})
	return raw
}

// TextColumns returns every column that can hold text or bytes, by table.
func TextColumns(t *testing.T, engine string, raw *sql.DB) map[string][]string {
	t.Helper()
	all, err := textColumns(engine, raw)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func textColumns(engine string, raw *sql.DB) (all map[string][]string, err error) {
	query := "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table' and lower(p.type) in ('text', 'blob')"
	if engine == "postgres" {
		query = "select table_name, column_name from information_schema.columns where table_schema = current_schema() and data_type in ('text', 'bytea', 'character varying', 'json', 'jsonb')"
	}
	rows, err := raw.Query(query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	all = map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		all[table] = append(all[table], column)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(all) < 10 {
		return nil, fmt.Errorf("found only %v", all)
	}
	return all, nil
}

// Standing is Named of the database behind a DSN.
func Standing(t *testing.T, engine, dsn string, names ...string) []string {
	t.Helper()
	found, err := Named(Raw(t, engine, dsn), engine, names...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Named returns every text of a database in which one of the names stands by
// itself, whatever the column.
func Named(raw *sql.DB, engine string, names ...string) (found []string, err error) {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(name)
	}
	named := regexp.MustCompile(`\b(` + strings.Join(quoted, "|") + `)\b`)
	all, err := textColumns(engine, raw)
	if err != nil {
		return nil, err
	}
	for table, columns := range all {
		rows, err := raw.Query(fmt.Sprintf("select %s from %s", strings.Join(columns, ", "), table))
		if err != nil {
			return nil, err
		}
		values, into := make([][]byte, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			for i, value := range values {
				if name := named.Find(value); name != nil {
					found = append(found, fmt.Sprintf("%s.%s holds %s: %.150s", table, columns[i], name, value))
				}
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return found, nil
}
