package store

import (
	"context"
	"slices"
	"time"
)

// Usual is how long a sync's source usually leaves between two events: half of the
// pauses lie between Quarter and ThreeQuarters.
type Usual struct {
	Pauses                 int
	Quarter, ThreeQuarters time.Duration
}

const (
	// mostHeard is how many of the latest events say what is usual.
	mostHeard = 2000
	// oneArrival is how close events count as one: a tool often sends several about
	// one change.
	oneArrival = time.Second
)

// Usual returns how often a sync's source has been heard since a time, by the latest
// of its events.
func (db *DB) Usual(ctx context.Context, sync string, since time.Time) (Usual, error) {
	var heardAt []int64
	for _, listed := range []bool{false, true} {
		err := db.view(ctx, func(s scanner) error {
			var one int64
			err := s.Scan(&one)
			heardAt = append(heardAt, one)
			return err
		}, "select received_at"+heard+" and received_at >= $3 order by received_at desc limit $4", sync, bit(listed), ms(since), mostHeard)
		if err != nil {
			return Usual{}, noticeError("look how often "+sync+" is usually heard", err)
		}
	}
	return usualOf(heardAt), nil
}

// usualOf looks at the latest of some times.
func usualOf(heardAt []int64) Usual {
	slices.Sort(heardAt)
	heardAt = heardAt[max(0, len(heardAt)-mostHeard):]
	var pauses []time.Duration
	for i := 1; i < len(heardAt); i++ {
		if pause := time.Duration(heardAt[i]-heardAt[i-1]) * time.Millisecond; pause >= oneArrival {
			pauses = append(pauses, pause)
		}
	}
	u := Usual{Pauses: len(pauses)}
	if u.Pauses > 0 {
		slices.Sort(pauses)
		u.Quarter, u.ThreeQuarters = pauses[(len(pauses)-1)/4], pauses[3*(len(pauses)-1)/4]
	}
	return u
}

// EventsByHour counts the events of a sync's source in each of the latest hours, the
// last of which ends now.
func (db *DB) EventsByHour(ctx context.Context, sync string, hours int) ([]int, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	counts := make([]int, hours)
	for _, listed := range []bool{false, true} {
		err := db.view(ctx, func(s scanner) error {
			var ago, n int
			err := s.Scan(&ago, &n)
			if ago >= 0 && ago < hours { // not of a clock that was set back
				counts[hours-1-ago] += n
			}
			return err
		}, "select ($3 - received_at) / $4, count(*)"+heard+" and received_at > $3 - $4 * $5 group by 1",
			sync, bit(listed), ms(now), time.Hour.Milliseconds(), hours)
		if err != nil {
			return nil, noticeError("count the events of "+sync+" by hour", err)
		}
	}
	return counts, nil
}
