package canary

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// The spill's places of the database.
const (
	inColumn = "the column "
	inFile   = "the files of SQLite"
)

// database keeps all bytes of the database, by column, and on SQLite those of
// its files as well: what was deleted or is in no table is found there.
func (w *world) database(s *spill) {
	w.Helper()
	dsn, driver := w.dsn, "sqlite"
	columns := "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'"
	read := w.readSQLite
	if strings.HasPrefix(dsn, "postgres") {
		driver, read = "pgx", w.readPostgres
		columns = "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
	} else {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if text, err := os.ReadFile(dsn + suffix); err == nil {
				s.add(inFile, text)
			} else if suffix == "" {
				w.Fatal(err)
			}
		}
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(w.Context(), columns)
	if err != nil {
		w.Fatal(err)
	}
	var all [][2]string
	for rows.Next() {
		var c [2]string
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			w.Fatal(err)
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil || len(all) < 50 {
		w.Fatalf("the database has only %d columns, %v", len(all), err)
	}
	for _, c := range all {
		s.add(inColumn+c[0]+"."+c[1], read(db, c[0], c[1]))
	}
}

func (w *world) readSQLite(db *sql.DB, table, column string) []byte {
	w.Helper()
	rows, err := db.QueryContext(w.Context(), fmt.Sprintf("select cast(%q as blob) from %q", column, table))
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	var all []byte
	for rows.Next() {
		var cell []byte
		if err := rows.Scan(&cell); err != nil {
			w.Fatal(err)
		}
		all = append(append(all, cell...), '\n')
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return all
}

// readPostgres copies in the binary format: the text format would write bytes
// in hex, and what they hold with a second encoding.
func (w *world) readPostgres(db *sql.DB, table, column string) []byte {
	w.Helper()
	conn, err := db.Conn(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	var all bytes.Buffer
	err = conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().PgConn().CopyTo(w.Context(), &all, fmt.Sprintf("copy (select %q from %q) to stdout (format binary)", column, table))
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return all.Bytes()
}
