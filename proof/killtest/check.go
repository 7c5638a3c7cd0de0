package killtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// Breach is an invariant that did not hold.
type Breach struct {
	Number   int    `json:"number"`
	Name     string `json:"name"`
	Customer string `json:"customer,omitempty"`
	What     string `json:"what"`
}

func (b Breach) String() string { return fmt.Sprintf("invariant %d, %s: %s", b.Number, b.Name, b.What) }

var names = map[int]string{1: "durable", 2: "converges", 3: "no time travel", 4: "no idle write", 5: "humans win", 6: "answers", 7: "the program goes on"}

func breach(number int, format string, args ...any) Breach {
	return Breach{Number: number, Name: names[number], What: fmt.Sprintf(format, args...)}
}

// Check returns what did not hold, and how many writes were repeated that may
// be because their answer was cut.
func (h *History) Check() (breaches []Breach, repeated int) {
	breaches = append(breaches, h.Strange...)
	effects := map[string][]resttest.Effect{}
	for _, e := range h.Effects {
		effects[e.Record] = append(effects[e.Record], e)
	}
	for _, c := range h.Customers {
		k := &check{Customer: c, effects: effects[c.Record], careless: h.Careless, holds: h.Holds[c.Record]}
		k.durable()
		k.written()
		k.converges()
		breaches = append(breaches, k.breaches...)
		repeated += k.repeated
	}
	return breaches, repeated
}

// check is the check of one customer.
type check struct {
	*Customer
	effects  []resttest.Effect
	careless bool
	holds    string
	breaches []Breach
	repeated int
}

// fail notes a breach with the customer's whole story.
func (k *check) fail(number int, format string, args ...any) {
	b := breach(number, "%s: "+format, append([]any{k.ID}, args...)...)
	b.Customer = k.ID
	b.What += "\n" + k.story()
	k.breaches = append(k.breaches, b)
}

func (k *check) durable() {
	for _, e := range k.Events {
		if e.lost {
			k.fail(1, "%s was acknowledged at %s, and was new when it came again", e.ID, clock(e.acknowledged))
		}
	}
}

// written follows the writes to the record. Each must carry a state of the
// source; the earliest one it can have carried is taken, so a word that the
// source said twice never makes a false alarm.
func (k *check) written() {
	next := 0 // the first state that may be written yet
	var edited time.Time
	for n, e := range k.effects {
		switch {
		case e.By != "":
			edited = e.At
			continue
		case e.From == e.To:
			if k.careless && k.cut(n) {
				k.repeated++
			} else {
				k.fail(4, "%s was written although the record held it", e.To)
			}
			continue
		}
		i := k.state(e, next, time.Time{})
		switch {
		case i < 0 && k.state(e, 0, time.Time{}) < 0:
			k.fail(3, "%s was written, which the source had never said", e.To)
		case i < 0:
			k.fail(3, "%s was written after a newer state", e.To)
		default:
			if !edited.IsZero() {
				if i = k.state(e, next, edited); i < 0 {
					k.fail(5, "%s was written over a person's later edit %q", e.To, e.From)
					return
				}
			}
			next = i + 1
		}
	}
}

// state returns the first state from number next on that a write can have
// carried and that the source took on after a time, below 0 when there is none.
func (k *check) state(e resttest.Effect, next int, after time.Time) int {
	for i, c := range k.Changes {
		if i >= next && c.Want == e.To && !c.At.After(e.At) && c.At.After(after) {
			return i
		}
	}
	return -1
}

// cut reports whether the answer to the write before was cut.
func (k *check) cut(n int) bool {
	for n--; n >= 0; n-- {
		if e := k.effects[n]; e.By == "" {
			return e.To == k.effects[n+1].To && !e.Answered
		}
	}
	return false
}

func (k *check) converges() {
	if len(k.Changes) == 0 {
		return
	}
	last := k.Changes[len(k.Changes)-1]
	if k.holds == last.Want {
		return
	}
	for n := len(k.effects) - 1; n >= 0; n-- {
		if e := k.effects[n]; e.By != "" {
			// A change soon after an edit is held: the two clocks might differ.
			if k.holds == e.To {
				return
			}
			break
		}
	}
	k.fail(2, "the target holds %q, not %q", k.holds, last.Want)
}

// story tells all that happened to the customer, in its order.
func (k *check) story() string {
	var lines []string
	n := 0
	for _, c := range k.Changes {
		for ; n < len(k.effects) && k.effects[n].At.Before(c.At); n++ {
			lines = append(lines, tell(k.effects[n]))
		}
		lines = append(lines, fmt.Sprintf("  %s source: %s", clock(c.At), c.Word))
	}
	for ; n < len(k.effects); n++ {
		lines = append(lines, tell(k.effects[n]))
	}
	return strings.Join(lines, "\n")
}

func tell(e resttest.Effect) string {
	switch {
	case e.By != "":
		return fmt.Sprintf("  %s %s edits: %q -> %q", clock(e.At), e.By, e.From, e.To)
	case !e.Answered:
		return fmt.Sprintf("  %s written: %q -> %q, not answered", clock(e.At), e.From, e.To)
	}
	return fmt.Sprintf("  %s written: %q -> %q", clock(e.At), e.From, e.To)
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }
