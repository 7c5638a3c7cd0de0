package inbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// eventsOnly is a connection that cannot be asked.
func eventsOnly(t *testing.T) *fixture {
	f := newFixture(t)
	e := f.inbox.Connections["billing"]
	e.EventsOnly = true
	f.inbox.Connections["billing"], f.inbox.Mutes = e, f.db
	return f
}

// tells stores events: v has a status, m has none.
func (f *fixture) tells(letters string) {
	f.Helper()
	var all []connector.Reading
	for _, l := range letters {
		f.sent++
		r := connector.Reading{Event: status.Event{ID: fmt.Sprint("evt_", f.sent), Customer: fmt.Sprint("cus_", f.sent%7), Payload: []byte("{}")}}
		if r.Event.HasValue = l == 'v'; r.Event.HasValue {
			r.Event.Value = "active"
		} else {
			r.Mute, r.Skip = true, "the event tells no status"
		}
		all = append(all, r)
	}
	if _, _, err := f.inbox.Store(f.Context(), "billing", all); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) mutes() []store.Exception {
	f.Helper()
	found, err := f.db.Exceptions(f.Context(), store.ExceptionFilter{Kind: status.ConnectionFailed, States: []status.State{status.Open}})
	if err != nil {
		f.Fatal(err)
	}
	return found
}

func TestASourceThatTellsNoStatusAnyMoreIsAQuestion(t *testing.T) {
	m := func(n int) string { return strings.Repeat("m", n) }
	tests := map[string]struct {
		before string
		told   bool
	}{
		"twenty in a row, after some that had one":                        {"vvv" + m(20), true},
		"nineteen are not enough":                                         {"vvv" + m(19), false},
		"it has never told a status, so nobody knows":                     {m(50), false},
		"it used to send as many of other types":                          {"v" + m(15) + "v" + m(29), false},
		"twice as many of other types as it used to":                      {"v" + m(15) + "v" + m(30), true},
		"however many of other types it used to send":                     {"v" + m(5000) + "v" + m(1000), true},
		"one with a status ends it":                                       {"v" + m(25) + "v", false},
		"notes beside changes":                                            {strings.Repeat("vm", 100), false},
		"twenty before the first one with a status and nineteen after it": {m(20) + "v" + m(19), false},
	}
	for name, tt := range tests {
		for _, at := range []int{1, 7, 10_000} { // so many in a body
			if at == 1 && len(tt.before) > 1000 {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d in a body", name, at), func(t *testing.T) {
				f := eventsOnly(t)
				for left := tt.before; left != ""; {
					n := min(at, len(left))
					f.tells(left[:n])
					left = left[n:]
				}
				if got := f.mutes(); (len(got) == 1) != tt.told {
					t.Errorf("told are %+v", got)
				}
			})
		}
	}
}

func TestThatASourceTellsNoStatusIsSaidOnceAndAgainWhenTheRowHasDoubled(t *testing.T) {
	f := eventsOnly(t)
	f.tells("v")
	for range 30 {
		f.tells("m")
	}
	x := f.mutes()
	if len(x) != 1 || x[0].Count != 1 || !strings.Contains(x[0].Reason.Sentence(), "its last 20 events have none") || !strings.Contains(x[0].Reason.Advice(), "check webhook.status") {
		t.Fatalf("it is %+v", x)
	}
	if _, err := f.db.Act(t.Context(), store.Act{Exception: x[0].ID, Verb: store.Resolve, Who: "ops"}); err != nil {
		t.Fatal(err)
	}
	f.tells("mmmmmmmmm")
	if x = f.mutes(); len(x) != 0 {
		t.Errorf("after a person has closed it: %+v", x)
	}
	f.tells("m")
	if x = f.mutes(); len(x) != 1 || !strings.Contains(x[0].Reason.Sentence(), "its last 40 events have none") {
		t.Errorf("at twice as many: %+v", x)
	}
	f.tells("v")
	if x = f.mutes(); len(x) != 0 {
		t.Errorf("it tells statuses again: %+v", x)
	}
}

func TestARepeatIsNoFurtherEventWithoutAStatus(t *testing.T) {
	f := eventsOnly(t)
	f.tells("v")
	for range 30 {
		f.tells("m")
		f.sent-- // the next has the same id
	}
	if x := f.mutes(); len(x) != 0 {
		t.Errorf("one event that came thirty times: %+v", x)
	}
}

func TestASourceThatCanBeAskedMayLeaveTheStatusOut(t *testing.T) {
	f := eventsOnly(t)
	e := f.inbox.Connections["billing"]
	e.EventsOnly = false
	f.inbox.Connections["billing"] = e
	f.tells("v" + strings.Repeat("m", 100))
	if x := f.mutes(); len(x) != 0 {
		t.Errorf("it is asked for it: %+v", x)
	}
}
