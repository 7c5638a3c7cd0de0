package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Size says how much is measured.
type Size string

// The sizes.
const (
	Quick  Size = "quick"  // under half a minute: whether it runs
	Normal Size = "normal" // a few minutes
	Full   Size = "full"   // the numbers of docs/performance.md
)

// Options is what is measured, and with what.
type Options struct {
	Size Size
	// AtMost bounds every number of events and customers, 0 does not.
	AtMost int
	// Only names the measurements to make; none means all but growth.
	Only []string
	// Postgres is the address of a PostgreSQL database for the second engine, "" for none.
	Postgres string
	// Dir is where the SQLite files are made, each in a folder that is removed.
	Dir string
	// Command makes a command that runs this binary with arguments.
	Command func(ctx context.Context, args ...string) *exec.Cmd
	// Progress is told what begins.
	Progress func(what string)
}

// size is how much there is of everything.
type size struct {
	accept  int           // events for each number of senders
	carry   int           // customers who change once
	burst   int           // events
	busy    int           // customers of the burst
	sweep   int           // customers on each side
	start   int           // customers of a database that is opened
	starts  int           // of each program, of which the fastest counts
	grow    []int         // events of a database; a tenth as many customers
	atMost  time.Duration // for each part of accept
	samples int           // of each operation of growth
}

var sizes = map[Size]size{
	Quick:  {accept: 1_000, carry: 300, burst: 3_000, busy: 300, sweep: 2_000, start: 5_000, starts: 1, grow: []int{1_000, 10_000}, atMost: 2 * time.Second, samples: 50},
	Normal: {accept: 20_000, carry: 5_000, burst: 20_000, busy: 2_000, sweep: 20_000, start: 100_000, starts: 3, grow: []int{10_000, 100_000, 1_000_000}, atMost: 5 * time.Second, samples: 200},
	Full:   {accept: 100_000, carry: 10_000, burst: 100_000, busy: 2_000, sweep: 200_000, start: 1_000_000, starts: 5, grow: []int{10_000, 100_000, 1_000_000, 10_000_000}, atMost: 20 * time.Second, samples: 500},
}

// within bounds all numbers of events and customers.
func (s size) within(most int) size {
	if most <= 0 {
		return s
	}
	for _, n := range []*int{&s.accept, &s.carry, &s.burst, &s.busy, &s.sweep, &s.start, &s.samples} {
		*n = min(*n, most)
	}
	s.grow = slices.Clone(s.grow)
	for i := range s.grow {
		s.grow[i] = min(s.grow[i], most*(i+1))
	}
	return s
}

// measurement is one subject; each returns its rows in the order in which they are shown.
type measurement struct {
	name string
	make func(context.Context, *bench, engine) ([]Row, error)
}

const (
	nodesName  = "nodes"
	growthName = "growth"
)

var measurements = []measurement{
	{"start", start}, {"accept", accept}, {"carry", carryEach}, {"burst", burst}, {"sweep", sweep}, {nodesName, secondNode}, {growthName, growth},
}

// Names are what Options.Only can hold.
func Names() []string {
	var names []string
	for _, m := range measurements {
		names = append(names, m.name)
	}
	return names
}

// bench is one run.
type bench struct {
	Options
	size
}

// Run measures. It returns the rows that it has even if it ends early.
func Run(ctx context.Context, o Options) (Report, error) {
	b := &bench{Options: o, size: sizes[o.Size].within(o.AtMost)}
	r := Report{Machine: thisMachine(), Size: o.Size, Rows: []Row{}}
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return r, fmt.Errorf("there is no measurement %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	if o.Postgres == "" && slices.Contains(o.Only, nodesName) {
		return r, fmt.Errorf("several nodes share a PostgreSQL database; name an empty one (--postgres) to measure %s", nodesName)
	}
	engines := []engine{sqliteEngine{}}
	if o.Postgres != "" {
		p, err := newPostgres(ctx, o.Postgres)
		if err != nil {
			return r, err
		}
		defer p.close()
		engines = append(engines, p)
	}
	for _, e := range engines {
		for _, m := range measurements {
			if wanted := slices.Contains(o.Only, m.name) || len(o.Only) == 0 && m.name != growthName; !wanted {
				continue
			}
			rows, err := m.make(ctx, b, e)
			for i := range rows {
				rows[i].Engine, rows[i].Measurement = e.name(), m.name
			}
			r.Rows = append(r.Rows, rows...)
			if err != nil {
				return r, fmt.Errorf("%s on %s: %w", m.name, e.name(), err)
			}
		}
	}
	return r, nil
}

func (b *bench) say(e engine, format string, args ...any) {
	b.Progress(e.name() + ": " + fmt.Sprintf(format, args...))
}

// place is a database with a trueup.yaml beside it.
type place struct {
	dir, dsn string
	drop     func() error
}

// newPlace makes an empty one.
func (b *bench) newPlace(ctx context.Context, e engine) (*place, error) {
	parent, err := filepath.Abs(b.Dir) // a path in trueup.yaml begins where that file is
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "trueup-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the measurement: %w", err)
	}
	dsn, drop, err := e.fresh(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &place{dir: dir, dsn: dsn, drop: drop}, nil
}

func (p *place) close() error { return errors.Join(p.drop(), os.RemoveAll(p.dir)) }
