package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// batchLimit is how many callers share one transaction at most.
const batchLimit = 256

// key names a customer of a sync.
type key struct{ sync, customer string }

func compareKeys(a, b key) int {
	return cmp.Or(strings.Compare(a.sync, b.sync), strings.Compare(a.customer, b.customer))
}

// job is a caller's part of a transaction.
type job struct {
	ctx context.Context
	do  func(*tx) error
	// touches are the customers it will change.
	touches []key
	// halts is the sync whose halt it needs locked, "" for none.
	halts string
	// names says that it needs the names of syncs and connections.
	names bool
	done  chan error
}

// errStore marks an error of the database itself: whatever else the
// transaction did is gone with it.
type errStore struct{ error }

func (e errStore) Unwrap() error { return e.error }

// update runs do in a transaction that it may share with other callers, and
// returns when that is on disk (invariant 1). do may run more than once. When
// it returns an error of its own, it must not have written anything.
func (db *DB) update(ctx context.Context, do func(*tx) error, touches ...key) error {
	return db.run(&job{ctx: ctx, do: do, touches: touches})
}

// run is update for a job.
func (db *DB) run(j *job) error {
	j.done = make(chan error, 1)
	select {
	case db.jobs <- j:
	case <-j.ctx.Done():
		return j.ctx.Err()
	case <-db.closed:
		return errors.New("the database is closed")
	}
	// From here on it may be stored, and a caller who left would not know: a
	// claim would be nobody's until its lease is over. transactionLimit bounds
	// the wait.
	return <-j.done
}

// writeLoop takes what has gathered while the last transaction was on its way
// to the disk and commits it as one.
func (db *DB) writeLoop() {
	for {
		select {
		case first := <-db.jobs:
			// Callers that are about to arrive share the transaction: its fixed
			// cost is that of several jobs.
			for range 3 {
				runtime.Gosched()
			}
			batch := append(make([]*job, 0, 8), first)
		gather:
			for len(batch) < batchLimit {
				select {
				case j := <-db.jobs:
					batch = append(batch, j)
				default:
					break gather
				}
			}
			db.commit(batch)
		case <-db.closed:
			return
		}
	}
}

// commit runs a batch in one transaction. When the database refuses it, each
// job is run by itself, so that one cannot spoil another.
func (db *DB) commit(batch []*job) {
	if len(batch) > 1 {
		results, err := db.transact(batch)
		// When the database hangs, one after the other would take as long each.
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			for i, j := range batch {
				if err == nil {
					j.done <- results[i]
				} else {
					j.done <- err
				}
			}
			return
		}
	}
	for _, j := range batch {
		j.done <- db.alone(j)
	}
}

// alone runs one job, again when it met a deadlock or a busy file.
func (db *DB) alone(j *job) error {
	const tries = 8
	for n := 1; ; n++ {
		results, err := db.transact([]*job{j})
		if err == nil {
			return results[0]
		}
		if !again(err) || n == tries || j.ctx.Err() != nil {
			db.probing.at.Store(0)
			return err
		}
		timer := time.NewTimer(pause(n))
		select {
		case <-timer.C:
		case <-j.ctx.Done():
			timer.Stop()
		}
	}
}

// transactionLimit bounds a transaction, whose callers may all have gone.
const transactionLimit = 30 * time.Second

// transact runs the jobs in one transaction. results are their own errors; err
// means that nothing was committed, or that nobody can tell.
func (db *DB) transact(batch []*job) (results []error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), transactionLimit)
	defer cancel()
	if err := db.there(); err != nil {
		return nil, err // and nobody waits for a claim that only the lost file has
	}
	if err := db.statements.prepare(ctx); err != nil {
		return nil, err
	}
	inner, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	defer inner.Rollback() // has no effect after the commit
	t := &tx{ctx: ctx, db: db, inner: inner, woken: map[key]int{}, halted: map[string]time.Time{}}
	if t.now, err = t.clock(); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(batch, func(j *job) bool { return j.names }) {
		// Before anything is locked: whoever renames waits for this transaction.
		if err := t.readNames(); err != nil {
			return nil, err
		}
	}
	if err := t.lockHalts(batch); err != nil {
		return nil, err
	}
	if err := t.lockCustomers(batch); err != nil {
		return nil, err
	}
	results = make([]error, len(batch))
	for i, j := range batch {
		if results[i] = j.ctx.Err(); results[i] != nil {
			continue // its caller has gone before anything was done
		}
		results[i] = j.do(t)
		var broken errStore
		if errors.As(results[i], &broken) {
			return nil, results[i]
		}
	}
	if err := t.wakeCustomers(); err != nil {
		return nil, err
	}
	if err := inner.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	if err := db.there(); err != nil {
		return nil, err
	}
	return results, nil
}

