package store

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"
)

const (
	// manyRows is how many rows of a sync are counted for a question about them; more
	// are counted beforehand. A count of a hundred thousand takes half a second, and an
	// index of all that is counted would be written with every attempt.
	manyRows = 5000
	// countedFor is how old a figure can be before it is counted again for who asks.
	// A service counts sooner by itself.
	countedFor = 2 * time.Minute
)

// figures keeps what was counted of large syncs.
type figures[T any] struct {
	mu    sync.Mutex
	by    map[figureKey]figure[T]
	under map[figureKey]bool // counting is under way
}

type figureKey struct {
	sync  string
	since int64 // what the count depends on
}

// figure is what was counted, and when: zero for just now. counting says that there
// is nothing yet.
type figure[T any] struct {
	figure   T
	at       time.Time
	counting bool
}

// atHand returns what was counted of a sync. Of one with few rows in the table that is
// as of now. Of one with many, a process that works has it from a moment ago, and
// counts it again beside the answer; any other process counts it now.
func (f *figures[T]) atHand(ctx context.Context, db *DB, key figureKey, table string, count func(context.Context, figureKey) (T, error)) (figure[T], error) {
	f.mu.Lock()
	have, ok := f.by[key]
	f.mu.Unlock()
	if ok && time.Since(have.at) < countedFor {
		return have, nil
	}
	many, err := db.many(ctx, key.sync, table)
	if err != nil {
		return figure[T]{}, err
	}
	if !many || !db.works {
		one, err := count(ctx, key)
		return figure[T]{figure: one}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.under[key] && db.beside(func(ctx context.Context) {
		f.count(ctx, db, key, table, count) // else the next to ask begins again
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.under, key)
	}) {
		if f.under == nil {
			f.under = map[figureKey]bool{}
		}
		f.under[key] = true
	}
	have.counting = !ok
	return have, nil
}

// count counts a sync now, and keeps the figure if the process works. What depended on
// something earlier is of no use any more.
func (f *figures[T]) count(ctx context.Context, db *DB, key figureKey, table string, count func(context.Context, figureKey) (T, error)) (T, error) {
	began := time.Now()
	one, err := count(ctx, key)
	if err != nil || !db.works {
		return one, err
	}
	many, err := db.many(ctx, key.sync, table)
	if err != nil {
		return one, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.by, func(other figureKey, _ figure[T]) bool { return other.sync == key.sync })
	if many {
		if f.by == nil {
			f.by = map[figureKey]figure[T]{}
		}
		f.by[key] = figure[T]{figure: one, at: began}
	}
	return one, nil
}

// many reports whether a sync has many rows in a table. It reads no more than it takes
// to know.
func (db *DB) many(ctx context.Context, sync, table string) (bool, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) }, "select count(*) from (select 1 from "+table+" where sync = $1 limit $2) found", sync, manyRows+1)
	if err != nil {
		return false, fmt.Errorf("look how large %s is: %w", sync, err)
	}
	return n > manyRows, nil
}

// beside does something beside whoever asked for it. It is cut off when the database
// is closed, which waits for its end, and does not begin after that.
func (db *DB) beside(do func(context.Context)) bool {
	db.asideMu.Lock()
	defer db.asideMu.Unlock()
	select {
	case <-db.closed:
		return false
	default:
	}
	db.aside.Go(func() {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-db.closed:
				stop()
			case <-ended:
			}
		}()
		do(ctx)
	})
	return true
}
