package connector

import (
	"errors"
	"fmt"
	"time"
)

// FailureKind says what a caller can do about a failed call.
type FailureKind string

// The kinds of failure.
const (
	// Transient may work on another try: a timeout, a cut connection, a 5xx.
	Transient FailureKind = "transient"
	// RateLimited works after RetryAfter; it says nothing about the customer.
	RateLimited FailureKind = "rate_limited"
	// Unauthorized needs a person: bad, expired or too narrow credentials.
	Unauthorized FailureKind = "unauthorized"
	// Refused is the tool's final no to this request (400, 422).
	Refused FailureKind = "refused"
	// Gone means the record does not exist (any more).
	Gone FailureKind = "gone"
	// Moved means a conditional write found a newer record (409, 412).
	Moved FailureKind = "moved"
	// Misconfigured means the answer is not what the configuration says: an
	// expression that does not fit, a redirect, a page instead of JSON.
	Misconfigured FailureKind = "misconfigured"
)

// Effect says whether a failed write may have changed the target.
type Effect string

// The effects.
const (
	EffectNone    Effect = "none"
	EffectUnknown Effect = "unknown"
)

// Failure is a call to a tool that did not succeed.
type Failure struct {
	Kind   FailureKind
	Effect Effect
	// RetryAfter is how long the tool asked to wait; 0 when it did not say.
	RetryAfter time.Duration
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code is the tool's own machine word for the error (resource_missing),
	// "" when it gave none.
	Code string
	// Survivor, of kind Gone, is the id of the record that this one was merged
	// into; "" when the tool does not tell, and never a guess.
	Survivor string
	// Anew says of a list that it cannot be gone on with from the cursor it was
	// asked for: the tool does not take that any more, or it leads nowhere. Whoever
	// kept the cursor for later begins the list again.
	Anew bool
	// Detail is one sentence for people without secrets or personal data.
	Detail string
	// Err is the cause, for errors.Is; it is not shown.
	Err error
}

func (f *Failure) Error() string {
	if f.Status != 0 {
		return fmt.Sprintf("%s (HTTP %d)", f.Detail, f.Status)
	}
	return f.Detail
}

func (f *Failure) Unwrap() error { return f.Err }

// FailureOf returns the Failure in err's chain. An error that is none is a bug
// in a connector and is treated as transient with unknown effect, the reading
// that loses and overwrites nothing.
func FailureOf(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Kind: Transient, Effect: EffectUnknown, Detail: "the call did not complete", Err: err}
}
