package stripe

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trueup-sync/trueup/internal/connector"
)

func since(t *testing.T, c connector.Connection, cursor string) (ids []string, next string, more bool) {
	t.Helper()
	readings, next, more, err := c.Changes.Since(context.Background(), cursor)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readings {
		ids = append(ids, r.Event.ID)
	}
	return ids, next, more
}

func TestSinceBeginsAtTheNewestEvent(t *testing.T) {
	f := newFake(t)
	f.addEvent("evt_1", "customer.updated", testNow.Add(-2*time.Minute))
	f.addEvent("evt_2", "customer.updated", testNow.Add(-time.Minute))
	ids, next, more := since(t, f.open(), "")
	if len(ids) > 0 || next != unixText(testNow.Add(-time.Minute)) || more {
		t.Errorf("got %q, %s, %v", ids, next, more)
	}
	if got := f.seen(); len(got) != 1 || !strings.Contains(got[0], "limit=1&types") {
		t.Errorf("asked %q", got)
	}
}

func TestSinceReturnsTheOldestFirst(t *testing.T) {
	f := newFake(t)
	f.addEvent("evt_0", "customer.updated", testNow.Add(-31*time.Minute)) // before the overlap
	f.addEvent("evt_1", "customer.created", testNow.Add(-25*time.Minute)) // inside it
	f.addEvent("evt_2", "invoice.paid", testNow.Add(-10*time.Minute))
	f.addEvent("evt_3", "customer.subscription.created", testNow.Add(-9*time.Minute))
	f.addEvent("evt_4", "customer.subscription.resumed", testNow.Add(-3*time.Minute))
	conn := f.open()
	ids, next, more := since(t, conn, unixText(testNow.Add(-20*time.Minute)))
	if diff := cmp.Diff([]string{"evt_1", "evt_3", "evt_4"}, ids); diff != "" || more {
		t.Error(diff, more)
	}
	if next != unixText(testNow.Add(-3*time.Minute)) {
		t.Errorf("the cursor is %s, want the newest event's time", next)
	}
	want := []string{"GET /v1/events?created%5Bgte%5D=" + unixText(testNow.Add(-30*time.Minute)) + "&limit=100" +
		"&types%5B%5D=customer.created&types%5B%5D=customer.updated&types%5B%5D=customer.deleted" +
		"&types%5B%5D=customer.subscription.created&types%5B%5D=customer.subscription.updated&types%5B%5D=customer.subscription.deleted" +
		"&types%5B%5D=customer.subscription.paused&types%5B%5D=customer.subscription.resumed"}
	if diff := cmp.Diff(want, f.seen()); diff != "" {
		t.Error(diff)
	}
	f.addEvent("evt_5", "customer.deleted", testNow.Add(-3*time.Minute)) // the same second, listed later
	if ids, _, _ := since(t, conn, next); ids[len(ids)-1] != "evt_5" {
		t.Errorf("an event of the cursor's own second is lost: %q", ids)
	}
}

func TestSinceCatchesUpHourByHour(t *testing.T) {
	f := newFake(t)
	var all []string
	for i := range 500 {
		id := fmt.Sprintf("evt_%03d", i)
		all = append(all, id)
		f.addEvent(id, "customer.subscription.updated", testNow.Add(-5*time.Hour+time.Duration(i)*30*time.Second))
	}
	conn := f.open()
	cursor, seen, calls := unixText(testNow.Add(-5*time.Hour)), map[string]bool{}, 0
	var order []string
	for more := true; more; calls++ {
		var ids []string
		ids, cursor, more = since(t, conn, cursor)
		if len(ids) > 200 {
			t.Errorf("%d events in one call", len(ids))
		}
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				order = append(order, id)
			}
		}
		if calls > 10 {
			t.Fatal("it does not end")
		}
	}
	if diff := cmp.Diff(all, order); diff != "" {
		t.Error(diff)
	}
	if calls != 5 {
		t.Errorf("%d calls for 5 hours", calls)
	}
}

func TestSinceInAQuietAccountStaysNearNow(t *testing.T) {
	now := testNow
	f := newFake(t)
	f.clock = func() time.Time { return now }
	conn := f.open(func(d *connector.Deps) { d.Now = f.clock })
	_, cursor, _ := since(t, conn, "")
	for range 100 {
		now = now.Add(20 * time.Minute)
		f.seen()
		var more bool
		if _, cursor, more = since(t, conn, cursor); more {
			t.Fatal("a quiet account needs one call")
		}
	}
	if cursor != unixText(now.Add(-30*time.Minute)) {
		t.Errorf("the cursor is %s at %d", cursor, now.Unix())
	}
}

func TestSinceSurvivesAClockThatWasAhead(t *testing.T) {
	f := newFake(t)
	f.addEvent("evt_1", "customer.updated", testNow.Add(-time.Minute))
	ids, next, _ := since(t, f.open(), unixText(testNow.Add(24*time.Hour)))
	if len(ids) != 1 || next != unixText(testNow) {
		t.Errorf("got %q, %s", ids, next)
	}
}

func TestSinceSaysWhenEventsAreLost(t *testing.T) {
	f := newFake(t)
	var out bytes.Buffer
	conn := f.open(func(d *connector.Deps) { d.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	f.addEvent("evt_1", "customer.updated", testNow.Add(-30*24*time.Hour+time.Minute))
	ids, cursor, more := since(t, conn, unixText(testNow.Add(-60*24*time.Hour)))
	if len(ids) != 1 || !more {
		t.Errorf("got %q, %v", ids, more)
	}
	if !strings.Contains(out.String(), "level=WARN") || !strings.Contains(out.String(), "connection=billing") {
		t.Errorf("logged %q", out.String())
	}
	out.Reset()
	if since(t, conn, cursor); out.Len() > 0 {
		t.Errorf("it is said again: %q", out.String())
	}
}

func TestSinceKeepsAnEventItCannotRead(t *testing.T) {
	f := newFake(t)
	f.addEvent("evt_1", "customer.subscription.updated", testNow.Add(-2*time.Minute))
	f.events[0] = strings.Replace(f.events[0], `"cus_1"`, "null", 1)
	f.addEvent("evt_2", "customer.updated", testNow.Add(-time.Minute))
	got, _, _, err := f.open().Changes.Since(context.Background(), unixText(testNow.Add(-5*time.Minute)))
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	if got[0].Err == nil || got[0].Event.ID != "evt_1" || string(got[0].Event.Payload) != f.events[1] {
		t.Errorf("got %+v", got[0])
	}
	if got[1].Err != nil || got[1].Event.Customer != "cus_1" {
		t.Errorf("got %+v", got[1])
	}
}

func TestSinceKeepsItsPlaceWhenACallFails(t *testing.T) {
	f := newFake(t)
	for i := range 150 {
		f.addEvent(fmt.Sprintf("evt_%d", i), "customer.updated", testNow.Add(-time.Minute))
	}
	f.instead = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("starting_after") == "" {
			return false
		}
		answer(w, 429, `{}`)
		return true
	}
	got, next, more, err := f.open().Changes.Since(context.Background(), unixText(testNow.Add(-5*time.Minute)))
	if err == nil || len(got) > 0 || next != "" || more || connector.FailureOf(err).Kind != connector.RateLimited {
		t.Errorf("got %d events, %q, %v, %v", len(got), next, more, err)
	}
	for _, bad := range []string{"evt_1", "-5", "1e9", " 1"} {
		if _, _, _, err := f.open().Changes.Since(context.Background(), bad); err == nil {
			t.Errorf("the cursor %q is accepted", bad)
		}
	}
}
