package stripe

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

const (
	// retention is how far back Stripe lists events.
	retention = 30 * 24 * time.Hour
	// overlap is asked for again each time: created has a resolution of one
	// second, and events may be listed later than they were created.
	overlap = 10 * time.Minute
	// window is how much time one call covers while catching up. Stripe lists
	// the newest first and the caller needs the oldest first, so a call holds
	// all its events at once; an hour keeps that small, and what was caught up
	// is safe before the next hour is asked for.
	window = time.Hour
	// maxEventPages bounds one window.
	maxEventPages = 1000
)

// eventTypes are the types whose events are asked for; Stripe allows twenty.
var eventTypes = append(slices.Clone(customerEvents),
	subscriptionEvents+"created", subscriptionEvents+"updated", subscriptionEvents+"deleted",
	subscriptionEvents+"paused", subscriptionEvents+"resumed")

// changes implements connector.Changes. Its cursor is a time in Unix seconds, by
// Stripe's clock: every event created before it has been returned, as far as
// Stripe still lists it. Our clock may be hours ahead of Stripe's, and a position
// of its making would lie ahead of every event until then; nor is a position
// later than our clock.
type changes struct {
	api  *client
	name string
	now  func() time.Time
	log  *slog.Logger
}

// Since implements connector.Changes.
func (c changes) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	ctx = connector.Background(ctx)
	now := c.now().UTC()
	if cursor == "" {
		return c.first(ctx)
	}
	seconds, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || seconds < 0 {
		return nil, "", false, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Err: err,
			Detail: "the stored position in Stripe's list of events is not a time"}
	}
	from := time.Unix(seconds, 0).UTC()
	if oldest := now.Add(-retention); from.Before(oldest) {
		c.log.Warn("stripe lists events of the last 30 days only; a sweep finds what changed before",
			"connection", c.name, "wanted_from", from, "listed_from", oldest)
		from = oldest
	}
	if from.After(now) {
		// A clock that was wrong must not hide what happens until then.
		from = now
	}
	until := from.Add(window)
	query := url.Values{
		"types[]":      eventTypes,
		"created[gte]": {unixText(from.Add(-overlap))},
	}
	if until.Before(now) {
		query.Set("created[lt]", unixText(until))
	}
	found, newest, err := c.read(ctx, query)
	if err != nil {
		return nil, "", false, err
	}
	connector.Count(ctx, len(found))
	theirs := c.theirs()
	if until.Before(theirs) {
		return found, unixText(until), true, nil
	}
	return found, unixText(place(from, newest, theirs)), false, nil
}

// Place implements connector.Placed.
func (c changes) Place(cursor string) time.Time {
	seconds, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// first returns where to begin, which is the newest event.
func (c changes) first(ctx context.Context) ([]connector.Reading, string, bool, error) {
	var newest time.Time
	_, _, err := c.api.page(ctx, events, url.Values{"types[]": eventTypes, "limit": {"1"}}, func(_ string, object json.RawMessage) error {
		if reading, err := readEvent(object, modeUnknown); err == nil {
			newest = reading.Event.OccurredAt
		}
		return nil // what cannot be read now is not new either
	})
	if err != nil {
		return nil, "", false, err
	}
	return nil, unixText(place(time.Time{}, newest, c.theirs())), false, nil
}

// place is where asking has got to when all events up to now were listed: the
// newest of them. In a quiet account it follows Stripe's clock at a distance, so
// that it never leaves the 30 days and nothing has to be caught up.
func place(from, newest, theirs time.Time) time.Time {
	at := latest(from, newest, theirs.Add(-window/2))
	if at.After(theirs) {
		return theirs
	}
	return at
}

// theirs is Stripe's clock as its last answer had it, and never later than ours.
func (c changes) theirs() time.Time {
	now := c.now().UTC()
	if at := c.api.rest.Clock(); !at.IsZero() && at.Before(now) {
		return at
	}
	return now
}

// read returns the events of one window, oldest first, and the time of the
// newest.
func (c changes) read(ctx context.Context, query url.Values) (found []connector.Reading, newest time.Time, err error) {
	err = c.api.list(ctx, events, query, maxEventPages, func(id string, object json.RawMessage) error {
		reading, err := readEvent(object, modeUnknown)
		if err != nil {
			reading = connector.Reading{Event: status.Event{ID: id, Payload: slices.Clone(object)}, Err: err}
		}
		newest = latest(newest, reading.Event.OccurredAt)
		found = append(found, reading)
		return nil
	})
	slices.Reverse(found)
	return found, newest, err
}

func unixText(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
