package killtest

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// story is the history of one customer, written down as a line: s1 is a change
// of the source to state 1, w1 a write of it, c1 a write whose answer was cut,
// and h a person's edit. What the target holds follows from it.
func story(line string, careless bool) *History {
	c := &Customer{ID: "cus_1", Record: "rec_1"}
	h := &History{Careless: careless, Customers: []*Customer{c}, Holds: map[string]string{}}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, step := range strings.Fields(line) {
		at = at.Add(time.Second)
		n := int(step[len(step)-1] - '0')
		e := resttest.Effect{Record: c.Record, From: h.Holds[c.Record], To: want(n), At: at}
		switch step[0] {
		case 's':
			c.Changes = append(c.Changes, Change{Word: word(n), Want: want(n), At: at})
			continue
		case 'w':
			e.Answered = true
		case 'h':
			e.By, e.To = "human:ben", "by hand"
		}
		h.Effects = append(h.Effects, e)
		h.Holds[c.Record] = e.To
	}
	return h
}

func TestAHistoryIsJudged(t *testing.T) {
	tests := map[string]struct {
		line     string
		careless bool
		breaks   int // the invariant, 0 for none
		repeated int
	}{
		"each state is written":                          {line: "s1 w1 s2 w2"},
		"a state that was overtaken is left out":         {line: "s1 s2 s3 w3"},
		"a value that comes back is written again":       {line: "s1 w1 s2 w2 s1 w1"},
		"a value that comes back need not have gone":     {line: "s1 w1 s2 s1"},
		"nothing is written":                             {line: "s1", breaks: 2},
		"the last state is not written":                  {line: "s1 w1 s2", breaks: 2},
		"an older state follows a newer one":             {line: "s1 s2 w2 w1", breaks: 3},
		"an older state is written, and put right":       {line: "s1 s2 w2 w1 w2", breaks: 3},
		"a state is written that never was":              {line: "s1 w2 w1", breaks: 3},
		"a state is written before it was":               {line: "w1 s1", breaks: 3},
		"a value is written again":                       {line: "s1 w1 w1", breaks: 4},
		"a value is written again after a cut":           {line: "s1 c1 w1", breaks: 4},
		"a careless target is written again after a cut": {line: "s1 c1 w1", careless: true, repeated: 1},
		"a careless target is written again":             {line: "s1 w1 w1", careless: true, breaks: 4},
		"a person's later edit stays":                    {line: "s1 w1 h"},
		"a person's edit before the first write stays":   {line: "s1 h"},
		"a person's later edit is written over":          {line: "s1 h w1", breaks: 5},
		"a person's edit is older than the source":       {line: "s1 w1 h s2 w2"},
		"an edit just before a change is held":           {line: "s1 w1 h s2"},
		"an edit is written over by what was before it":  {line: "s1 s2 w1 h w2", breaks: 5},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			breaches, repeated := story(tt.line, tt.careless).Check()
			numbers := map[int]bool{}
			for _, b := range breaches {
				numbers[b.Number] = true
			}
			if tt.breaks == 0 && len(breaches) > 0 || tt.breaks != 0 && !numbers[tt.breaks] {
				t.Errorf("it should break invariant %d, and breaks: %v", tt.breaks, breaches)
			}
			if repeated != tt.repeated {
				t.Errorf("%d writes count as repeated, not %d", repeated, tt.repeated)
			}
		})
	}
}

func TestAnEventThatWasForgottenIsABreach(t *testing.T) {
	h := story("s1 w1", false)
	e := &Event{ID: "evt_1"}
	h.Customers[0].Events = []*Event{e}
	if breaches, _ := h.Check(); len(breaches) > 0 {
		t.Fatal(breaches)
	}
	e.acknowledge()
	e.lose()
	if breaches, _ := h.Check(); len(breaches) != 1 || breaches[0].Number != 1 {
		t.Errorf("the breaches are %v", breaches)
	}
}
