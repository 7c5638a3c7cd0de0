package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrKeyReused means that something else was asked under the same key: nothing
// was changed.
var ErrKeyReused = errors.New("its key was given to another request before")

// Answered reports whether a request was answered under a key before.
func (db *DB) Answered(ctx context.Context, key string) (bool, error) {
	n := 0
	err := db.view(ctx, func(s scanner) error { return s.Scan(&n) }, "select count(*) from requests where request_key = $1", key)
	if err != nil {
		return false, fmt.Errorf("look for a request of before: %w", err)
	}
	return n > 0, nil
}

// answered returns what a request with the key of an act was answered, if there
// was one.
func (t *tx) answered(a Act) (changed, repeated bool, err error) {
	if a.Key == "" {
		return false, false, nil
	}
	asked, was := "", 0
	err = t.query(func(s scanner) error {
		repeated = true
		return s.Scan(&asked, &was)
	}, "select asked, changed from requests where request_key = $1", a.Key)
	if err == nil && repeated && asked != a.Asked {
		err = ErrKeyReused
	}
	return was == 1, repeated, err
}

// keepAnswer stores what a request came to, also when nothing was to be changed:
// sent once more, it must not do what it did not do the first time. Two that
// come at once are told apart by the unique constraint, and the later one is
// run again.
func (t *tx) keepAnswer(a Act, changed bool) error {
	if a.Key == "" {
		return nil
	}
	_, err := t.exec("insert into requests (request_key, asked, changed, done_at) values ($1, $2, $3, $4)", a.Key, a.Asked, bit(changed), ms(t.now))
	return err
}
