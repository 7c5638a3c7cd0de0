package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math"
	"math/big"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// batch reads the rows after one, by the number that SQLite gives each.
func (db *DB) batch(ctx context.Context, t copyTable, after int64) (all [][]any, last int64, err error) {
	rows, err := db.read.QueryContext(ctx, "select rowid, "+t.columns+` from "`+t.name+`" where rowid > ?1 order by rowid limit ?2`, after, copyBatch) // #nosec G202 -- names of our own schema
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() // nothing is left to read
	last = after
	for rows.Next() {
		row, err := t.scan(rows, &last)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, row)
	}
	return all, last, rows.Err()
}

// scan reads a row, with the columns before it into first.
func (t copyTable) scan(rows *sql.Rows, first ...any) ([]any, error) {
	row := make([]any, len(t.names))
	into := append([]any{}, first...)
	for i := range row {
		into = append(into, &row[i])
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i := range row {
		// No bytes are nil for the driver of SQLite, which is null for that of
		// PostgreSQL. No such column can be null.
		if bytes, _ := row[i].([]byte); t.blobs[i] && len(bytes) == 0 {
			row[i] = []byte{}
		}
	}
	return row, nil
}

// insert stores rows, and how far the table is copied, in one transaction.
func (db *DB) insert(ctx context.Context, t copyTable, rows [][]any, last int64, complete int) (err error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.Raw(func(driver any) error {
		pg, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver is %T", driver)
		}
		return pgx.BeginFunc(ctx, pg.Conn(), func(tx pgx.Tx) error {
			if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.names, pgx.CopyFromRows(rows)); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "insert into "+copyNote+"_tables values ($1, $2, $3) on conflict (name) do update set last_row = excluded.last_row, complete = excluded.complete", t.name, last, complete)
			return err
		})
	})
}

// digest is a digest of the rows of a table that does not depend on their order, the
// same on both engines, and how many they are.
func (db *DB) digest(ctx context.Context, t copyTable) (sum string, n int, err error) {
	rows, err := db.read.QueryContext(ctx, "select "+t.columns+` from "`+t.name+`"`) // #nosec G202 -- names of our own schema
	if err != nil {
		return "", 0, err
	}
	defer rows.Close() // nothing is left to read
	total, h := new(big.Int), sha256.New()
	for ; rows.Next(); n++ {
		row, err := t.scan(rows)
		if err != nil {
			return "", 0, err
		}
		h.Reset()
		for i, cell := range row {
			if err := addCell(h, cell); err != nil {
				return "", 0, fmt.Errorf("the column %s: %w", t.names[i], err)
			}
		}
		total.Add(total, new(big.Int).SetBytes(h.Sum(nil)))
	}
	h.Reset()
	h.Write(total.Bytes())
	return hex.EncodeToString(h.Sum(nil)), n, rows.Err()
}

// addCell adds a value in a form that no other value has.
func addCell(h hash.Hash, cell any) error {
	number := func(kind byte, n uint64) { h.Write(binary.BigEndian.AppendUint64([]byte{kind}, n)) }
	switch v := cell.(type) {
	case nil:
		h.Write([]byte{'n'})
	case int64:
		number('i', uint64(v)) // #nosec G115 -- its bits
	case float64:
		number('f', math.Float64bits(v))
	case string:
		number('t', uint64(len(v)))
		h.Write([]byte(v))
	case []byte:
		number('b', uint64(len(v)))
		h.Write(v)
	default:
		return fmt.Errorf("a value of type %T", cell)
	}
	return nil
}

// numbers lets each number that the database gives go on where the file was: one that
// was given is not given again, also when its row is gone.
func (c *copying) numbers(ctx context.Context) error {
	rows, err := c.to.read.QueryContext(ctx, "select table_name::text, column_name::text from information_schema.columns where table_schema = current_schema() and is_identity = 'YES' order by table_name")
	if err != nil {
		return err
	}
	defer rows.Close() // nothing is left to read
	numbered := map[string]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		numbered[table] = column
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for table, column := range numbered {
		given := int64(0)
		err := c.from.read.QueryRowContext(ctx, `select max(coalesce((select seq from sqlite_sequence where name = ?1), 0), coalesce((select max("`+column+`") from "`+table+`"), 0))`, table).Scan(&given)
		if err != nil {
			return err
		}
		if given == 0 {
			continue
		}
		if _, err := c.to.write.ExecContext(ctx, "select setval(pg_get_serial_sequence($1, $2), $3)", table, column, given); err != nil {
			return err
		}
	}
	return nil
}
