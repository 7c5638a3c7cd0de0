package store

import (
	"context"
	"fmt"
)

const (
	// muteAtLeast is how many events in a row have no status before people are
	// told: tools send events of other types as well. Who is known to send more
	// of them is told of at twice as many, and at muteAtMost in any case.
	muteAtLeast, muteAtMost = 20, 1000
)

// Mutes are events of a source that is told by events only, in the order in which
// they came.
type Mutes struct {
	Before  int  // without a status, ahead of the first that had one
	Told    bool // at least one had
	Between int  // the most in a row between two that had
	After   int  // behind the last that had
}

// Muteness is what came of them.
type Muteness struct {
	Row int // how many in a row have none now
	// Tell says that it is time to tell people: the connection had told statuses,
	// and has now told none for longer than it used to. It is said again whenever
	// the row has doubled.
	Tell bool
	// Over says that a row has ended that people may have been told of.
	Over bool
}

// NoteMutes counts events without a status. It writes nothing while all have one.
func (db *DB) NoteMutes(ctx context.Context, connection string, m Mutes) (now Muteness, err error) {
	var row, most int
	read := func(s scanner) error { return s.Scan(&row, &most) }
	const stands = "select mute, mute_most from connections where name = $1"
	if m.Before == 0 && m.After == 0 {
		most = -1
		if err := db.view(ctx, read, stands, connection); err != nil {
			return now, fmt.Errorf("look at the events of %s: %w", connection, err)
		}
		if row == 0 && most >= 0 {
			return now, nil
		}
	}
	err = db.update(ctx, func(t *tx) error {
		now = Muteness{}
		if _, err := t.exec(upsertConnection, connection); err != nil {
			return err
		}
		if err := t.query(read, "update connections set name = name where name = $1 returning mute, mute_most", connection); err != nil { // which locks it
			return err
		}
		was := row
		row += m.Before
		if m.Told {
			now.Over = row >= muteAtLeast
			most = max(most, row, m.Between)
			was, row = 0, m.After
		}
		now.Row = row
		if reaches(was, row, most) && most < 0 { // counted since an update only: what came before tells
			told, err := t.hasTold(connection)
			if err != nil {
				return err
			}
			if told {
				most = 0
			}
		}
		now.Tell = most >= 0 && reaches(was, row, most)
		_, err := t.exec("update connections set mute = $2, mute_most = $3 where name = $1", connection, row, most)
		return err
	})
	if err != nil {
		return now, fmt.Errorf("count the events of %s without a status: %w", connection, err)
	}
	return now, nil
}

// reaches reports whether a row that grows gets to where people are told.
func reaches(was, row, most int) bool {
	for at := min(max(muteAtLeast, 2*most), muteAtMost); at <= row; at *= 2 {
		if was < at {
			return true
		}
	}
	return false
}

// hasTold reports whether a stored event of a connection as a source has a status.
func (t *tx) hasTold(connection string) (told bool, err error) {
	var n int
	err = t.query(func(s scanner) error { return s.Scan(&n) },
		"select count(*) from (select 1 from events where connection = $1 and side = 'source' and has_value = 1 limit 1) as one", connection)
	return n > 0, err
}
