package powercut

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	plan  = "plan" // the sync
	lease = 20 * time.Minute
)

// step is one call of a history. It is made again the same way whenever the
// history is lived again.
type step struct {
	name string
	do   func(*life) error
	// idle: it changes no row.
	idle bool
}

// life is a history as it is lived on one disk.
type life struct {
	*Machine
	ctx context.Context
	// open opens the store, on a clock.
	open func(now func() time.Time) (*Machine, error)
	disk *Disk
	now  time.Time
	memory
}

// memory is what the caller has learned, and takes along over a cut: a worker
// whose lease is not over may still report.
type memory struct {
	works   map[string]store.Work
	intents map[string]int64
	cursor  int64 // the fence
}

func newMemory() memory { return memory{works: map[string]store.Work{}, intents: map[string]int64{}} }

func (m memory) clone() memory {
	return memory{works: maps.Clone(m.works), intents: maps.Clone(m.intents), cursor: m.cursor}
}

// start is the first step of each history, and what follows a cut.
func (l *life) start() error {
	var err error
	l.Machine, err = l.open(func() time.Time { return l.now })
	return err
}

// stop ends a life, with the power on or off.
func (l *life) stop() error {
	if l.Machine == nil {
		return nil
	}
	m := l.Machine
	l.Machine = nil
	return m.Close()
}

// live makes the steps from the n-th on and returns which failed.
func (l *life) live(steps []step, n int) (int, error) {
	for ; n < len(steps); n++ {
		// Each step has its own time, whatever has happened before.
		l.now = began.Add(time.Duration(n) * 7 * time.Second)
		if err := steps[n].do(l); err != nil {
			return n, fmt.Errorf("%s: %w", steps[n].name, err)
		}
	}
	return n, nil
}

var began = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

// errNotClaimed is what a call for a customer whom nobody has claimed returns.
var errNotClaimed = errors.New("not claimed")

// isRefused reports whether the store said no: an answer like another.
func isRefused(err error) bool {
	var taken *store.DuplicateLinkError
	return errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrNotFound) || errors.Is(err, errNotClaimed) || errors.As(err, &taken)
}

// refused is a step that must be refused.
func refused(s step) step {
	return step{name: s.name + ", refused", idle: true, do: func(l *life) error {
		err := s.do(l)
		if err == nil {
			return errors.New("it was not refused")
		}
		if isRefused(err) {
			return nil
		}
		return err
	}}
}

// perhaps is a step that may be refused.
func perhaps(s step) step {
	return step{name: s.name, idle: true, do: func(l *life) error {
		err := s.do(l)
		if isRefused(err) {
			return nil
		}
		return err
	}}
}

func starting() step { return step{name: "start", do: (*life).start} }

func restarting() step {
	return step{name: "restart", idle: true, do: func(l *life) error { return errors.Join(l.stop(), l.start()) }}
}

func event(id, customer, value string) store.NewEvent {
	return store.NewEvent{Connection: "billing", Sync: plan, Side: store.SourceSide, ID: id, Customer: customer, Value: value, HasValue: true,
		OccurredAt: began, Payload: []byte(`{"id":"` + id + `"}`)}
}

func edited(id, record, value string) store.NewEvent {
	e := event(id, record, value)
	e.Connection, e.Side = "crm", store.TargetSide
	return e
}

func unreadable(id string) store.NewEvent {
	e := event(id, "", "")
	e.HasValue, e.Outcome, e.Reason = false, status.Parked, reason.Text("no customer in it")
	e.Exception = &store.NewException{Sync: plan, Kind: status.UnreadableEvent, Stage: status.StageReceive, Reason: e.Reason, Owner: "ops@example.com"}
	return e
}

// heavy has a payload of several pages.
func heavy(id, customer string) store.NewEvent {
	e := event(id, customer, "active")
	e.Payload = make([]byte, 5_000)
	for i := range e.Payload {
		e.Payload[i] = byte(i * i >> 3)
	}
	return e
}

func receiving(events ...store.NewEvent) step {
	return step{name: fmt.Sprintf("receive %d events from %s", len(events), events[0].ID), do: func(l *life) error {
		_, err := l.Receive(l.ctx, events)
		return err
	}}
}

