package pipeline

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func minute(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) }

// told is a source's event at a minute; "" is an event that carries no value.
func told(at int, value string) store.Event {
	e := store.Event{Seq: int64(at), NewEvent: store.NewEvent{ID: value, Side: store.SourceSide, Value: value, HasValue: value != ""}}
	if at > 0 {
		e.OccurredAt = minute(at)
	}
	return e
}

// on is what the events of a source come to, which can be asked or cannot.
func on(events []store.Event, asked bool) reading {
	return readEvents(events, reading{asked: asked, askedAt: minute(60), skew: time.Second})
}

func TestWhenTheSourceChanged(t *testing.T) {
	stored := func(value string, at, seen int) store.Desired {
		return store.Desired{SourceValue: value, At: minute(at), SeenAt: minute(seen)}
	}
	tests := map[string]struct {
		events []store.Event
		record status.SourceRecord
		stored store.Desired
		asked  bool
		want   time.Time
	}{
		"the source keeps the time of the value":        {record: status.SourceRecord{ValueAt: minute(3)}, events: []store.Event{told(9, "paused")}, want: minute(3)},
		"the first event about it":                      {events: []store.Event{told(5, "paused")}, want: minute(5)},
		"the earliest of several events about it":       {events: []store.Event{told(7, "paused"), told(5, "paused")}, want: minute(5)},
		"an event without a value says nothing":         {events: []store.Event{told(4, ""), told(7, "paused")}, want: minute(7)},
		"or may have brought it, where it is asked for": {events: []store.Event{told(4, ""), told(7, "paused")}, want: minute(4), asked: true},
		"where it is asked, an event may be about anything, and it changed after the look before": {
			events: []store.Event{told(8, "paused")}, stored: stored("active", 1, 3), want: shown(3), asked: true},
		"or after the last word about another value": {
			events: []store.Event{told(5, "active"), told(8, "paused")}, stored: stored("active", 1, 3), want: minute(5), asked: true},
		"or after it was last asked for all changes": {
			events: []store.Event{unchanged(6, told(8, "paused"))}, stored: stored("active", 1, 3), want: minute(6), asked: true},
		"which was not complete when the change is older": {
			events: []store.Event{unchanged(9, told(8, "paused"))}, stored: stored("active", 1, 3), want: shown(3), asked: true},
		"what is dated ahead of when it came tells no time": {
			events: []store.Event{came(7, told(40, "paused"))}, stored: stored("active", 1, 3), want: shown(3), asked: true},
		"a value that is dated ahead tells no time": {record: status.SourceRecord{ValueAt: minute(90)}, stored: stored("active", 1, 3), want: shown(3), asked: true},
		"nor does it when its time has come": {
			record: status.SourceRecord{ValueAt: minute(59)}, stored: store.Desired{SourceValue: "paused", At: minute(3), SeenAt: minute(30), EventAt: minute(59)}, want: minute(3), asked: true},
		"it left and came back":                            {events: []store.Event{told(2, "paused"), told(4, "active"), told(6, "paused"), told(8, "paused")}, want: minute(6)},
		"it came back, after it was carried before":        {events: []store.Event{told(4, "active"), told(6, "paused")}, stored: stored("paused", 1, 3), want: minute(6)},
		"it came back, and only the leaving was told of":   {events: []store.Event{told(4, "active")}, stored: stored("paused", 1, 3), want: minute(4)},
		"nothing new since it was carried":                 {events: []store.Event{told(8, "paused")}, stored: stored("paused", 1, 3), want: minute(1)},
		"another value was carried before":                 {events: []store.Event{told(8, "paused")}, stored: stored("active", 1, 3), want: minute(8)},
		"nobody told, and another value was seen before":   {stored: stored("active", 1, 3), want: shown(3), asked: true},
		"an attempt without a new event has seen nothing":  {stored: stored("active", 1, 3), want: minute(1)},
		"only another value was told of":                   {events: []store.Event{told(8, "active")}, want: minute(8)},
		"nobody ever told":                                 {},
		"events without times tell nothing":                {events: []store.Event{told(0, "paused")}},
		"an event from before what was carried is no news": {events: []store.Event{told(1, "paused")}, stored: stored("active", 2, 3), want: minute(2)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.record.Value = "paused"
			if got := on(tt.events, tt.asked).changedAt("paused", tt.record, tt.stored); !got.Equal(tt.want) {
				t.Errorf("it changed at %s, not at %s", got, tt.want)
			}
		})
	}
}

// shown is until when a look at a minute shows what was so: it may be a moment old.
func shown(at int) time.Time { return minute(at).Add(-shownWithin) }

func unchanged(at int, e store.Event) store.Event {
	e.UnchangedAt = minute(at)
	return e
}

func came(at int, e store.Event) store.Event {
	e.ReceivedAt = minute(at)
	return e
}

// The source's true history is drawn; some of it is told of, in any order, and
// where it can be asked events repeat it when something else has changed.
// The time must never be later than the true change: a person's edit in
// between would be written over.
func TestTheTimeOfAChangeIsNeverTooLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.SampledFrom([]string{"active", "paused", "canceled"}), 1, 8).Draw(t, "history")
		values = slices.Compact(values) // a minute each, and each a change
		asked := rapid.Bool().Draw(t, "asked")
		var events []store.Event
		tell := func(e store.Event) {
			if rapid.Bool().Draw(t, "without a value") {
				e.Value, e.HasValue = "", false
			}
			events = append(events, e)
		}
		for i, v := range values {
			if rapid.Bool().Draw(t, "told") {
				tell(told(i+1, v))
			}
			if asked && rapid.Bool().Draw(t, "repeated") {
				e := told(i+1, v)
				e.OccurredAt = e.OccurredAt.Add(30 * time.Second)
				tell(e)
			}
		}
		value := values[len(values)-1]
		var stored store.Desired
		if n := rapid.IntRange(0, len(values)).Draw(t, "carried before"); n > 0 {
			// What an earlier look can have stored: the value of that moment,
			// its time no later than true. Where nobody can be asked, a later
			// attempt has seen nothing, and events can be on their way.
			seen := n
			if !asked {
				seen = rapid.IntRange(n, len(values)+2).Draw(t, "tried again")
			}
			stored = store.Desired{SourceValue: values[n-1], At: minute(rapid.IntRange(0, n).Draw(t, "at")), SeenAt: minute(seen)}
		}
		got := on(rapid.Permutation(events).Draw(t, "order"), asked).changedAt(value, status.SourceRecord{Value: value}, stored)
		if stored.SourceValue == "" && asked {
			return // nothing is known from before: the first event counts
		}
		if changed := minute(len(values)); got.After(changed) {
			t.Fatalf("it changed at %s, and is taken to have at %s", changed, got)
		}
	})
}
