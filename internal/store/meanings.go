package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
)

// Meaning is what a person has given a value of the source in the file.
type Meaning struct {
	Sync, Value string
	Meaning     string // a status or "ignore"
	Who         string
	Exceptions  []int64 // those that waited for it
	// Key and Asked are those of an Act.
	Key, Asked string
}

// NoteMeaning notes who gave a value its meaning with each exception that waited
// for it. The file was changed, and nothing else here.
func (db *DB) NoteMeaning(ctx context.Context, m Meaning) error {
	err := db.update(ctx, func(t *tx) error {
		for ids := range slices.Chunk(m.Exceptions, 200) {
			w := where{}
			who, verb, note, now := w.arg(m.Who), w.arg(string(MapTo)), w.arg("to "+m.Meaning), w.arg(ms(t.now))
			places := ""
			for _, id := range ids {
				places += ", " + w.arg(id)
			}
			w.that("id in (" + places[2:] + ")")
			if _, err := t.exec("insert into actions (exception_id, done_at, who, verb, note) select id, "+now+", "+who+", "+verb+", "+note+" from exceptions"+w.String(), w.args...); err != nil {
				return err
			}
		}
		if err := t.keepAnswer(Act{Key: m.Key, Asked: m.Asked}, true); err != nil {
			return err
		}
		if err := t.record(ctx, Activity{Who: m.Who, Sync: m.Sync, Act: meant(m.Value, m.Meaning, len(m.Exceptions))}); err != nil {
			return err
		}
		return t.tell(m.Sync, status.UnmappedStatus, m.Value)
	})
	if err != nil {
		return fmt.Errorf("note the meaning of a value: %w", err)
	}
	return nil
}

// AnsweredAs reports whether a request was answered under a key before;
// ErrKeyReused means that the key was given to another request.
func (db *DB) AnsweredAs(ctx context.Context, key, asked string) (bool, error) {
	was, found := "", false
	err := db.view(ctx, func(s scanner) error {
		found = true
		return s.Scan(&was)
	}, "select asked from requests where request_key = $1", key)
	switch {
	case err != nil:
		return false, fmt.Errorf("look for a request of before: %w", err)
	case found && was != asked:
		return false, ErrKeyReused
	}
	return found, nil
}
