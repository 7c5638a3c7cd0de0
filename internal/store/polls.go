package store

import (
	"context"
	"fmt"
	"time"
)

// Page is what one answer of a list of changes had.
type Page struct {
	Records int // all that the answer listed
	Changes int // those of them that were not stored already
	// From is from when on changes are asked for with the cursor that is saved with
	// it, zero when that is no time.
	From time.Time
	// Anew says that the list was begun again with it.
	Anew bool
}

// Poll is how far a connection's list of changes is read.
type Poll struct {
	From time.Time // as Page.From
	// UnderWay says that Reading is not at its end yet; otherwise it is Last.
	UnderWay      bool
	Reading, Last Listing
	Stopped       Stop
}

// Stop is why a list of changes is not read further for now, zero when it is.
type Stop struct {
	By        string // a word of a closed set
	At, Until time.Time
}

// Listing is one list that is, or was, read page by page.
type Listing struct {
	Began, Ended            time.Time // Ended is zero of one under way
	Pages, Records, Changes int
}

// SavePage is SaveTurn for a list of changes, of which one more page was read.
func (db *DB) SavePage(ctx context.Context, connection string, fence int64, cursor string, done bool, p Page) error {
	turn := ChangesOf(connection)
	err := db.update(ctx, func(t *tx) error {
		// The right sides are what the row held before.
		n, err := t.exec(`update turns set begun_at = case when under_way = 1 and $6 = 0 then begun_at when $6 = 1 then $5 else taken_at end,
    pages = 1 + case when under_way = 1 and $6 = 0 then pages else 0 end,
    records = $7 + case when under_way = 1 and $6 = 0 then records else 0 end,
    changes = $8 + case when under_way = 1 and $6 = 0 then changes else 0 end,
    from_at = $9, cursor = $4, under_way = 1, stopped_by = '', stopped_at = 0, stopped_until = 0
where kind = $1 and name = $2 and fence = $3 and lease_until > $5`,
			string(turn.Kind), turn.Name, fence, cursor, ms(t.now), bit(p.Anew), p.Records, p.Changes, ms(p.From))
		if err == nil && n == 0 {
			err = ErrFenced
		}
		if err != nil || !done {
			return err
		}
		_, err = t.exec(`update turns set under_way = 0, lease_until = 0, ended_at = $3, ended_from = taken_at,
    ended_begun = begun_at, ended_pages = pages, ended_records = records, ended_changes = changes
where kind = $1 and name = $2`, string(turn.Kind), turn.Name, ms(t.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("save a page of the changes of %s: %w", connection, err)
	}
	return nil
}

// StopPoll gives the turn for a connection's changes back without progress, and
// notes why and for how long.
func (db *DB) StopPoll(ctx context.Context, connection string, fence int64, by string, wait time.Duration) error {
	turn := ChangesOf(connection)
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update turns set lease_until = 0, stopped_by = $4, stopped_at = $5, stopped_until = $6 where kind = $1 and name = $2 and fence = $3",
			string(turn.Kind), turn.Name, fence, by, ms(t.now), ms(t.now.Add(wait)))
		return err
	})
	if err != nil {
		return fmt.Errorf("stop asking %s for its changes: %w", connection, err)
	}
	return nil
}

// Polls returns how far the list of changes of each connection is read that was
// asked for one.
func (db *DB) Polls(ctx context.Context) (map[string]Poll, error) {
	all := map[string]Poll{}
	err := db.view(ctx, func(s scanner) error {
		var name string
		var p Poll
		var underWay int
		var from, began, ended, endedBegun, stopped, until int64
		err := s.Scan(&name, &from, &underWay, &began, &p.Reading.Pages, &p.Reading.Records, &p.Reading.Changes,
			&endedBegun, &ended, &p.Last.Pages, &p.Last.Records, &p.Last.Changes, &p.Stopped.By, &stopped, &until)
		p.From, p.UnderWay, p.Reading.Began, p.Last.Began, p.Last.Ended = at(from), underWay == 1, at(began), at(endedBegun), at(ended)
		p.Stopped.At, p.Stopped.Until = at(stopped), at(until)
		if p.Last.Pages == 0 { // nobody counted
			p.Last = Listing{Ended: p.Last.Ended}
		}
		all[name] = p
		return err
	}, `select name, from_at, under_way, begun_at, pages, records, changes, ended_begun, ended_at, ended_pages, ended_records, ended_changes,
    stopped_by, stopped_at, stopped_until
from turns where kind = $1`, string(ChangesTurn))
	if err != nil {
		return nil, fmt.Errorf("read how far the lists of changes are read: %w", err)
	}
	return all, nil
}
