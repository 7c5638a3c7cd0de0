package compare

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// keys are the names that the match rules use, and the one that people know a
// customer by: others are not kept.
type keys struct{ source, target []string }

func keysOf(s config.Sync) keys {
	k := keys{source: []string{"name"}}
	for _, m := range s.Match {
		k.source, k.target = append(k.source, m.Source), append(k.target, m.Target)
	}
	return k
}

// only returns the keys that have one of the names.
func only(all map[string]string, names []string) map[string]string {
	some := map[string]string{}
	for _, name := range names {
		if value := all[name]; value != "" {
			some[name] = value
		}
	}
	return some
}

// readSource lists the source, a page a transaction.
func (r *run) readSource(ctx context.Context) error {
	if !r.w.SourceListed {
		return r.turn(ctx, store.PhaseTarget)
	}
	list := r.Sync.From.SourceList
	return pages(ctx, r, side{store.SourceSide, r.Sync.From.Name}, r.w.SourceCursor, list.List, func(found []status.SourceRecord, at time.Time, next string) error {
		w := r.w
		w.SourceCursor, w.Summary.Sources = next, w.Summary.Sources+len(found)
		if next == "" {
			w.Phase = store.PhaseTarget
		}
		found = slices.DeleteFunc(found, func(s status.SourceRecord) bool { return s.ID == "" })
		for i := range found {
			found[i].Keys = only(found[i].Keys, r.keys.source)
		}
		return r.save(ctx, w, store.SweepPart{ReadAt: at, Sources: found})
	})
}

// readTarget lists the target in the same way.
func (r *run) readTarget(ctx context.Context) error {
	if r.w.TargetCursor == "" && r.Purpose == store.ForSweep {
		if err := r.checkOptions(ctx); err != nil {
			return err
		}
	}
	if !r.w.TargetListed {
		return r.turn(ctx, store.PhaseCompare)
	}
	list := r.Sync.To.TargetList
	return pages(ctx, r, side{store.TargetSide, r.Sync.To.Name}, r.w.TargetCursor, list.List, func(found []status.TargetRecord, at time.Time, next string) error {
		w := r.w
		w.TargetCursor, w.Summary.Targets = next, w.Summary.Targets+len(found)
		p := store.SweepPart{ReadAt: at}
		for _, t := range found {
			if t.ID == "" {
				continue
			}
			t.Keys = only(t.Keys, r.keys.target)
			p.Targets = append(p.Targets, t)
		}
		if next == "" {
			w.Phase = store.PhaseCompare
		}
		return r.save(ctx, w, p)
	})
}

// turn goes on to the next phase.
func (r *run) turn(ctx context.Context, to store.Phase) error {
	w := r.w
	w.Phase = to
	return r.save(ctx, w, store.SweepPart{})
}

// side is a connection whose records are listed.
type side struct {
	store.Side
	connection string
}

// pages lists from a cursor to the end. A cursor of an earlier run that the
// tool does not know any more begins the list anew.
func pages[T any](ctx context.Context, r *run, s side, cursor string, list func(context.Context, string) ([]T, string, error),
	keep func(found []T, at time.Time, next string) error) error {
	type page struct {
		found []T
		next  string
		aside []connector.Aside
	}
	connection := s.connection
	resumed := cursor != ""
	var circle connector.Circle
	for {
		if circle.Turn(cursor) {
			return fmt.Errorf("listing %s: %w", connection, connector.Endless())
		}
		at, err := r.Store.Now(ctx)
		if err != nil {
			return err
		}
		p, err := call(ctx, r, connection, "listing", func(ctx context.Context) (page, error) {
			var p page
			var err error
			p.found, p.next, err = list(connector.WithAsides(ctx, func(a connector.Aside) { p.aside = append(p.aside, a) }), cursor)
			return p, err
		})
		if err != nil {
			f := connector.FailureOf(err)
			if resumed && (f.Anew || f.Kind == connector.Refused || f.Kind == connector.Gone) {
				resumed, cursor, circle = false, "", connector.Circle{}
				r.w.ReadAnew(s.Side)
				continue
			}
			return err
		}
		r.setAside(s, p.aside)
		if err := keep(p.found, at, p.next); err != nil {
			return err
		}
		if p.next == "" {
			return nil
		}
		resumed, cursor = false, p.next
	}
}

