package httpconn

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

func stamp(at time.Time) string { return at.Format(time.RFC3339Nano) }

func idsOf(events []connector.Reading) string {
	var ids []string
	for _, e := range events {
		id := e.Event.Customer
		if e.Err != nil {
			id = "!"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// walk polls until there is no more.
func walk(t *testing.T, c connector.Changes, cursor string) (found []connector.Reading, next string, err error) {
	t.Helper()
	for more := true; more; {
		var some []connector.Reading
		if some, cursor, more, err = c.Since(t.Context(), cursor); err != nil {
			return nil, "", err
		}
		found = append(found, some...)
	}
	return found, cursor, nil
}

func TestTheFirstPollBeginsAtTheNewestTimeOfTheList(t *testing.T) {
	cases := []struct {
		name string
		ages []time.Duration
		want time.Time
	}{
		{"of a tool with our clock", []time.Duration{time.Hour, 30 * time.Second}, now.Add(-30 * time.Second)},
		{"of a tool whose clock is hours behind", []time.Duration{9 * time.Hour, 5 * time.Hour}, now.Add(-5 * time.Hour)},
		{"and one record from the future counts for nothing", []time.Duration{5 * time.Hour, -9 * time.Hour}, now.Add(-5 * time.Hour)},
		{"never ahead of our own clock", []time.Duration{-time.Hour, -2 * time.Hour}, now},
		{"and before all that comes into an empty list", nil, time.Unix(0, 0).UTC()},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tool := newCRM(t)
			for i, age := range c.ages {
				tool.add(fmt.Sprintf("c%d", i), map[string]any{"updated_at": stamp(now.Add(-age))})
			}
			events, next, err := walk(t, connect(t, full(), tool).Changes, "")
			if len(events) != 0 || next != stamp(c.want) || err != nil {
				t.Errorf("got %d events, %s, %v", len(events), next, err)
			}
		})
	}
}

func TestAChangeAfterTheStartIsFoundWhateverTheToolsClock(t *testing.T) {
	for _, behind := range []time.Duration{0, 11 * time.Minute, time.Hour, 26 * time.Hour, -3 * time.Hour} {
		for _, first := range []string{"", stamp(now)} { // of this version, and of one that began at its own time
			tool := newCRM(t)
			tool.add("c1", map[string]any{"updated_at": stamp(now.Add(-behind - time.Minute))})
			c := connect(t, full(), tool).Changes
			_, next, err := walk(t, c, first)
			if err != nil {
				t.Fatal(err)
			}
			tool.add("c2", map[string]any{"updated_at": stamp(now.Add(-behind))})
			if found, _, err := walk(t, c, next); err != nil || !strings.Contains(idsOf(found), "c2") {
				t.Errorf("%s behind, from %q: found %q, %v", behind, first, idsOf(found), err)
			}
		}
	}
}

func TestAPollFindsWhatChangedOnEveryPage(t *testing.T) {
	tool := newCRM(t)
	for i, age := range []time.Duration{time.Hour, 30 * time.Second, 2 * time.Hour, 5 * time.Minute, 40 * time.Minute} {
		tool.add(fmt.Sprintf("c%d", i+1), map[string]any{"updated_at": stamp(now.Add(-age)), "status": "S"})
	}
	c := connect(t, full(), tool).Changes
	events, next, err := walk(t, c, stamp(now.Add(-10*time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	if got := idsOf(events); got != "c2 c4" {
		t.Errorf("got %s, want the two that changed", got)
	}
	if next != stamp(now.Add(-30*time.Second)) {
		t.Errorf("the next position is %s", next)
	}
	if got := strings.Join(tool.seen(), "\n"); got != "GET /api/customers?limit=2\nGET /api/customers?limit=2&after=c2\nGET /api/customers?limit=2&after=c4" {
		t.Errorf("the tool saw\n%s", got)
	}
	e := events[0].Event
	if e.Value != "S" || !e.HasValue || !e.OccurredAt.Equal(now.Add(-30*time.Second)) || !strings.Contains(string(e.Payload), `"id":"c2"`) ||
		!strings.HasPrefix(e.ID, fmt.Sprintf("list:c2:%d:", now.Add(-30*time.Second).UnixMilli())) {
		t.Errorf("got %+v", e)
	}

	t.Run("and gives the same state the same event id the next time", func(t *testing.T) {
		again, _, err := walk(t, c, next)
		if err != nil || len(again) != 2 || again[0].Event.ID != e.ID {
			t.Errorf("got %+v, %v", again, err)
		}
	})
	t.Run("and another state of the same moment another id", func(t *testing.T) {
		tool.set("c2", "status", "T")
		again, _, err := walk(t, c, next)
		if err != nil || len(again) != 2 || again[0].Event.ID == e.ID {
			t.Errorf("got %+v, %v", again, err)
		}
	})
}

func TestThePositionIsTheListsAndNeverInTheFuture(t *testing.T) {
	tool := newCRM(t)
	tool.add("old", map[string]any{"updated_at": stamp(now.Add(-time.Hour))})
	tool.add("future", map[string]any{"updated_at": "2999-01-01T00:00:00Z"})
	cursor := stamp(now.Add(-time.Minute))
	events, next, err := walk(t, connect(t, full(), tool).Changes, cursor)
	if err != nil || next != stamp(now.Add(-time.Hour)) || idsOf(events) != "future" {
		t.Errorf("got %s, %s, %v", idsOf(events), next, err)
	}
}

func TestARecordThatMovesBetweenPagesIsARepeatOfItsEvent(t *testing.T) {
	page := 0
	conn := connect(t, full(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page++
		c := fmt.Sprintf(`{"id":"c%%d","status":"A","updated_at":%d}`, testNow-60)
		bodies := []string{"[" + c + "," + c + `],"next":"x"`, "[" + c + "," + c + `],"next":""`}
		args := [][]any{{1, 2}, {2, 3}}
		jsonTool(fmt.Sprintf(`{"customers":`+bodies[page-1]+`}`, args[page-1]...))(w, r)
	}))
	events, _, err := walk(t, conn.Changes, stamp(now.Add(-time.Hour)))
	if err != nil || idsOf(events) != "c1 c2 c2 c3" || events[1].Event.ID != events[2].Event.ID {
		t.Errorf("got %s, %v", idsOf(events), err)
	}
}

func TestOneBadRecordOfTheListDoesNotStopThePoll(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", map[string]any{"updated_at": "anna.canary"})
	tool.add("c2", map[string]any{"updated_at": testNow - 60})
	tool.add("c3", map[string]any{"updated_at": nil})
	c := connect(t, full(), tool).Changes
	events, _, err := walk(t, c, stamp(now))
	if err != nil || idsOf(events) != "! c2" {
		t.Fatalf("got %s, %v", idsOf(events), err)
	}
	if bad := events[0]; !strings.HasPrefix(bad.Event.ID, "list:unreadable:") || len(bad.Event.Payload) == 0 || strings.Contains(bad.Err.Error(), "canary") {
		t.Errorf("got %+v", bad)
	}
	again, _, err := walk(t, c, stamp(now))
	if err != nil || again[0].Event.ID != events[0].Event.ID {
		t.Errorf("the bad record has another id the next time: %+v, %v", again, err)
	}
}

func TestAListThatCannotWorkIsAFaultOfTheConfiguration(t *testing.T) {
	one := fmt.Sprintf(`{"id":"c1","status":"A","updated_at":%d}`, testNow)
	cases := []struct{ name, body, says string }{
		{"the same cursor again and again", `{"customers":[` + one + `],"next":"x"}`, "returned to an earlier page and would never end"},
		{"no list", `{"next":""}`, "list.records: the list is missing"},
		{"a cursor that is an object", `{"customers":[],"next":{}}`, "list.next"},
		{"only bad records", `{"customers":[{},{"id":"c1","status":"A","updated_at":"anna.canary"}]}`, "record.id: the id is missing"},
		{"no record with a time", `{"customers":[{"id":"c1","status":"A"}]}`, "record.updated_at: no record of the list has a time"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, next, err := walk(t, connect(t, full(), jsonTool(c.body)).Changes, stamp(now))
			if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, c.says) || next != "" {
				t.Errorf("got %q and position %q", f.Detail, next)
			}
		})
	}
	_, _, _, err := connect(t, full(), newCRM(t)).Changes.Since(t.Context(), "canary")
	wantKind(t, err, connector.Misconfigured, connector.EffectNone)
}

func TestAnEmptyToolHasNoChanges(t *testing.T) {
	events, next, err := walk(t, connect(t, full(), jsonTool(`{"customers":[]}`)).Changes, stamp(now.Add(-time.Hour)))
	if err != nil || len(events) != 0 || next != stamp(now.Add(-time.Hour)) {
		t.Errorf("got %d events, %s, %v", len(events), next, err)
	}
}

func TestProbeSaysWhatItSaw(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", nil)
	tool.add("c2", map[string]any{"status": missing})
	tool.add("c3", nil)
	said, err := connect(t, full(), tool).Probe.Probe(t.Context())
	if err != nil || strings.Join(said, "; ") != "the credentials are accepted and the first page of the list has 2 readable records; "+
		"1 of them have no status: is record.status correct?; the newest change on that page is dated 2025-06-15T14:06:40Z, 1 hour before our clock" {
		t.Errorf("got %q, %v", said, err)
	}
	tool.clock = now.Add(2 * time.Hour)
	said, err = connect(t, full(), tool).Probe.Probe(t.Context())
	if err != nil || !strings.Contains(strings.Join(said, "; "), "its clock shows 2025-06-15T17:06:40Z and ours 2025-06-15T15:06:40Z: one of them is wrong") {
		t.Errorf("got %q, %v", said, err)
	}
	s := full()
	s.List = nil
	said, err = connect(t, s, tool).Probe.Probe(t.Context())
	if err != nil || len(said) != 1 || !strings.HasPrefix(said[0], "nothing to probe: add list") {
		t.Errorf("got %q, %v", said, err)
	}
	_, err = connect(t, full(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "anna.canary")
	})).Probe.Probe(t.Context())
	wantKind(t, err, connector.Unauthorized, connector.EffectNone)
	_, err = connect(t, full(), jsonTool(`{"customers":[{"status":"A"}]}`)).Probe.Probe(t.Context())
	wantKind(t, err, connector.Misconfigured, connector.EffectNone)
}

func TestAListThatIsNotThereNamesTheAddressThatWasCalled(t *testing.T) {
	s := full()
	s.List.Get = "/customers?limit=1&key=canary&after={cursor}"
	c := connect(t, s, http.NotFoundHandler())
	_, _, err := c.TargetList.List(t.Context(), "")
	f := wantKind(t, err, connector.Misconfigured, connector.EffectNone)
	if !strings.Contains(f.Detail, "the tool has nothing at GET http://127.0.0.1:") || !strings.HasSuffix(f.Detail, "/api/customers (list.get)") {
		t.Errorf("it says %q", f.Detail)
	}
}
