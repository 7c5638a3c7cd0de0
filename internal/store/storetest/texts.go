package storetest

import (
	"database/sql"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"testing"
)

// Raw opens a database beside the store.
func Raw(t *testing.T, engine, dsn string) *sql.DB {
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
	query := "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table' and lower(p.type) in ('text', 'blob')"
	if engine == "postgres" {
		query = "select table_name, column_name from information_schema.columns where table_schema = current_schema() and data_type in ('text', 'bytea', 'character varying', 'json', 'jsonb')"
	}
	rows, err := raw.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		all[table] = append(all[table], column)
	}
	if len(all) < 10 || rows.Err() != nil {
		t.Fatalf("found only %v, %v", all, rows.Err())
	}
	return all
}

// Standing returns every text of a database in which one of the names stands by
// itself, whatever the column.
func Standing(t *testing.T, engine, dsn string, names ...string) []string {
	t.Helper()
	raw := Raw(t, engine, dsn)
	var found []string
	for table, columns := range TextColumns(t, engine, raw) {
		for _, column := range columns {
			rows, err := raw.Query(fmt.Sprintf("select %s from %s", column, table))
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var value []byte
				if err := rows.Scan(&value); err != nil {
					t.Fatal(err)
				}
				for _, name := range names {
					if regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).Match(value) {
						found = append(found, fmt.Sprintf("%s.%s holds %s: %.150s", table, column, name, value))
					}
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			rows.Close()
		}
	}
	slices.Sort(found)
	return found
}
