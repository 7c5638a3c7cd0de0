package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/failpoint"
)

//go:embed migrations
var embedded embed.FS

// migrations are the steps. The tests of a rolling restart add one: cmd/trueup/next_test.go.
var migrations fs.FS = embedded

// migration is one step of the schema. Steps go forward only.
type migration struct {
	version int
	name    string
	text    string
}

// digest is of what a step does: comments and spaces do not count.
func (m migration) digest() string {
	text := sqlComment.ReplaceAllString(m.text, "")
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(text), " ")))
	return hex.EncodeToString(sum[:])
}

var sqlComment = regexp.MustCompile(`--[^\n]*`)

// migrationsOf reads the steps of an engine, in order and without a gap. A step's
// file is called 0002.sql, or 0002_what_it_adds.sql.
func migrationsOf(files fs.FS, engine string) ([]migration, error) {
	names, err := fs.Glob(files, path.Join("migrations", engine, "*.sql"))
	if err != nil {
		return nil, err
	}
	var steps []migration
	for i, name := range names { // Glob sorts
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", name, i+1)
		}
		steps = append(steps, migration{version: version, name: path.Base(name), text: string(text)})
	}
	return steps, nil
}

// migrate compares the schema with the steps and, when it may, brings it up to
// date, all of them in one transaction.
func (db *DB) migrate(ctx context.Context, steps []migration, change bool) error {
	if !change {
		version, err := db.schemaVersion(ctx, db.read, steps)
		if err != nil {
			return err
		}
		return compareVersions(version, len(steps))
	}
	tx, err := db.begin(ctx)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer tx.Rollback() // has no effect after the commit
	if db.migrationLock != "" {
		if _, err := tx.ExecContext(ctx, db.migrationLock); err != nil {
			return fmt.Errorf("lock the schema: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, "create table if not exists schema_version (version bigint not null primary key, step_digest text not null default '')"); err != nil {
		return fmt.Errorf("prepare the schema: %w", db.noSchema(ctx, err))
	}
	version, err := db.schemaVersion(ctx, tx, steps)
	if err != nil {
		return err
	}
	if version > len(steps) {
		return ErrNewer
	}
	for _, s := range steps[version:] {
		if _, err := tx.ExecContext(ctx, s.text); err != nil {
			return fmt.Errorf("migrate the schema by %s: %w", s.name, err)
		}
		if _, err := tx.ExecContext(ctx, "insert into schema_version (version, step_digest) values ($1, $2)", s.version, s.digest()); err != nil {
			return fmt.Errorf("migrate the schema by %s: %w", s.name, err)
		}
		failpoint.Hit("migrating")
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit the schema: %w", err)
	}
	failpoint.Hit("migrated")
	return nil
}

func compareVersions(have, want int) error {
	switch {
	case have > want:
		return ErrNewer
	case have == 0:
		return ErrMissing
	case have < want:
		return ErrOlder
	}
	return nil
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// schemaVersion returns the number of the last step, 0 when there is none. Before
// the first release the steps were others, and the first one was changed: what those
// made is ErrUnreleased.
func (db *DB) schemaVersion(ctx context.Context, q querier, steps []migration) (int, error) {
	var version int
	err := q.QueryRowContext(ctx, "select coalesce(max(version), 0) from schema_version").Scan(&version)
	if err != nil && missingTable(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	for _, column := range []struct {
		name  string
		there bool
	}{{unreleasedColumn, true}, {digestColumn, false}} {
		table := ""
		err := q.QueryRowContext(ctx, db.tablesWith, column.name).Scan(&table)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("read the schema: %w", err)
		}
		if (err == nil) == column.there {
			return 0, ErrUnreleased
		}
	}
	for _, step := range steps[:min(version, len(steps))] {
		digest := ""
		if err := q.QueryRowContext(ctx, "select "+digestColumn+" from schema_version where version = $1", step.version).Scan(&digest); err != nil {
			return 0, fmt.Errorf("read the schema's version: %w", err)
		}
		if digest != step.digest() {
			return 0, ErrUnreleased
		}
	}
	return version, nil
}

// digestColumn says of each step what it did. No other table has such a column.
const digestColumn = "step_digest"

// unreleasedColumn is a column that every schema had before the first release, and
// none has had since.
const unreleasedColumn = "asked_at"

// begin begins the first transaction. Of several processes that make a SQLite
// file at once, one puts it into its mode, and SQLite tells the others that it is
// busy without waiting for it.
func (db *DB) begin(ctx context.Context) (*sql.Tx, error) {
	for n := 1; ; n++ {
		tx, err := db.write.BeginTx(ctx, nil)
		if err == nil || !again(err) || n == firstTries {
			return tx, err
		}
		timer := time.NewTimer(pause(n))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

const firstTries = 8
