package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// world is Trueup at work between the sample tools, and beside it the bare program between
// tools of its own: to Trueup its writes would be somebody's edits.
type world struct {
	*place
	secret       secret
	path         string // of trueup.yaml
	trueup, bare side
	events       atomic.Int64 // each has an id of its own
}

// side is a program, or several nodes of it, and the tools that it works with.
type side struct {
	*program
	more  []*program
	tools *tools
}

func (s side) nodes() []*program { return append([]*program{s.program}, s.more...) }

// cpu is the processor time of all nodes.
func (s side) cpu() (all time.Duration) {
	for _, p := range s.nodes() {
		all += p.cpu()
	}
	return all
}

// newWorld starts all of it; more is added to each connection of trueup.yaml.
func (b *bench) newWorld(ctx context.Context, e engine, customers, oneIn int, more string) (w *world, err error) {
	w = &world{secret: newSecret()}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.place, err = b.newPlace(ctx, e); err != nil {
		return w, err
	}
	for _, s := range []*side{&w.trueup, &w.bare} {
		if s.tools, err = newTools(customers, oneIn); err != nil {
			return w, err
		}
	}
	if w.path, err = w.configure(w.trueup.tools, w.secret, more); err != nil {
		return w, err
	}
	if w.trueup.program, err = b.trueup(ctx, w.path); err != nil {
		return w, fmt.Errorf("start Trueup: %w", err)
	}
	if w.bare.program, err = b.bare(ctx, w.bare.tools, w.secret); err != nil {
		return w, fmt.Errorf("start the bare program: %w", err)
	}
	return w, nil
}

func (w *world) close() error {
	var all error
	for _, s := range []side{w.trueup, w.bare} {
		if s.program != nil {
			for _, p := range s.nodes() {
				all = errors.Join(all, p.stop())
			}
		}
		if s.tools != nil {
			s.tools.close()
		}
	}
	if w.place != nil {
		all = errors.Join(all, w.place.close())
	}
	return all
}

// withWorld measures in a world of its own.
func (b *bench) withWorld(ctx context.Context, e engine, customers, oneIn int, more string, do func(*world) ([]Row, error)) (rows []Row, err error) {
	w, err := b.newWorld(ctx, e, customers, oneIn, more)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return do(w)
}

// load is webhooks to a path of a program, an equal share to each node.
func (w *world) load(to side, path string, senders, n int, event func(i int) []byte) load {
	var urls []string
	for _, p := range to.nodes() {
		urls = append(urls, p.url+path)
	}
	return load{urls: urls, key: w.secret.key, senders: senders, n: n, event: func(i int) (string, []byte) {
		return fmt.Sprint("msg_", w.events.Add(1)), event(i)
	}}
}

const (
	hooks = "/hooks/billing"
	carry = "/carry/billing"
)

// carryLimit bounds how long the last changes may take.
const carryLimit = 5 * time.Minute

// carried waits until the tools agree.
func (s side) carried(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, carryLimit, errSlow)
	defer cancel()
	return s.tools.agreed(ctx)
}

// change has a customer change and makes the event about it.
func (w *world) change(s side, i int) []byte {
	i %= len(s.tools.billing)
	return s.tools.change(i, s.tools.current(i)%3+1, fmt.Sprint("evt_", w.events.Add(1)))
}

// unchanged makes an event about a customer as it is.
func (w *world) unchanged(s side, i int) []byte {
	i %= len(s.tools.billing)
	return s.tools.change(i, s.tools.current(i), fmt.Sprint("evt_", w.events.Add(1)))
}
