package pipeline

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trueup/internal/status"
	"trueup/internal/store"
)

func minute(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) }

// told is a source's event at a minute; "" is an event that carries no value.
func told(at int, value string) store.Event {
	e := store.Event{Seq: int64(at), ID: value, Side: store.SourceSide, Value: value, HasValue: value != ""}
	if at > 0 {
		e.OccurredAt = minute(at)
	}
	return e
}

func TestWhenTheSourceChanged(t *testing.T) {
	stored := func(value string, at, seen int) store.Desired {
		return store.Desired{SourceValue: value, At: minute(at), SeenAt: minute(seen)}
	}
	tests := map[string]struct {
		events []store.Event
		record status.SourceRecord
		stored store.Desired
		want   time.Time
	}{
		"the source keeps the time of the value":           {record: status.SourceRecord{ValueAt: minute(3)}, events: []store.Event{told(9, "paused")}, want: minute(3)},
		"the first event about it":                         {events: []store.Event{told(5, "paused")}, want: minute(5)},
		"the earliest of several events about it":          {events: []store.Event{told(7, "paused"), told(5, "paused")}, want: minute(5)},
		"an event without a value may have brought it":     {events: []store.Event{told(4, ""), told(7, "paused")}, want: minute(4)},
		"it left and came back":                            {events: []store.Event{told(2, "paused"), told(4, "active"), told(6, "paused"), told(8, "paused")}, want: minute(6)},
		"it came back, after it was carried before":        {events: []store.Event{told(4, "active"), told(6, "paused")}, stored: stored("paused", 1, 3), want: minute(6)},
		"it came back, and only the leaving was told of":   {events: []store.Event{told(4, "active")}, stored: stored("paused", 1, 3), want: minute(4)},
		"nothing new since it was carried":                 {events: []store.Event{told(8, "paused")}, stored: stored("paused", 1, 3), want: minute(1)},
		"another value was carried before":                 {events: []store.Event{told(8, "paused")}, stored: stored("active", 1, 3), want: minute(8)},
		"nobody told, and another value was seen before":   {stored: stored("active", 1, 3), want: minute(3)},
		"only another value was told of":                   {events: []store.Event{told(8, "active")}, want: minute(8)},
		"nobody ever told":                                 {},
		"events without times tell nothing":                {events: []store.Event{told(0, "paused")}},
		"an event from before what was carried is no news": {events: []store.Event{told(1, "paused")}, stored: stored("active", 2, 3), want: minute(3)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.record.Value = "paused"
			if got := readEvents(tt.events).changedAt("paused", tt.record, tt.stored); !got.Equal(tt.want) {
				t.Errorf("it changed at %s, not at %s", got, tt.want)
			}
		})
	}
}

// The source's true history is drawn; some of it is told of, in any order.
// The time must never be later than the true change: a person's edit in
// between would be written over.
func TestTheTimeOfAChangeIsNeverTooLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.SampledFrom([]string{"active", "paused", "canceled"}), 1, 8).Draw(t, "history")
		values = slices.Compact(values) // a minute each, and each a change
		var events []store.Event
		for i, v := range values {
			if rapid.Bool().Draw(t, "told") {
				e := told(i+1, v)
				if rapid.Bool().Draw(t, "without a value") {
					e.Value, e.HasValue = "", false
				}
				events = append(events, e)
			}
		}
		value := values[len(values)-1]
		var stored store.Desired
		if n := rapid.IntRange(0, len(values)).Draw(t, "carried before"); n > 0 {
			// What an earlier look can have stored: the value of that moment,
			// its time no later than true.
			stored = store.Desired{SourceValue: values[n-1], At: minute(rapid.IntRange(0, n).Draw(t, "at")), SeenAt: minute(n)}
		}
		got := readEvents(rapid.Permutation(events).Draw(t, "order")).changedAt(value, status.SourceRecord{Value: value}, stored)
		if changed := minute(len(values)); got.After(changed) {
			t.Fatalf("it changed at %s, and is taken to have at %s", changed, got)
		}
	})
}
