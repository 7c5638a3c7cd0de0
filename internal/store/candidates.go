package store

import (
	"context"
	"encoding/json"
	"fmt"

	"trueup/internal/status"
)

// WithoutCandidates returns the open unmatched exceptions of a sync for which
// nobody has looked for candidates since they opened.
func (db *DB) WithoutCandidates(ctx context.Context, sync string) ([]Exception, error) {
	w := where{}
	w.that("sync = " + w.arg(sync))
	w.that("kind = " + w.arg(string(status.Unmatched)))
	w.that("state in ('open', 'acknowledged')")
	w.that("not exists (select 1 from actions where exception_id = exceptions.id and verb = 'suggested' and done_at >= exceptions.opened_at)")
	return db.exceptions(ctx, w, " order by id")
}

// SetCandidates stores what an exception's customer may be, none included.
func (db *DB) SetCandidates(ctx context.Context, id int64, candidates []status.Candidate) error {
	text, err := json.Marshal(candidates)
	if err != nil {
		return err
	}
	err = db.update(ctx, func(t *tx) error {
		customer := ""
		err := t.query(func(s scanner) error { return s.Scan(&customer) }, "select customer from exceptions where id = $1", id)
		if err != nil || IsForgotten(customer) { // meanwhile: they would name who was forgotten
			return err
		}
		n, err := t.exec("update exceptions set candidates = $2 where id = $1", id, string(text))
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.note(id, itself, "suggested", status.Plural(len(candidates), "candidate"))
	})
	if err != nil {
		return fmt.Errorf("store the candidates of exception %d: %w", id, err)
	}
	return nil
}
