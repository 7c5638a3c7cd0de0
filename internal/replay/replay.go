// Package replay carries events once more that were received before, with the
// map and the readers of now.
//
// Main types: Replayer (what it takes to replay), Step (what a replay of one
// event would do, or did) and Request (who asks, and the nonce).
//
// Invariants: an event is stored once more and nothing is changed of the one
// that came; a replay is not taken for a repeat, and two with one nonce are one;
// what follows is the path's affair, so that an old event brings no old state
// back.
//
// It may import internal/connector, config, mapping, reason, status, store and inbox,
// and not the pipeline.
package replay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/mapping"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Store has the events; it is *store.DB.
type Store interface {
	Event(ctx context.Context, seq int64) (store.Event, error)
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	Link(ctx context.Context, sync, customer string) (store.Link, error)
	Receive(ctx context.Context, events []store.NewEvent) (arrived []store.Arrival, err error)
	UnreadLeft(ctx context.Context, sync string) (int, error)
	CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (closed int, err error)
}

// Replayer replays the events of the configured syncs.
type Replayer struct {
	Store Store
	Syncs map[string]config.Sync
	// Receivers read what could not be read when it came, by connection.
	Receivers map[string]connector.Receiver
	// Sources are the syncs' source connections, by sync.
	Sources map[string]connector.Connection
}

// Request is who wants a replay.
type Request struct {
	Who string
	// Nonce tells this replay of an event from any other of it.
	Nonce string
}

