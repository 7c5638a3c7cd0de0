package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// action is what a step does.
type action string

const (
	announce action = "announce" // billing sends an event about a customer as it is
	change   action = "change"   // billing changes a status and sends the event
	withhold action = "withhold" // billing changes a status and the event stays on its way
	deliver  action = "deliver"  // the event that stayed on its way arrives
	edit     action = "edit"     // a person sets the status in the CRM
)

// step is one line of the script.
type step struct {
	do       action
	customer string
	value    string // what is set: the billing tool's word, or the CRM's for edit
	times    int    // how often the event is delivered, 0 means once
	// weight is how long the pause before it is, beside the other steps'.
	weight float64
	// settle waits until Trueup has nothing to do, for a step whose meaning
	// depends on what Trueup has written before.
	settle bool
	note   string
}

// newScript returns the customers and the steps for a seed: first every
// customer is announced, then the stories run, woven into one another at
// random, each in its own order. Who has no contact comes before all of them:
// Trueup looks for one for ten seconds until it tells of it.
func newScript(seed uint64) ([]member, []step) {
	rng := rand.New(rand.NewPCG(seed, 0x7472756575700000)) // #nosec G404 -- a demonstration can be shown again
	cast := newCast(rng)
	return cast, slices.Concat(unknown(cast), opening(cast), weave(rng, stories(rng, cast)))
}

// unknown is the one whom the CRM does not have.
func unknown(cast []member) []step {
	m := playing(cast, missing)
	return []step{{do: change, customer: m.customer, value: "paused", note: m.name + ": " + phrase("paused") + ", but the CRM has no such contact"}}
}

// opening announces those who are there from the beginning. The two who cannot
// be matched have their own steps, so that their exceptions are seen to arise.
func opening(cast []member) []step {
	var steps []step
	for _, m := range cast {
		if m.role == missing || m.role == twofold {
			continue
		}
		note := "Trueup hears of " + m.name + " for the first time; billing says " + m.status
		if m.role == newcomer {
			note = m.name + " signs up; " + phrase(m.status) + ", a value the configuration leaves out"
		}
		steps = append(steps, step{do: announce, customer: m.customer, weight: 0.4, note: note})
	}
	return steps
}

// stories returns each story as its own list of steps.
func stories(rng *rand.Rand, cast []member) [][]step {
	var all [][]step
	for _, m := range cast {
		if m.role == ordinary {
			all = append(all, ordinaryStory(rng, m))
		}
	}
	say := func(m member, format string, args ...any) string {
		return m.name + ": " + fmt.Sprintf(format, args...)
	}
	one := func(m member, s step) step {
		s.customer = m.customer
		if s.weight == 0 {
			s.weight = 1
		}
		if s.note == "" {
			s.note = say(m, "%s", phrase(s.value))
		}
		return s
	}

	m := playing(cast, repeated)
	all = append(all, []step{
		one(m, step{do: change, value: "paused", times: 2, note: say(m, "%s; the webhook comes twice", phrase("paused"))}),
		one(m, step{do: change, value: "active", times: 3, note: say(m, "%s; the webhook comes three times", phrase("active"))}),
	})

	m = playing(cast, reordered)
	all = append(all, []step{
		one(m, step{do: withhold, value: "past_due", note: say(m, "%s, but that webhook is slow", phrase("past_due"))}),
		one(m, step{do: change, value: "canceled", note: say(m, "%s, and this webhook comes first", phrase("canceled"))}),
		one(m, step{do: deliver, note: say(m, "the older webhook comes after the newer one and must change nothing")}),
	})

	m = playing(cast, bursting)
	burst := []step{one(m, step{do: change, value: "paused", note: say(m, "six changes within a moment, from paused to canceled")})}
	for _, value := range []string{"active", "past_due", "trialing", "paused", "canceled"} {
		burst = append(burst, one(m, step{do: change, value: value, weight: 0.02, note: say(m, "… %s", phrase(value))}))
	}
	all = append(all, burst)

	m = playing(cast, newcomer)
	all = append(all, []step{one(m, step{do: change, value: "active", note: say(m, "the first payment is in, %s", phrase("active"))})})

	m = playing(cast, strange)
	all = append(all, []step{one(m, step{do: change, value: "on_hold",
		note: say(m, "billing says on_hold, a value that has no meaning yet")})})

	m = playing(cast, twofold)
	all = append(all, []step{one(m, step{do: change, value: "canceled",
		note: say(m, "%s, but two contacts in the CRM have this e-mail", phrase("canceled"))})})

	m = playing(cast, kept)
	all = append(all, []step{
		one(m, step{do: withhold, value: "paused", settle: true, note: say(m, "%s, but the webhook is slow", phrase("paused"))}),
		one(m, step{do: edit, value: "Churned", note: say(m, "meanwhile a person in the CRM writes Churned")}),
		one(m, step{do: deliver, note: say(m, "billing's older webhook arrives and must not undo what the person wrote")}),
	})

	m = playing(cast, overtaken)
	return append(all, []step{
		one(m, step{do: edit, value: "Paused", settle: true, note: say(m, "a person in the CRM writes Paused")}),
		one(m, step{do: change, value: "canceled", weight: 2, note: say(m, "later %s, which is newer than the person's edit", phrase("canceled"))}),
	})
}

func ordinaryStory(rng *rand.Rand, m member) []step {
	var steps []step
	value := m.status
	for range 2 {
		value = another(rng, value)
		steps = append(steps, step{do: change, customer: m.customer, value: value, weight: 1, note: m.name + ": " + phrase(value)})
	}
	return steps
}

// another picks one of the common values that is not the present one.
func another(rng *rand.Rand, than string) string {
	for {
		if v := pick(rng, []string{"active", "trialing", "past_due", "paused", "canceled"}); v != than {
			return v
		}
	}
}

// weave merges the stories at random and keeps each in its own order. The burst
// stays together: its steps are closer than anything else is.
func weave(rng *rand.Rand, stories [][]step) []step {
	var all []step
	for len(stories) > 0 {
		i := rng.IntN(len(stories))
		for {
			all = append(all, stories[i][0])
			stories[i] = stories[i][1:]
			if len(stories[i]) == 0 {
				stories = append(stories[:i], stories[i+1:]...)
				break
			}
			if stories[i][0].weight > 0.1 {
				break
			}
		}
	}
	return all
}

// total is the sum of the steps' weights.
func total(steps []step) float64 {
	sum := 0.0
	for _, s := range steps {
		sum += s.weight
	}
	return sum
}

// wander returns the next ordinary change after the script: a customer who
// plays no other part, a new value, now and then delivered twice.
func wander(rng *rand.Rand, cast []member, present func(customer string) string) step {
	for {
		m := cast[rng.IntN(len(cast))]
		if m.role != ordinary {
			continue
		}
		value := another(rng, present(m.customer))
		s := step{do: change, customer: m.customer, value: value, note: m.name + ": " + phrase(value)}
		if rng.IntN(5) == 0 {
			s.times = 2
			s.note += "; the webhook comes twice"
		}
		return s
	}
}
