package setup

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

const (
	// mostRead bounds how many records of a side are counted.
	mostRead = 10_000
	// sampled is how many customers the first match test is made with.
	sampled = 200
	// mostKeys bounds how many keys of a tool's records are offered.
	mostKeys = 50
)

// mostHeld bounds how many of the target's records a match test of all holds. Tests lower it.
var mostHeld = 100_000

// Survey is what was counted in one tool.
type Survey struct {
	// Read is how many records were read so far; Done says that it has ended, and Cut
	// that there are more than were read.
	Read      int
	Done, Cut bool
	// NoList says that the tool cannot list its records, so that nothing is counted.
	NoList bool
	// Err is why it ended early.
	Err error
	// Values are how many records have each value; Without is how many have none.
	Values  map[string]int
	Without int
	// Keys are how many records have a value for each key that a match rule can use.
	Keys map[string]int
	// sample are the first customers.
	sample []status.SourceRecord
}

// Survey returns what was counted so far in one tool.
func (s *Setup) Survey(side Side) Survey {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.looks[side]
	if l == nil || l.survey == nil {
		return Survey{}
	}
	v := *l.survey
	v.Values, v.Keys = maps.Clone(v.Values), maps.Clone(v.Keys)
	return v
}

// Resume looks at the tools again after a restart, as far as the draft has them.
func (s *Setup) Resume(ctx context.Context) {
	for _, side := range []Side{Source, Target} {
		s.mu.Lock()
		known, t := s.looks[side] != nil, s.draft.Tool(side)
		s.mu.Unlock()
		if !known && t.Checked {
			// What fails now is seen on the page of the tools.
			_, _ = s.Check(ctx, side)
		}
	}
}

// use is what the sync wants of one side.
func (d Draft) use(side Side) connector.Use {
	u := connector.Use{Field: d.Tool(side).Field, Target: side == Target}
	for _, v := range d.Values {
		if side == Source {
			u.Values = append(u.Values, v.Value)
		}
	}
	if side == Target {
		for _, s := range slices.Sorted(maps.Keys(d.To)) {
			if d.To[s] != "" {
				u.Values = append(u.Values, d.To[s])
			}
		}
	}
	return u
}

// startSurvey counts the values of a side in the background.
func (s *Setup) startSurvey(side Side) {
	c, err := s.connection(side)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.looks[side]
	if l == nil || s.ended.Err() != nil {
		return
	}
	if l.cancel != nil {
		l.cancel()
	}
	ctx, cancel := context.WithCancel(s.ended)
	v := &Survey{Values: map[string]int{}, Keys: map[string]int{}}
	counted := make(chan struct{})
	l.survey, l.cancel, l.counted = v, cancel, counted
	use := s.draft.use(side)
	s.jobs.Go(func() {
		defer cancel()
		defer close(counted)
		s.count(ctx, c, use, side, v)
	})
}

// count reads one side's records, a page at a time.
func (s *Setup) count(ctx context.Context, c config.Connection, use connector.Use, side Side, v *Survey) {
	note := func(f func()) {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	}
	opened, closed, err := open(c, use)
	if err != nil {
		note(func() { v.Err, v.Done = err, true })
		return
	}
	defer closed()
	var circle connector.Circle
	for cursor := ""; ; {
		page, next, listed, err := read(ctx, opened, side, cursor)
		if err == nil && next != "" && circle.Turn(next) {
			err = connector.Endless()
		}
		note(func() {
			for _, r := range page {
				v.add(r)
			}
			v.NoList, v.Err = !listed, err
			v.Cut = v.Read >= mostRead && next != ""
			v.Done = err != nil || next == "" || v.Cut
		})
		if err != nil || next == "" || v.Read >= mostRead {
			return
		}
		cursor = next
	}
}

// read returns a page of either side's records, as those of a source.
func read(ctx context.Context, opened connector.Connection, side Side, cursor string) (page []status.SourceRecord, next string, listed bool, err error) {
	switch {
	case side == Source && opened.SourceList != nil:
		page, next, err = opened.SourceList.List(ctx, cursor)
		return page, next, true, err
	case side == Target && opened.TargetList != nil:
		records, next, err := opened.TargetList.List(ctx, cursor)
		for _, r := range records {
			page = append(page, status.SourceRecord{ID: r.ID, Value: r.Value, NoStatus: r.Value == "", Keys: r.Keys})
		}
		return page, next, true, err
	}
	return nil, "", false, nil
}

func (v *Survey) add(r status.SourceRecord) {
	v.Read++
	if r.NoStatus {
		v.Without++
	} else {
		v.Values[r.Value]++
	}
	for key, value := range r.Keys {
		if _, known := v.Keys[key]; value != "" && (known || len(v.Keys) < mostKeys) {
			v.Keys[key]++
		}
	}
	if len(v.sample) < sampled {
		v.sample = append(v.sample, r)
	}
}

// ByCount returns the values that were counted, the most frequent first.
func (v Survey) ByCount() []string {
	return slices.SortedFunc(maps.Keys(v.Values), func(a, b string) int {
		return cmp.Or(v.Values[b]-v.Values[a], cmp.Compare(a, b))
	})
}

// KeysByCount returns the keys of the records, the one that most have first.
func (v Survey) KeysByCount() []string {
	return slices.SortedFunc(maps.Keys(v.Keys), func(a, b string) int {
		return cmp.Or(v.Keys[b]-v.Keys[a], cmp.Compare(a, b))
	})
}
