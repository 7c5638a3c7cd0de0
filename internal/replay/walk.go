package replay

import (
	"context"
	"fmt"

	"trueup/internal/status"
	"trueup/internal/store"
)

// Span is a range of events by their numbers, both included.
type Span struct{ From, To int64 }

// page is how many events are looked up at once; their payloads are read one at
// a time.
const page = 200

// Walk goes through the chosen events in the order they came, and calls each
// with the number of every one. Replays are left out: what a replay makes is
// not replayed by it, nor by a second one with the same key. Without spans all
// that the filter chooses are walked through, up to the latest there is when the
// walk begins.
func (r Replayer) Walk(ctx context.Context, spans []Span, f store.EventFilter, each func(seq int64) error) error {
	latest, err := r.Store.Events(ctx, store.EventFilter{Limit: 1, Bare: true})
	if err != nil || len(latest) == 0 {
		return err
	}
	if len(spans) == 0 {
		spans = []Span{{1, latest[0].Seq}}
	}
	for _, s := range spans {
		if s.From == s.To {
			// One that is named may be a replay: it stands for its original.
			one := f
			one.Bare, one.Limit, one.Before = true, 1, s.From+1
			found, err := r.Store.Events(ctx, one)
			if err != nil {
				return fmt.Errorf("find event %d: %w", s.From, err)
			}
			if f != (store.EventFilter{}) && (len(found) == 0 || found[0].Seq != s.From) {
				continue // it is there, and not chosen; one that is not is said by each
			}
			if err := each(s.From); err != nil {
				return err
			}
			continue
		}
		if err := r.walk(ctx, Span{s.From, min(s.To, latest[0].Seq)}, f, each); err != nil {
			return err
		}
	}
	return nil
}

func (r Replayer) walk(ctx context.Context, s Span, f store.EventFilter, each func(seq int64) error) error {
	f.Originals, f.Bare, f.Limit, f.After, f.Before = true, true, page, s.From-1, s.To+1
	for {
		found, err := r.Store.Events(ctx, f)
		if err != nil {
			return fmt.Errorf("go through the events: %w", err)
		}
		for _, e := range found {
			if err := each(e.Seq); err != nil {
				return err
			}
			f.After = e.Seq
		}
		if len(found) < page {
			return nil
		}
	}
}

// Summary counts what steps came to.
type Summary struct {
	Events   int `json:"events"`
	Replays  int `json:"replays"`  // lines that are stored, or would be
	Nothing  int `json:"nothing"`  // lines that cannot be replayed
	Unmapped int `json:"unmapped"` // of Replays, those whose value the map does not know
	Repeated int `json:"repeated"` // of Replays, those that the same key had stored
}

// Add counts the steps of one event.
func (s *Summary) Add(steps []Step) {
	s.Events++
	for _, one := range steps {
		if !one.Replays {
			s.Nothing++
			continue
		}
		s.Replays++
		if one.Value != "" && one.Status == status.Status("") && one.event.Side == store.SourceSide {
			s.Unmapped++
		}
		if one.Done == "repeated" {
			s.Repeated++
		}
	}
}
