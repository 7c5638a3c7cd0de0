package stripe

import (
	"slices"
	"time"
)

// Stripe's words for a subscription's status, and for a customer's.
// Source: docs.stripe.com/api/subscriptions/object, "status".
const (
	active            = "active"
	trialing          = "trialing"
	pastDue           = "past_due"
	paused            = "paused"
	unpaid            = "unpaid"
	canceled          = "canceled"
	incomplete        = "incomplete"
	incompleteExpired = "incomplete_expired"
)

// precedence orders the words from the best standing to the worst. A customer
// has the best standing any of their subscriptions gives them:
//
//	active              running and paid
//	trialing            running, not to be paid yet
//	past_due            running, the payment is late and being retried
//	paused              stopped by somebody, meant to come back
//	unpaid              Stripe gave up collecting; still open
//	canceled            ended: this customer was one
//	incomplete          the first payment is not made: not a customer yet, and
//	                    until it is made it does not undo an earlier end
//	incomplete_expired  the first payment never came
var precedence = []string{active, trialing, pastDue, paused, unpaid, canceled, incomplete, incompleteExpired}

// Values returns the closed vocabulary of status words.
func Values() []string { return slices.Clone(precedence) }

// Subscription is what counts of one subscription.
type Subscription struct {
	Status string
	// CollectionPaused is pause_collection: invoices are made and not
	// collected, and Status stays what it was.
	CollectionPaused bool
	// EndedAt is when it really ended; zero while it runs.
	EndedAt time.Time
	// Own is the account's own word for it, where the file has an expression; "" does
	// not count.
	Own string
}

// word is the subscription's own standing. Pausing collection counts as
// paused where payments would be collected otherwise; what is not running
// stays what it is.
func (s Subscription) word() string {
	if s.CollectionPaused {
		switch s.Status {
		case active, trialing, pastDue:
			return paused
		}
	}
	return s.Status
}

// Standing is a customer's status by all of their subscriptions.
type Standing struct {
	// Value is one of Values, or a word Stripe has added since.
	Value string
	// None is set when there is no subscription and so no status at all.
	None bool
	// At is when the value came about, where Stripe keeps that time: for
	// canceled, the latest end. Otherwise zero.
	At time.Time
}

// Fold gives the standing for all subscriptions of a customer, whatever their
// order.
//
// A word that is not in precedence is the answer unless a subscription is
// active. It could mean anything from running to ended, so every answer below
// it would be a guess; as the answer it becomes an unmapped_status exception
// and nothing is written. Beside an active subscription it cannot matter: no
// standing is better than that one, so active is right whatever the word
// turns out to mean.
func Fold(subscriptions []Subscription) Standing {
	if len(subscriptions) == 0 {
		return Standing{None: true}
	}
	best := len(precedence)
	unknown, foreign := "", false
	var ended time.Time
	for _, s := range subscriptions {
		word := s.word()
		rank := slices.Index(precedence, word)
		switch {
		case rank < 0 && (!foreign || word < unknown):
			// Of several unknown words the first by alphabet, so that the
			// order Stripe lists them in does not matter.
			unknown, foreign = word, true
		case rank >= 0:
			best = min(best, rank)
		}
		if word == canceled && s.EndedAt.After(ended) {
			ended = s.EndedAt
		}
	}
	if foreign && best != 0 {
		return Standing{Value: unknown}
	}
	standing := Standing{Value: precedence[best]}
	if standing.Value == canceled {
		standing.At = ended
	}
	return standing
}
