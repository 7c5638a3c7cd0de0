package gohighlevel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// overlap is asked for again each time: the search lags behind writes, and
// what it learns late is dated earlier than what it already gave.
const overlap = 5 * time.Minute

// changes implements connector.Changes by the time of each contact's last
// change. It is how a private integration, which has no webhooks, hears of
// changes at all. That time moves with any change of the contact, so an event
// says no more than that something may have changed.
type changes struct {
	records *records
	now     func() time.Time
}

// position is the cursor: every contact that changed before From was given.
// While the pages of one question last, After is where the next one begins and
// Newest the latest change seen so far.
type position struct {
	From   time.Time       `json:"from"`
	Newest time.Time       `json:"newest,omitzero"`
	After  json.RawMessage `json:"after,omitempty"`
}

func (p position) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // a time and JSON
	}
	return string(text)
}

// Since implements connector.Changes.
func (c changes) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	ctx = connector.Background(ctx)
	now := c.now().UTC()
	if cursor == "" {
		from, err := c.newest(ctx, now)
		if err != nil {
			return nil, "", false, err
		}
		return nil, position{From: from}.String(), false, nil
	}
	var at position
	if json.Unmarshal([]byte(cursor), &at) != nil || at.From.IsZero() {
		return nil, "", false, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: "the stored position in HighLevel's changes cannot be read"}
	}
	if at.From.After(now.Add(overlap)) {
		// A clock that was wrong must not hide what happens until then.
		at = position{From: now}
	}
	rows, err := c.since(ctx, at)
	if err != nil && len(at.After) > 0 && connector.FailureOf(err).Status == http.StatusBadRequest {
		// The search no longer takes the place where the next page begins: the
		// pages are gone through again, and what comes twice has the same id.
		at = position{From: at.From}
		rows, err = c.since(ctx, at)
	}
	if err != nil {
		return nil, "", false, err
	}
	connector.Count(ctx, len(rows))
	var found []connector.Reading
	for _, row := range rows {
		found = append(found, changed(row))
		if row.DateUpdated.After(at.Newest) && !row.DateUpdated.After(now) {
			at.Newest = row.DateUpdated.Time
		}
	}
	next, err := after(rows, string(at.After))
	if err != nil {
		return nil, "", false, err
	}
	if next != "" {
		at.After = json.RawMessage(next)
		return found, at.String(), true, nil
	}
	switch {
	case at.Newest.After(at.From):
		at.From = at.Newest // by HighLevel's clock, not by ours
	case len(rows) == 0 && len(at.After) == 0:
		// Not even the contact that the position is of: it has changed or is
		// gone, or the position was made by our clock and lies ahead.
		if at.From, err = c.newest(ctx, now); err != nil {
			return nil, "", false, err
		}
	}
	return found, position{From: at.From}.String(), false, nil
}

// since asks for a page of what has changed since a position.
func (c changes) since(ctx context.Context, at position) ([]contact, error) {
	return c.records.page(ctx, searchBody{PageLimit: pageSize, Sort: oldestFirst, SearchAfter: at.After,
		Filters: []filter{{"dateUpdated", "range", within{From: stamp(at.From.Add(-overlap))}}}})
}

// Place implements connector.Placed.
func (c changes) Place(cursor string) time.Time {
	var at position
	if json.Unmarshal([]byte(cursor), &at) != nil {
		return time.Time{}
	}
	return at.From
}

// beginning is the position before any contact.
var beginning = time.Unix(0, 0).UTC()

// newest is the newest time of a change that the location has, by HighLevel's
// clock: ours may be hours ahead, and a position of its making would hide every
// change until then. Nor is it later than ours: one contact dated into the future
// must not hide all the others.
func (c changes) newest(ctx context.Context, now time.Time) (time.Time, error) {
	body := searchBody{PageLimit: 1, Sort: newestFirst, Filters: []filter{{"dateUpdated", "range", within{To: stamp(now)}}}}
	rows, err := c.records.page(ctx, body)
	if err == nil && len(rows) == 0 {
		body.Filters = nil
		if rows, err = c.records.page(ctx, body); err == nil && len(rows) == 0 {
			return beginning, nil // of an empty list whatever comes is new
		}
	}
	if err != nil {
		return time.Time{}, err
	}
	if at := rows[0].DateUpdated.Time; !at.IsZero() && !at.After(now) {
		return at.UTC(), nil
	}
	return now, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// changed is the event of a contact in the list of changes. Its id is made of
// the time of the change, so that the overlap gives repeats.
func changed(row contact) connector.Reading {
	payload, err := json.Marshal(map[string]any{"contact": row.ID, "dateUpdated": row.DateUpdated.Time})
	r := connector.Reading{Event: status.Event{Customer: row.ID, Payload: payload}, Err: err}
	if row.DateUpdated.IsZero() {
		r.Event.ID, r.Err = "updated:"+row.ID, fmt.Errorf("the contact %s does not show when it last changed", row.ID)
		return r
	}
	r.Listed = row.DateUpdated.Time
	r.Event.ID = fmt.Sprintf("updated:%s:%d", row.ID, row.DateUpdated.UnixMilli())
	return r
}
