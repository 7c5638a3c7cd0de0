package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// RefusedFor is how long a refused webhook is counted.
const RefusedFor = time.Hour

// Refused counts the webhooks of one connection that were refused for one reason.
type Refused struct {
	Connection string
	Refusal    status.Refusal
	Count      int
}

// NoteRefused adds to the counts of refused webhooks. There is one row for each
// connection, reason and minute, and those of the past hour are kept: whoever sends,
// and however much, there are not more. Nothing of a sender is stored.
func (db *DB) NoteRefused(ctx context.Context, counts []Refused) error {
	err := db.update(ctx, func(t *tx) error {
		if _, err := t.exec("delete from refused where minute < $1", firstCounted(t.now)); err != nil {
			return err
		}
		for _, c := range counts {
			if _, err := t.exec(`insert into refused (connection, refusal, minute, count) values ($1, $2, $3, $4)
on conflict (connection, refusal, minute) do update set count = refused.count + excluded.count`,
				c.Connection, string(c.Refusal), ms(t.now.Truncate(time.Minute)), c.Count); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count refused webhooks: %w", err)
	}
	return nil
}

// Refused returns how many webhooks were refused in the past hour, by connection and
// reason. The minute in which the hour began is left out.
func (db *DB) Refused(ctx context.Context) ([]Refused, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	var found []Refused
	err = db.view(ctx, func(s scanner) error {
		var r Refused
		err := s.Scan(&r.Connection, &r.Refusal, &r.Count)
		found = append(found, r)
		return err
	}, "select connection, refusal, sum(count) from refused where minute >= $1 group by connection, refusal order by connection, refusal", firstCounted(now))
	if err != nil {
		return nil, fmt.Errorf("read how many webhooks were refused: %w", err)
	}
	return found, nil
}

func firstCounted(now time.Time) int64 { return ms(now.Add(-RefusedFor)) }