// Nonce is that of a key, always the same, or without a key a new one.
func Nonce(key string) string {
	if key == "" {
		return strings.ToLower(rand.Text()[:10])
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// Step is what a replay of one event comes to: one line for each customer that
// the event is about.
type Step struct {
	Seq      int64         `json:"seq"` // of the event that is replayed
	Sync     string        `json:"sync"`
	Customer string        `json:"customer"`
	Value    string        `json:"value"`        // what the event says; "" when it does not
	Status   status.Status `json:"status"`       // what the map of now makes of it
	Target   string        `json:"target_value"` // and the target's word for that
	// Does says what will happen, or why nothing does.
	Does string `json:"does"`
	// Replays is false when nothing is stored: it cannot be replayed.
	Replays bool `json:"replays"`
	// Done is what came of it: "" before it is done, "stored", or "repeated" when
	// a request with the same nonce did it before.
	Done string `json:"done"`

	event store.NewEvent
	read  bool // of what could not be read when it came
}

// Preview says what a replay of an event would do.
func (r Replayer) Preview(ctx context.Context, seq int64) ([]Step, error) {
	return r.steps(ctx, seq, Request{})
}

// Do replays an event.
func (r Replayer) Do(ctx context.Context, seq int64, q Request) ([]Step, error) {
	steps, err := r.steps(ctx, seq, q)
	if err != nil {
		return nil, err
	}
	var events []store.NewEvent
	var of []int
	for i, s := range steps {
		if s.Replays {
			events, of = append(events, s.event), append(of, i)
		}
	}
	if len(events) == 0 {
		return steps, nil
	}
	arrived, err := r.Store.Receive(ctx, events)
	if err != nil {
		return nil, fmt.Errorf("replay event %d: %w", seq, err)
	}
	for k, i := range of {
		steps[i].Done = map[bool]string{true: "stored", false: "repeated"}[arrived[k] == store.Fresh]
	}
	if !steps[0].read {
		return steps, nil
	}
	return steps, r.closeUnreadable(ctx, steps[0].Sync)
}

// closeUnreadable closes the exception about a sync's unreadable events when
// the last of them was read.
func (r Replayer) closeUnreadable(ctx context.Context, sync string) error {
	left, err := r.Store.UnreadLeft(ctx, sync)
	if err == nil && left == 0 {
		_, err = r.Store.CloseExceptions(ctx, sync, "", status.UnreadableEvent, "")
	}
	return err
}

// steps reads the event with what is configured now.
func (r Replayer) steps(ctx context.Context, seq int64, q Request) ([]Step, error) {
	e, err := r.Store.Event(ctx, seq)
	if err != nil {
		return nil, err
	}
	if e.ReplayOf > 0 { // what was replayed is replayed, so that the ids do not grow
		if e, err = r.Store.Event(ctx, e.ReplayOf); err != nil {
			return nil, err
		}
	}
	skew := r.Syncs[e.Sync].Conflict.ClockSkew
	one := Step{Seq: seq, Sync: e.Sync, Customer: e.Customer, Value: e.Value}
	again := store.NewEvent{Connection: e.Connection, Sync: e.Sync, Side: e.Side, ID: store.ReplayID(e.ID, q.Nonce), Customer: e.Customer, Value: e.Value,
		HasValue: e.HasValue, OccurredAt: e.HappenedAt(skew), UnchangedAt: e.UnchangedAt, Payload: e.Payload, ReplayOf: e.Seq, ReplayedBy: q.Who}
	refuse := func(why string) ([]Step, error) {
		one.Does = why
		return []Step{one}, nil
	}
	sync, known := r.Syncs[e.Sync]
	switch {
	case !known:
		return refuse("nothing: this sync is no longer in the configuration")
	case e.Connection != map[store.Side]string{store.SourceSide: sync.Source.Connection, store.TargetSide: sync.Target.Connection}[e.Side]:
		return refuse("nothing: it came from connection " + e.Connection + ", which is no longer the sync's " + string(e.Side))
	case store.IsForgotten(e.Customer):
		return refuse("nothing: the customer was forgotten")
	case e.Outcome == "":
		return refuse("nothing: it is already waiting to be processed")
	case e.Outcome == status.Parked && e.Customer == "":
		return r.readAgain(sync, e, again, q)
	case e.Outcome == status.Ignored && e.Customer == "":
		return r.ignoredAgain(sync, e, again, q, one)
	case e.Customer == "":
		return refuse("nothing: it is not about a customer")
	case e.Side == store.TargetSide:
		return r.targetSide(ctx, one, e, again)
	}
	one.event = again
	if err := r.sourceSide(&one, sync, e.Payload); err != nil {
		return refuse("nothing: " + err.Error())
	}
	one.Replays = true
	return []Step{one}, nil
}

// ignoredAgain reads an event that was about no customer, with the reader of now:
// a filter may have been wrong.
func (r Replayer) ignoredAgain(sync config.Sync, e store.Event, again store.NewEvent, q Request, one Step) ([]Step, error) {
	steps, err := r.readAgain(sync, e, again, q)
	if err == nil && slices.ContainsFunc(steps, func(s Step) bool { return s.Replays && s.event.Outcome == "" }) {
		return steps, nil
	}
	one.Does = "nothing: it is not about a customer"
	return []Step{one}, err
}

// readAgain reads what could not be read when it came, with the reader of now.
func (r Replayer) readAgain(sync config.Sync, e store.Event, again store.NewEvent, q Request) ([]Step, error) {
	failed := func(why string) ([]Step, error) {
		return []Step{{Seq: e.Seq, Sync: e.Sync, Does: "nothing: " + why}}, nil
	}
	receiver := r.Receivers[e.Connection]
	if receiver == nil {
		return failed("connection " + e.Connection + " no longer accepts webhooks")
	}
	if len(e.Payload) == 0 {
		return failed("its payload was deleted")
	}
	readings, err := reread(receiver, e)
	if err != nil {
		return failed("it still cannot be read: " + err.Error())
	}
	var steps []Step
	good := 0
	for _, reading := range readings {
		reading = inbox.Checked(reading)
		s := Step{Seq: e.Seq, Sync: e.Sync, Customer: reading.Event.Customer, Value: reading.Event.Value, event: again, read: true, Replays: true}
		s.event.ID, s.event.Customer, s.event.Value, s.event.HasValue = store.ReplayID(store.ApartID(e.ID, reading.Event.ID), q.Nonce), s.Customer, s.Value, reading.Event.HasValue
		s.event.OccurredAt, s.event.Payload = store.Event{NewEvent: store.NewEvent{OccurredAt: reading.Event.OccurredAt}, ReceivedAt: e.ReceivedAt}.HappenedAt(sync.Conflict.ClockSkew), reading.Event.Payload
		if reading.Err == nil {
			good++
		}
		switch {
		case reading.Err != nil:
			// Beside others that can be read it is kept as an event of its own.
			s.event.Outcome, s.event.Reason = status.Parked, reason.Reason{Code: reason.EventUnreadable, Facts: reason.Facts{Detail: reading.Err.Error()}}
			s.Does = "still cannot be read: " + reading.Err.Error()
		case reading.Skip != "":
			s.event.Outcome, s.event.Reason = status.Ignored, reason.Reason{Code: reason.EventIgnored, Facts: reason.Facts{Detail: reading.Skip}}
			s.Does = "can be read now, but is ignored: " + reading.Skip
		case e.Side == store.TargetSide:
			s.Does = "can be read now: the customer of this record is checked again, if it is linked"
		default:
			if err := r.sourceSide(&s, sync, s.event.Payload); err != nil {
				s.Does = err.Error()
			}
			s.Does = "can be read now: " + s.Does
		}
		steps = append(steps, s)
	}
	switch {
	case len(steps) == 0:
		return failed("it contains no event")
	case good == 0:
		return failed("it " + steps[0].Does)
	}
	return steps, nil
}

// reread reads a stored body, or the one event of a body that was kept.
func reread(receiver connector.Receiver, e store.Event) ([]connector.Reading, error) {
	h := http.Header{}
	// The delivery's own id is not kept; what stands for it is as good to tell a
	// repeat by.
	h.Set("Webhook-Id", store.OriginalID(e.ID))
	if one, ok := receiver.(connector.Rereader); ok {
		return one.Reread(h, e.Payload)
	}
	return receiver.Events(h, e.Payload)
}

// targetSide is an event about a record of the target: its customer is looked
// at again, found by the link of now.
func (r Replayer) targetSide(ctx context.Context, one Step, e store.Event, again store.NewEvent) ([]Step, error) {
	link, err := r.Store.Link(ctx, e.Sync, e.Customer)
	switch {
	case err == nil:
		again.Customer = link.TargetID
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	case e.Outcome != status.Ignored:
		one.Does = "nothing: the customer is no longer linked to a record of the target"
		return []Step{one}, nil
	}
	// Of an event that found no customer, the record's id was kept.
	one.Does, one.Replays, one.event = "the customer of this record is checked again, if it is linked", true, again
	return []Step{one}, nil
}

// sourceSide says what the map of now makes of an event of the source.
func (r Replayer) sourceSide(s *Step, sync config.Sync, payload []byte) error {
	source := r.Sources[sync.Name]
	readable := source.Source != nil
	if !readable && source.EventSource != nil {
		if len(payload) == 0 {
			return errors.New("its payload was deleted, and the source cannot be read")
		}
		record, err := source.EventSource.Record(payload)
		if err != nil {
			return fmt.Errorf("its payload cannot be read: %w", err)
		}
		s.Value = record.Value
		s.event.Value, s.event.HasValue = record.Value, !record.NoStatus
	}
	how := "processed again unless a newer change was processed since"
	if readable {
		how = "the source is read again, whatever the event contains"
	}
	if s.Value == "" {
		s.Does = how
		return nil
	}
	entries := map[status.Status]mapping.Entry{}
	for name, m := range sync.Statuses {
		entries[name] = mapping.Entry{From: m.From, To: m.To}
	}
	result, err := mapping.New(entries, sync.Ignore).Source(s.Value)
	switch {
	case err != nil:
		s.Does = how + "; " + err.Error()
	case result.Ignored:
		s.Does = how + "; " + mapping.Ignored(s.Value).Sentence()
	default:
		s.Status, s.Target, s.Does = result.Status, result.Value, how
	}
	return nil
}
