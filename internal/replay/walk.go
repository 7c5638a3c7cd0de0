package replay

import (
	"context"
	"fmt"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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
// walk begins. With StillOpen the others are counted and not called with.
func (r Replayer) Walk(ctx context.Context, spans []Span, f store.EventFilter, each func(seq int64) error) (settled int, err error) {
	latest, err := r.Store.Events(ctx, store.EventFilter{Limit: 1, Bare: true})
	if err != nil || len(latest) == 0 {
		return 0, err
	}
	if len(spans) == 0 {
		spans = []Span{{1, latest[0].Seq}}
	}
	all := f == (store.EventFilter{})
	open := f.StillOpen
	f.StillOpen, f.WithNow, f.Bare = false, open, true
	chosen := func(e store.Event) error {
		if open && e.Now.Became != status.BecameOpen {
			settled++
			return nil
		}
		return each(e.Seq)
	}
	for _, s := range spans {
		if s.From < s.To {
			if err := r.walk(ctx, Span{s.From, min(s.To, latest[0].Seq)}, f, chosen); err != nil {
				return settled, err
			}
			continue
		}
		// One that is named may be a replay: it stands for its original.
		one := f
		one.Limit, one.Before = 1, s.From+1
		found, err := r.Store.Events(ctx, one)
		switch {
		case err != nil:
			return settled, fmt.Errorf("find event %d: %w", s.From, err)
		case all: // also one that is not there, which each reports
			err = each(s.From)
		case len(found) > 0 && found[0].Seq == s.From:
			err = chosen(found[0])
		}
		if err != nil {
			return settled, err
		}
	}
	return settled, nil
}

func (r Replayer) walk(ctx context.Context, s Span, f store.EventFilter, each func(store.Event) error) error {
	f.Originals, f.Bare, f.Limit, f.After, f.Before = true, true, page, s.From-1, s.To+1
	for {
		found, err := r.Store.Events(ctx, f)
		if err != nil {
			return fmt.Errorf("go through the events: %w", err)
		}
		for _, e := range found {
			if err := each(e); err != nil {
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
