package killtest

import "github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"

// Result is what one round came to.
type Result struct {
	Round Round
	Tally
	Breaches []Breach
	// Timeline tells what was done to the program, and when.
	Timeline []string
}

// Tally counts what happened.
type Tally struct {
	// Kinds says how often each Kind was done, by name.
	Kinds   map[string]int `json:"kinds"`
	Starts  int            `json:"starts"`
	Seconds float64        `json:"seconds"`
	// Customers and edits by people are what happened in the two tools.
	Customers int `json:"customers"`
	Edits     int `json:"edits"`
	// Posted, Acknowledged and Refused count webhooks; Acknowledged counts each
	// event once.
	Posted       int `json:"posted"`
	Acknowledged int `json:"acknowledged"`
	Refused      int `json:"refused"`
	// Writes reached the target. Cut of them had no answer; Repeated wrote what
	// it held already, after such a cut.
	Writes   int `json:"writes"`
	Cut      int `json:"cut"`
	Repeated int `json:"repeated"`
}

// Add adds another tally.
func (t *Tally) Add(o Tally) {
	if t.Kinds == nil {
		t.Kinds = map[string]int{}
	}
	for name, n := range o.Kinds {
		t.Kinds[name] += n
	}
	t.Starts += o.Starts
	t.Seconds += o.Seconds
	t.Customers += o.Customers
	t.Edits += o.Edits
	t.Posted += o.Posted
	t.Acknowledged += o.Acknowledged
	t.Refused += o.Refused
	t.Writes += o.Writes
	t.Cut += o.Cut
	t.Repeated += o.Repeated
}

// effects counts what the target saw.
func (t *Tally) effects(all []resttest.Effect) {
	for _, e := range all {
		switch {
		case e.By != "":
			t.Edits++
		case !e.Answered:
			t.Cut++
			t.Writes++
		default:
			t.Writes++
		}
	}
}
