package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Turn is work that one node does at a time, and that starts where the one before
// stopped.
type Turn struct {
	Kind TurnKind
	Name string // what it is done for, "" for everything
}

// TurnKind is what the work is.
type TurnKind string

// The kinds of turn.
const (
	ChangesTurn    TurnKind = "changes"    // asking the connection Name for its changes
	CandidatesTurn TurnKind = "candidates" // searching candidates for unmatched customers of the sync Name
	RetentionTurn  TurnKind = "retention"  // deleting old data
	HealthTurn     TurnKind = "health"     // looking at everything from outside
)

// ChangesOf is the turn of asking a connection for its changes.
func ChangesOf(connection string) Turn { return Turn{Kind: ChangesTurn, Name: connection} }

func (t Turn) String() string { return strings.TrimSpace(string(t.Kind) + " " + t.Name) }

// TakeTurn gives a turn to the one node that may have it now, with the place where
// the one before stopped. ok is false while another node has it, or when the last
// one ended less than every ago. The fence goes with SaveTurn. A time in the future
// was stored before the clock was set back, and delays no one. A turn that was left
// on its way is gone on with: it counts from when it was first taken.
func (db *DB) TakeTurn(ctx context.Context, turn Turn, every, lease time.Duration) (cursor string, fence int64, ok bool, err error) {
	holder, err := db.place(ctx)
	if err != nil {
		return "", 0, false, fmt.Errorf("take the turn for %s: %w", turn, err)
	}
	err = db.update(ctx, func(t *tx) error {
		ok = false
		if _, err := t.exec("insert into turns (kind, name) values ($1, $2) on conflict (kind, name) do nothing", string(turn.Kind), turn.Name); err != nil {
			return err
		}
		return t.query(func(s scanner) error {
			ok = true
			return s.Scan(&cursor, &fence)
		}, `update turns set fence = fence + 1, lease_until = $4, holder = $6, taken_at = case when under_way = 1 then taken_at else $3 end
where kind = $1 and name = $2 and (lease_until <= $3 or lease_until > $4) and (ended_at <= $5 or ended_at > $3) returning cursor, fence`,
			string(turn.Kind), turn.Name, ms(t.now), ms(t.now.Add(lease)), ms(t.now.Add(-every)), holder)
	})
	if err != nil {
		return "", 0, false, fmt.Errorf("take the turn for %s: %w", turn, err)
	}
	return cursor, fence, ok, nil
}

// SaveTurn stores how far a turn has come. done ends it; otherwise the same node
// continues. ErrFenced means that another node has the turn by now.
func (db *DB) SaveTurn(ctx context.Context, turn Turn, fence int64, cursor string, done bool) error {
	err := db.update(ctx, func(t *tx) error {
		n, err := t.exec(`update turns set cursor = $4, ended_at = case when $6 = 1 then $5 else ended_at end,
    ended_from = case when $6 = 1 then taken_at else ended_from end,
    under_way = 1 - $6, lease_until = case when $6 = 1 then 0 else lease_until end
where kind = $1 and name = $2 and fence = $3 and lease_until > $5`, string(turn.Kind), turn.Name, fence, cursor, ms(t.now), bit(done))
		if err == nil && n == 0 {
			err = ErrFenced
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save the turn for %s: %w", turn, err)
	}
	return nil
}

// LeaveTurn gives a turn back without progress: the work failed, and any node may
// try again at once.
func (db *DB) LeaveTurn(ctx context.Context, turn Turn, fence int64) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update turns set lease_until = 0 where kind = $1 and name = $2 and fence = $3", string(turn.Kind), turn.Name, fence)
		return err
	})
	if err != nil {
		return fmt.Errorf("leave the turn for %s: %w", turn, err)
	}
	return nil
}

// ListedAt returns when the last complete list of a connection's changes was asked
// for, zero if there was none. It had all changes up to then.
func (db *DB) ListedAt(ctx context.Context, connection string) (time.Time, error) {
	var listed int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&listed) },
		"select ended_from from turns where kind = $1 and name = $2", string(ChangesTurn), connection)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when connection %s was asked for its changes: %w", connection, err)
	}
	return at(listed), nil
}