// mostNamed is how many records of a page the log names that were set aside.
const mostNamed = 20

// setAside counts and names the records that a page left out because they cannot
// be read. They are stored with the page.
func (r *run) setAside(s side, aside []connector.Aside) {
	for _, a := range aside[:min(len(aside), mostNamed)] {
		r.Log.Warn("a record of the list cannot be read and is set aside", slog.String("connection", s.connection),
			slog.String("record", a.ID), slog.String("problem", a.Problem), slog.Int("of_its_page", len(aside)))
	}
	for _, a := range aside {
		r.w.SetAside(s.Side, store.Aside{ID: a.ID, Problem: a.Problem})
	}
}

// unknown reports whether nothing can be said of a customer whom the source did
// not list. One of the records that were set aside may be his, and there is no
// read with which to ask: he is not compared, and nobody is told that he is gone.
func (r *run) unknown() bool { return r.w.SourceAside > 0 && r.Sync.From.Source == nil }

const (
	// tries is how often a call is made that fails for a reason that may pass,
	// with pauses from firstPause to longestPause.
	tries                    = 8
	firstPause, longestPause = time.Second, time.Minute
	// restAfterLimit is how long a connection rests when the tool does not say.
	restAfterLimit = 30 * time.Second
)

// call makes one call to a tool, in the background of those that carry an
// event. It waits while the connection rests, and tries again what may pass.
func call[T any](ctx context.Context, r *run, connection, doing string, do func(context.Context) (T, error)) (T, error) {
	var none T
	waited, pause := time.Duration(0), firstPause
	for n := 1; ; n++ {
		if err := r.rested(ctx, connection, &waited); err != nil {
			return none, err
		}
		result, err := once(ctx, do)
		if err == nil {
			return result, nil
		}
		if ctx.Err() != nil {
			return none, context.Cause(ctx)
		}
		f := connector.FailureOf(err)
		switch {
		case f.Kind == connector.RateLimited:
			n-- // it says nothing about the call
			rest := f.RetryAfter
			if rest <= 0 {
				rest = restAfterLimit
			}
			if f.Status != 0 { // else it is our own limit, which holds calls back by itself
				if err := r.rest(ctx, connection, rest); err != nil {
					return none, err
				}
			}
			err = r.await(ctx, connection, rest, &waited)
		case f.Kind == connector.Transient && n < tries:
			err = r.await(ctx, connection, pause, &waited)
			pause = min(2*pause, longestPause)
		default:
			return none, fmt.Errorf("%s %s: %w", doing, connection, err)
		}
		if err != nil {
			return none, err
		}
	}
}

func once[T any](ctx context.Context, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(connector.Background(ctx), answerTime)
	defer cancel()
	return do(ctx)
}

// rest lets a connection rest, for all nodes.
func (r *run) rest(ctx context.Context, connection string, rest time.Duration) error {
	now, err := r.Store.Now(ctx)
	if err != nil {
		return err
	}
	if r.Resting != nil {
		r.Resting(connection, rest)
	}
	return r.Store.Rest(ctx, connection, now.Add(rest))
}

// rested waits until a connection does not rest any more.
func (r *run) rested(ctx context.Context, connection string, waited *time.Duration) error {
	for {
		until, err := r.Store.RestsUntil(ctx, connection)
		if err != nil {
			return err
		}
		now, err := r.Store.Now(ctx)
		if err != nil {
			return err
		}
		if !until.After(now) {
			return nil
		}
		if err := r.await(ctx, connection, until.Sub(now), waited); err != nil {
			return err
		}
	}
}

// errPatience ends a comparison that has waited for long enough.
var errPatience = errors.New("it has stopped for now; start it again to continue")

// await waits for a connection, within reason.
func (r *run) await(ctx context.Context, connection string, d time.Duration, waited *time.Duration) error {
	if *waited += d; *waited > r.Patience {
		return fmt.Errorf("%s is at its rate limit or does not answer, and asks to wait %s: %w", connection, d.Round(time.Second), errPatience)
	}
	r.tell(connection, time.Now().Add(d))
	return wait(ctx, d)
}