// tx is an open transaction.
type tx struct {
	ctx   context.Context
	db    *DB
	inner *sql.Tx
	now   time.Time // the database's time at its beginning
	// woken counts the new events of each customer.
	woken map[key]int
	// names are what jobs with names need.
	names names
	// plain runs each statement once, without keeping it prepared.
	plain bool
	// halted says since when the syncs of lockHalts are halted, zero for not.
	halted map[string]time.Time
}

// lockCustomers locks the customers that a batch will change, in one order
// everywhere: two nodes that lock them crosswise would wait for each other
// until PostgreSQL ends one of them. SQLite has one writer and needs none.
func (t *tx) lockCustomers(batch []*job) error {
	if t.db.lock == "" {
		return nil
	}
	var all []key
	for _, j := range batch {
		all = append(all, j.touches...)
	}
	if len(all) < 2 {
		return nil
	}
	slices.SortFunc(all, compareKeys)
	all = slices.Compact(all)
	syncs, customers := make([]string, len(all)), make([]string, len(all))
	for i, k := range all {
		syncs[i], customers[i] = k.sync, k.customer
	}
	_, err := t.inner.ExecContext(t.ctx, `select 1 from customers
where (sync, customer) in (select * from unnest($1::text[], $2::text[])) order by sync, customer for update`, syncs, customers)
	if err != nil {
		return fmt.Errorf("lock customers: %w", err)
	}
	return nil
}

// lockCustomersOf is lockCustomers for all of a sync.
func (t *tx) lockCustomersOf(sync string) error {
	if t.db.lock == "" {
		return nil
	}
	_, err := t.exec("select 1 from customers where sync = $1 order by sync, customer for update", sync)
	return err
}

// An event wakes its customer (invariant 4). What a person or a failure left
// waiting for later is looked at now; who waits for his turn keeps it, or whoever
// is told of often would be carried last. An attempt under way has used its turn.
// The fences of a new row begin with the time: who was forgotten may come again
// under the same id, and an attempt from before must hold nothing of the new row.
const wakeCustomer = `
insert into customers (sync, customer, generation, due_at, fence) values ($1, $2, $3, $4, $4)
on conflict (sync, customer) do update set generation = customers.generation + excluded.generation,
    due_at = case when customers.due_at <= excluded.due_at and customers.lease_until <= excluded.due_at then customers.due_at else excluded.due_at end`

// wakeCustomers makes the customers of the transaction's new events due, each
// once, and in the order of lockCustomers.
func (t *tx) wakeCustomers() error {
	keys := slices.SortedFunc(maps.Keys(t.woken), compareKeys)
	for _, k := range keys {
		if _, err := t.exec(wakeCustomer, k.sync, k.customer, t.woken[k], ms(t.now)); err != nil {
			return fmt.Errorf("wake a customer: %w", err)
		}
	}
	return nil
}

func (t *tx) clock() (time.Time, error) {
	if t.db.clockOf != nil {
		return t.db.clockOf().Truncate(time.Millisecond).UTC(), nil
	}
	var now int64
	if err := t.inner.QueryRowContext(t.ctx, t.db.dialect.clock).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("ask the database for the time: %w", err)
	}
	return at(now), nil
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	clean(args)
	var result sql.Result
	var err error
	if stmt := t.prepared(query); stmt != nil {
		result, err = t.inner.StmtContext(t.ctx, stmt).ExecContext(t.ctx, args...)
	} else {
		result, err = t.inner.ExecContext(t.ctx, t.db.text(query), args...)
	}
	if err != nil {
		return 0, errStore{err}
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, errStore{err}
	}
	return n, nil
}

