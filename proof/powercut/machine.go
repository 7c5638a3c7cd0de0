package powercut

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/trueup-sync/trueup/internal/store"
)

// path is where the database is on a disk.
const path = "/trueup.db"

// checkpointAt is after how many pages SQLite copies a WAL back. With its own
// 1000 a short history would never see that, nor a WAL that begins anew.
const checkpointAt = 40

// Machine is a disk with the store open on it.
type Machine struct {
	*store.DB
	read *sql.DB
}

// Start opens the store on the disk, as trueup run does. weaken is a pragma for
// its connections, run after the store has asserted how they are set; "" is
// none.
func Start(ctx context.Context, d *Disk, now func() time.Time, weaken string) (*Machine, error) {
	m := &Machine{}
	var open []*sqlite3.Conn
	var err error
	m.DB, err = store.Open(ctx, store.Options{DSN: path, Migrate: true, Work: true, Now: now, SQLite: func(dsn string) (*sql.DB, error) {
		var err error
		m.read, err = d.pool(dsn, func(c *sqlite3.Conn) { open = append(open, c) }) // the store opens the one for reading last
		return m.read, err
	}})
	if err != nil {
		return nil, err
	}
	for _, c := range open {
		if err := c.Exec(weaken); err != nil {
			return nil, errors.Join(fmt.Errorf("weaken a connection: %w", err), m.Close())
		}
	}
	return m, nil
}

// pool opens connections to the disk by the store's own DSN.
func (d *Disk) pool(dsn string, opened func(*sqlite3.Conn)) (*sql.DB, error) {
	c, err := newConnector(fmt.Sprintf("%s&vfs=%s&_pragma=wal_autocheckpoint(%d)", dsn, d.name, checkpointAt), opened)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// Rows is all that the database holds, a line for each row and for each part of
// the schema, after SQLite has checked that it is whole.
func (m *Machine) Rows(ctx context.Context) (string, error) {
	whole, err := lines(ctx, m.read, "", "pragma integrity_check")
	if err != nil {
		return "", fmt.Errorf("check the database: %w", err)
	}
	if len(whole) != 1 || whole[0] != " ok" {
		return "", fmt.Errorf("the database is not whole: %s", strings.Join(whole, "; "))
	}
	return rows(ctx, m.read)
}

func rows(ctx context.Context, db *sql.DB) (string, error) {
	// Where a table lies in the file is SQLite's matter.
	all, err := lines(ctx, db, "schema", "select type, name, sql from sqlite_schema")
	if err != nil {
		return "", fmt.Errorf("read the schema: %w", err)
	}
	for _, part := range all {
		table, ok := strings.CutPrefix(part, "schema table ")
		if !ok {
			continue
		}
		table, _, _ = strings.Cut(table, " ")
		found, err := lines(ctx, db, table, "select * from "+table)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", table, err)
		}
		all = append(all, found...)
	}
	slices.Sort(all)
	return strings.Join(all, "\n"), nil
}

// lines returns each row of a query as text behind a prefix.
func lines(ctx context.Context, db *sql.DB, prefix, query string) ([]string, error) {
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var all []string
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		var line strings.Builder
		line.WriteString(prefix)
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(&line, " %v", v)
		}
		all = append(all, line.String())
	}
	return all, found.Err()
}