func claiming(limit int) step {
	return step{name: fmt.Sprintf("claim %d", limit), do: func(l *life) error {
		works, err := l.Claim(l.ctx, plan, limit, lease)
		for _, w := range works {
			l.works[w.Customer] = w
		}
		return err
	}}
}

// with makes a call for a customer that was claimed.
func with(name, customer string, do func(*life, *store.Work) error) step {
	return step{name: name + " " + customer, do: func(l *life) error {
		w, ok := l.works[customer]
		if !ok {
			return errNotClaimed
		}
		return do(l, &w)
	}}
}

func linking(customer, record string) step {
	return with("link to "+record, customer, func(l *life, w *store.Work) error {
		return l.SaveLink(l.ctx, w, store.Link{Sync: plan, Customer: customer, TargetID: record, Rule: "email = email", Confidence: 0.9, By: "rule"})
	})
}

func writing(customer, value string) step {
	return with("begin to write "+value+" for", customer, func(l *life, w *store.Work) error {
		i, err := l.BeginWrite(l.ctx, w, store.Intent{RecordID: "rec_1", Value: value, Prior: "Trial", SentAt: l.now, Expires: l.now.Add(time.Minute)}, store.Limits{})
		if err == nil {
			l.intents[customer] = i.ID
		}
		return err
	})
}

// settling ends a claim with the outcome of all its events. change adds what
// this one is about.
func settling(customer string, outcome status.Outcome, change func(*life, *store.Settlement)) step {
	return with("settle as "+string(outcome), customer, func(l *life, w *store.Work) error {
		s := store.Settlement{Outcome: outcome, Reason: reason.Text("as told"), Email: customer + "@Example.com",
			Desired:  &store.Desired{SourceValue: "active", Status: "active", Value: "Active", At: began, SeenAt: l.now, Event: "evt_1", EventAt: began},
			Observed: &store.Observed{Status: "trial", Value: "Trial", At: began, By: "human:ben", SeenAt: l.now},
			Decision: &store.Decision{Sync: plan, Customer: customer, Action: "write", Reason: reason.Text("as told"), Row: 7, Stage: status.StageDecide,
				Outcome: outcome, TargetID: "rec_1", Desired: "Active", Observed: "Trial", Base: "Trial", Events: len(w.Events)}}
		for _, e := range w.Events {
			s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: outcome, Reason: reason.Text("as told")})
		}
		change(l, &s)
		err := l.Settle(l.ctx, w, s)
		if err == nil {
			delete(l.works, customer)
		}
		return err
	})
}

// carried settles with the value proved in the target.
func carried(customer string) step {
	return settling(customer, status.Applied, func(l *life, s *store.Settlement) {
		s.Base = &store.Base{Known: true, RecordID: "rec_1", Status: "active", Value: "Active", By: "us", At: l.now, SeenAt: l.now}
		s.Close, s.HumanAt = store.CloseAll, began
		if id := l.intents[customer]; id != 0 {
			s.CloseIntents = []int64{id}
		}
	})
}

// parked settles with an exception for a person.
func parked(customer string, kind status.Kind, stage status.Stage) step {
	return settling(customer, status.Parked, func(_ *life, s *store.Settlement) {
		s.Park = &store.NewException{Sync: plan, Customer: customer, Kind: kind, Stage: stage, Reason: reason.Text("two records match"), SourceValue: "active",
			Owner: "ops@example.com", Candidates: []status.Candidate{{TargetID: "rec_1", Confidence: 0.5}, {TargetID: "rec_2", Confidence: 0.5}}}
		s.Close, s.Decision.Kind = store.CloseBefore, kind
	})
}

// retried settles with nothing proved: the write may arrive yet.
func retried(customer string) step {
	return settling(customer, "", func(l *life, s *store.Settlement) {
		s.Events, s.Desired = nil, nil
		s.RetryAt, s.Attempts, s.FirstTry = l.now.Add(20*time.Second), 1, l.now
		if id := l.intents[customer]; id != 0 {
			s.SeenIntents = []int64{id}
		}
	})
}
