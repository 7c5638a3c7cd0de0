package killtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// round is a round under way.
type round struct {
	*Bench
	script
	spec   Round
	rng    *rand.Rand
	ctx    context.Context
	dir    string // of the configuration
	data   string // where a SQLite file lies
	result Result

	source, target *resttest.Tool
	sender         *sender
	load           *load

	slot int // the node that is hurt next
	mu   sync.Mutex
	live [most]*node
	// wires are the nodes' ways to PostgreSQL, and dsns what each node is told of its
	// way to the database.
	wires [most]*wire
	dsns  [most]string
	// primary and standby are the servers of a round on Standby.
	primary, standby *pgtest.Cluster

	away atomic.Bool // the target
}

// limit bounds a wait for something that is to happen. On a busy machine the
// tools' answers come late, and a customer that is tried again waits up to a
// minute in between.
const limit = 3 * time.Minute

// Run runs one round. A Result without breaches and without an error is good.
func (b *Bench) Run(ctx context.Context, spec Round) (Result, error) {
	began := time.Now()
	r := &round{Bench: b, script: spec.script(b.Cannot), spec: spec, rng: rand.New(rand.NewPCG(spec.Seed, 1)),
		result: Result{Round: spec, Tally: Tally{Kinds: map[string]int{}}}}
	var cancel context.CancelFunc
	r.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	err := r.run()
	r.result.Seconds = time.Since(began).Seconds()
	return r.result, err
}

func (r *round) run() (err error) {
	remove, err := r.place()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	r.tools()
	defer r.source.Close()
	defer r.target.Close()
	text := settings(r.source, r.target, r.careless, r.words)
	if err := os.WriteFile(r.config(), []byte(text), 0o600); err != nil {
		return err
	}
	r.sender = newSender(r.address)
	defer r.sender.client.CloseIdleConnections()
	defer r.killAll()
	r.load = &load{seed: r.spec.Seed, words: r.words, people: !r.careless, source: r.source, target: r.target, post: r.sender.post}
	changing, calm := context.WithCancel(r.ctx)
	delivering, giveUp := context.WithCancel(r.ctx)
	defer r.load.deliveries.Wait()
	defer giveUp()
	defer r.load.senders.Wait()
	defer calm()
	r.load.start(delivering, changing)
	if err := r.storm(); err != nil {
		return err
	}
	calm()
	r.load.senders.Wait()
	if err := r.calm(); err != nil {
		return err
	}
	giveUp()
	r.load.deliveries.Wait()
	r.judge()
	return nil
}

// place makes the folder and the empty database of the round.
func (r *round) place() (remove func() error, err error) {
	if r.dir, err = os.MkdirTemp(r.Bench.dir, "round-"); err != nil {
		return nil, err
	}
	clean := func() error { return os.RemoveAll(r.dir) }
	if connect := map[string]func() (func() error, error){Postgres: r.connect, Standby: r.pair}[r.spec.Engine]; connect != nil {
		remove, err := connect()
		if err != nil {
			return nil, errors.Join(err, remove(), clean())
		}
		return func() error { return errors.Join(remove(), clean()) }, nil
	}
	r.data = filepath.Join(r.dir, "data")
	if err := os.Mkdir(r.data, 0o700); err != nil {
		return nil, errors.Join(err, clean())
	}
	unmount, err := r.disk.mount(r.data)
	if err != nil {
		return nil, errors.Join(err, clean())
	}
	r.dsns[0] = filepath.Join(r.data, "trueup.db")
	return func() error { return errors.Join(unmount(), clean()) }, nil
}

// connect makes an empty schema, and a way to it for each node, with a PgBouncer in
// front of the server or without.
func (r *round) connect() (remove func() error, err error) {
	var made []func() error
	remove = func() (err error) {
		for _, undo := range slices.Backward(made) {
			err = errors.Join(err, undo())
		}
		return err
	}
	dsn, drop, err := r.cluster.Schema()
	if err != nil {
		return remove, err
	}
	made = append(made, drop)
	if r.pooled {
		through, end, err := pgtest.Bouncer(dsn)
		if err != nil {
			return remove, err
		}
		made = append(made, func() error { end(); return nil })
		dsn = through
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return remove, err
	}
	server := u.Host
	for slot := range r.wires {
		if r.wires[slot], err = newWire(server); err != nil {
			return remove, err
		}
		made = append(made, r.wires[slot].close)
		u.Host = r.wires[slot].address()
		r.dsns[slot] = u.String()
	}
	return remove, nil
}

func (r *round) config() string { return filepath.Join(r.dir, "trueup.yaml") }

// tools starts the two tools. Their answers take a moment, so that kills land
// in the middle of calls, and some writes are not answered.
func (r *round) tools() {
	stranger := func(call string) { r.odd(breach(7, "a call without the token: %s", call)) }
	r.source, r.target = resttest.Start(stranger), resttest.Start(stranger)
	if r.careless {
		r.target.Careless()
	}
	var calls, writes atomic.Int64
	slow := func(_ http.ResponseWriter, req *http.Request) bool {
		pause(req.Context(), time.Duration(calls.Add(1)%7)*time.Millisecond)
		return false
	}
	r.source.Instead(slow)
	r.target.Instead(func(w http.ResponseWriter, req *http.Request) bool {
		slow(w, req)
		if r.away.Load() {
			if req.Method == http.MethodPut && writes.Add(1)%2 == 0 {
				r.target.Write(httptest.NewRecorder(), req)
			}
			panic(http.ErrAbortHandler)
		}
		if req.Method == http.MethodPut && writes.Add(1)%101 == 0 {
			r.target.Write(httptest.NewRecorder(), req)
			panic(http.ErrAbortHandler)
		}
		return false
	})
}

// storm hurts the program, one kind after the other.
func (r *round) storm() error {
	r.note("%s on a %s, %d nodes%s, %d statuses; first %s", r.spec.Engine, r.disk, r.nodes, map[bool]string{true: " through PgBouncer"}[r.pooled], r.words, cmp.Or(r.opening.Name, "nothing"))
	if err := r.opening.do(r); err != nil {
		return err
	}
	r.count(r.opening)
	if r.nodes > 1 { // all find an empty or half made database
		for slot := range r.nodes {
			if _, err := r.startAt(slot, ""); err != nil {
				return err
			}
		}
	}
	for _, k := range r.kinds {
		r.slot = r.rng.IntN(r.nodes)
		r.note("%s, node %d", k.Name, r.slot)
		switch err := k.do(r); {
		case errors.Is(err, errOver):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", k.Name, err)
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		}
		r.count(k)
	}
	return nil
}

func (r *round) count(k Kind) {
	if k.Name != "" {
		r.result.Kinds[k.Name]++
	}
}

// note adds to the timeline.
func (r *round) note(format string, args ...any) {
	r.result.Timeline = append(r.result.Timeline, clock(time.Now())+" "+fmt.Sprintf(format, args...))
}

// odd notes what must not be.
func (r *round) odd(b Breach) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Breaches = append(r.result.Breaches, b)
}
