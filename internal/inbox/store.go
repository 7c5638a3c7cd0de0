package inbox

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Store keeps events that polling brought, in the same way as those of a
// webhook.
func (i *Inbox) Store(ctx context.Context, connection string, readings []connector.Reading) (accepted, duplicates int, err error) {
	var got arrival
	if err := i.store(ctx, connection, i.Connections[connection].Routes, readings, true, &got); err != nil {
		return 0, 0, err
	}
	i.count(connection, got)
	return got.accepted, got.duplicates, nil
}

// mostIDs is how many event ids a log line names at most.
const mostIDs = 20

// store keeps each event once for each sync that it concerns, all or none.
func (i *Inbox) store(ctx context.Context, connection string, routes []Route, readings []connector.Reading, listed bool, got *arrival) error {
	if len(readings) == 0 {
		return nil
	}
	events := make([]store.NewEvent, 0, len(readings)*len(routes))
	for n := range readings {
		r := Checked(readings[n])
		for _, route := range routes {
			e := event(connection, route, r)
			if e.Outcome == "" && i.clocks.ahead(e, route, i.Now()) {
				e.Exception = datedAhead(e, route, i.Now())
			}
			e.Listed = listed
			events = append(events, e)
		}
		if len(got.ids) < mostIDs {
			got.ids = append(got.ids, r.Event.ID)
		}
	}
	arrived, err := i.Options.Store.Receive(ctx, events)
	if err != nil {
		i.clocks.forget(events)
		return fmt.Errorf("store events of %s: %w", connection, err)
	}
	var wake []string
	var mutes store.Mutes
	for n := range readings {
		became := store.Repeat
		for k, route := range routes {
			e := n*len(routes) + k
			became = max(became, arrived[e])
			if arrived[e] == store.Fresh && events[e].Outcome == "" {
				wake = append(wake, route.Sync)
			}
		}
		outcome := events[n*len(routes)].Outcome
		switch {
		case became == store.Repeat:
			got.duplicates++
			continue
		case became == store.Reused:
			got.unreadable++
		case outcome == status.Ignored:
			got.ignored++
		case outcome == status.Parked:
			got.unreadable++
		}
		got.accepted++
		switch r := readings[n]; {
		case became != store.Fresh:
		case r.Mute && mutes.Told:
			mutes.After++
		case r.Mute:
			mutes.Before++
		case r.Err == nil && r.Skip == "" && r.Event.HasValue:
			mutes.Told, mutes.Between, mutes.After = true, max(mutes.Between, mutes.After), 0
		}
	}
	if len(wake) > 0 {
		i.Received(wake...)
	}
	if i.Mutes != nil && i.Connections[connection].EventsOnly && mutes != (store.Mutes{}) {
		i.noteMutes(ctx, connection, routes, mutes)
	}
	return nil
}

// event is what one sync stores of a reading.
func event(connection string, route Route, r connector.Reading) store.NewEvent {
	e := store.NewEvent{Connection: connection, Sync: route.Sync, Side: route.Side, ID: r.Event.ID, Customer: r.Event.Customer,
		Value: r.Event.Value, HasValue: r.Event.HasValue, OccurredAt: r.Event.OccurredAt,
		UnchangedAt: r.Event.UnchangedAt, Payload: r.Event.Payload, Owner: route.Owner}
	switch {
	case r.Err != nil:
		e.Outcome = status.Parked
		e.Reason = reason.Reason{Code: reason.EventUnreadable, Facts: reason.Facts{Detail: r.Err.Error()}}
		e.Exception = &store.NewException{Sync: route.Sync, Kind: status.UnreadableEvent, Stage: status.StageReceive,
			Reason:     reason.Reason{Code: reason.EventUnreadable, Facts: reason.Facts{Connection: connection, Detail: r.Err.Error()}},
			LastAction: reason.DidStore.With(r.Event.ID), Confidence: 1, Owner: route.Owner}
	case r.Skip != "":
		e.Outcome, e.Reason = status.Ignored, reason.Reason{Code: reason.EventIgnored, Facts: reason.Facts{Detail: r.Skip}}
	}
	return e
}

// longest is the longest id, customer or value, in bytes. Nothing is ever cut:
// two texts that differ only at the end would become one.
const longest = 512

// Checked turns a reading that the store could not keep unchanged into an
// unreadable one.
func Checked(r connector.Reading) connector.Reading {
	if r.Err == nil {
		e := r.Event
		r.Err = cmp.Or(fits("id", e.ID), fits("customer", e.Customer), fits("status", e.Value))
		if r.Err == nil && (e.ID == "" || e.Customer == "" && r.Skip == "") {
			r.Err = errors.New("the event has no id or no customer")
		}
	}
	if r.Err != nil {
		// The fault may be in the id itself, or the customer may not be known here.
		r.Event.Customer, r.Event.Value, r.Event.HasValue = "", "", false
		if r.Event.ID == "" || fits("id", r.Event.ID) != nil {
			r.Event.ID = idOf(r.Event.Payload)
		}
	}
	return r
}

func fits(name, value string) error {
	switch {
	case len(value) > longest:
		return fmt.Errorf("the event's %s is longer than %d bytes", name, longest)
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return fmt.Errorf("the event's %s holds bytes that are no text", name)
	}
	return nil
}

// unreadable is the event of a whole body that cannot be read.
func unreadable(body []byte, err error) connector.Reading {
	return connector.Reading{Event: status.Event{ID: idOf(body), Payload: body}, Err: err}
}

// idOf gives an event without an id one made from its content, so that a repeat
// is recognized.
func idOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return "unreadable:" + hex.EncodeToString(sum[:])
}
