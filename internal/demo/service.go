package demo

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Service is a running Trueup.
type Service interface {
	// URL is where its pages and /hooks/… are, such as http://127.0.0.1:8080.
	URL() string
	// Enter returns an address of the pages that signs in whoever opens it on this
	// machine; it works once, and leads a visitor who is signed in to the first page.
	Enter(ctx context.Context) (string, error)
	// Snapshot reports what it has done so far. It is called several times a
	// second, from one goroutine at a time.
	Snapshot(ctx context.Context) (Snapshot, error)
	// Idle returns when every event that was accepted has its outcome, or with
	// the context's error. Events that wait for a person count as done, and so do
	// those of a customer whom Trueup tries again later.
	Idle(ctx context.Context) error
	// Stop ends it and waits for what is under way, within ctx.
	Stop(ctx context.Context) error
}

// Snapshot is Trueup's account of its work at one moment.
type Snapshot struct {
	// Waiting is how many accepted events have no outcome yet.
	Waiting int
	// Outcomes counts the events that have one.
	Outcomes map[status.Outcome]int
	// Exceptions are the open ones.
	Exceptions []Exception
	// Last is how each customer's latest event ended, by the billing tool's id.
	Last map[string]Last
}

// Exception is an open exception.
type Exception struct {
	// Customer is the billing tool's id, "" when the event could not be read.
	Customer string
	Kind     status.Kind
	// Reason is one sentence for people.
	Reason string
}

// Last is how one customer's latest event ended.
type Last struct {
	Outcome status.Outcome
	Reason  string
	At      time.Time
}