// prepared is the statement as it is kept, nil when it is not.
func (t *tx) prepared(query string) *sql.Stmt {
	if t.plain { // it is not the one transaction whose statements are kept
		return nil
	}
	return t.db.statements.get(query)
}

// query runs a statement and calls scan for each of its rows.
func (t *tx) query(scan func(scanner) error, query string, args ...any) error {
	clean(args)
	var rows *sql.Rows
	var err error
	if stmt := t.prepared(query); stmt != nil {
		rows, err = t.inner.StmtContext(t.ctx, stmt).QueryContext(t.ctx, args...)
	} else {
		rows, err = t.inner.QueryContext(t.ctx, t.db.text(query), args...)
	}
	if err != nil {
		return errStore{err}
	}
	if err := each(rows, scan); err != nil {
		return errStore{err}
	}
	return nil
}

// view runs a statement outside any transaction.
func (db *DB) view(ctx context.Context, scan func(scanner) error, query string, args ...any) error {
	clean(args)
	stmt, err := db.readStatements.get(ctx, db, query)
	if err != nil {
		return err
	}
	var rows *sql.Rows
	if stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		if len(args) > longList {
			args = slices.Concat(db.anew, args)
		}
		rows, err = db.read.QueryContext(ctx, db.text(query), args...)
	}
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// longList is how many arguments only a statement with a long list has.
const longList = 64

// readStatements keeps the statements of view prepared.
type readStatements struct {
	mu sync.RWMutex
	by map[string]*sql.Stmt
}

// get returns the prepared statement, nil when this engine's driver keeps its
// own.
func (s *readStatements) get(ctx context.Context, db *DB, query string) (*sql.Stmt, error) {
	if !db.prepared {
		return nil, nil
	}
	s.mu.RLock()
	stmt := s.by[query]
	s.mu.RUnlock()
	if stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.by[query]; stmt != nil {
		return stmt, nil
	}
	// It outlives the caller, whose context may end while it is prepared.
	stmt, err := db.read.PrepareContext(context.WithoutCancel(ctx), db.text(query))
	if err != nil {
		return nil, err
	}
	if s.by == nil {
		s.by = map[string]*sql.Stmt{}
	}
	s.by[query] = stmt
	return stmt, nil
}

type scanner interface{ Scan(into ...any) error }

func each(rows *sql.Rows, scan func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// text is the statement in the engine's words.
func (db *DB) text(query string) string { return strings.Replace(query, "/*lock*/", db.lock, 1) }

// clean makes arguments cleaned.
func clean(args []any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			if c := cleaned(s); c != s {
				args[i] = c
			}
		}
	}
}

// cleaned replaces what PostgreSQL cannot hold in a text: a tool's answer must
// not make a settlement impossible.
func cleaned(s string) string {
	if utf8.ValidString(s) && !strings.ContainsRune(s, 0) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// statements keeps statements prepared: with SQLite, reading the text costs
// more than running it. The one writing connection belongs to the transaction
// while that is open, so a statement is prepared after its first use.
type statements struct {
	db     *DB
	by     map[string]*sql.Stmt
	wanted []string
}

// get returns the prepared statement, nil when there is none.
func (s *statements) get(query string) *sql.Stmt {
	if !s.db.prepared {
		return nil
	}
	stmt, ok := s.by[query]
	if !ok && !slices.Contains(s.wanted, query) {
		s.wanted = append(s.wanted, query)
	}
	return stmt
}

// prepare prepares what the last transaction asked for in vain.
func (s *statements) prepare(ctx context.Context) error {
	if len(s.wanted) == 0 { // always so with an engine that has several writers
		return nil
	}
	for _, query := range s.wanted {
		stmt, err := s.db.write.PrepareContext(ctx, s.db.text(query))
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		if s.by == nil {
			s.by = map[string]*sql.Stmt{}
		}
		s.by[query] = stmt
	}
	s.wanted = nil
	return nil
}

func (s *statements) close() error {
	var err error
	for _, stmt := range s.by {
		err = errors.Join(err, stmt.Close())
	}
	return err
}
