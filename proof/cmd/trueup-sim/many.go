package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/sim"
)

// summary is what many histories amount to.
type summary struct {
	Seeds     uint64                    `json:"seeds"`
	From      uint64                    `json:"from"`
	Seconds   float64                   `json:"seconds"`
	PerSecond float64                   `json:"seeds_per_second"`
	Compared  uint64                    `json:"compared_with_sqlite"`
	Counts    map[string]map[string]int `json:"counts"`
	Missing   []string                  `json:"missing"`
	Breach    string                    `json:"breach,omitempty"`
	Failed    uint64                    `json:"failed_seed,omitempty"`
	Case      string                    `json:"case,omitempty"`
}

// twice is how often a history is lived through again, to see that it is the
// same one.
const twice = 64

// programme is a run of many histories.
type programme struct {
	options
	next     atomic.Uint64
	stop     atomic.Bool
	mu       sync.Mutex
	coverage *sim.Coverage
	compared uint64
	failed   *sim.Result
	err      error
}

func many(o options, out, progress io.Writer) error {
	p := &programme{options: o, coverage: &sim.Coverage{Counts: map[string]map[string]int{}}}
	began := time.Now()
	var workers sync.WaitGroup
	for range max(o.workers, 1) {
		workers.Go(p.work)
	}
	done := make(chan struct{})
	go func() {
		workers.Wait()
		close(done)
	}()
	p.report(done, began, progress)
	if p.err != nil {
		return p.err
	}
	took := time.Since(began).Seconds()
	lived := min(p.next.Load(), o.seeds)
	s := summary{Seeds: lived, From: o.from, Seconds: took, PerSecond: float64(lived) / took, Compared: p.compared, Counts: p.coverage.Counts}
	if p.failed != nil {
		small, err := sim.Shrink(*p.failed, o.run())
		if err != nil {
			return err
		}
		s.Breach, s.Case, s.Failed = small.Breach.String(), small.Case.String(), small.Case.Seed
		if !o.json {
			timeline(out, small)
		}
	} else if o.sweeps {
		s.Missing = p.coverage.MissingOnDisk()
	} else {
		s.Missing = p.coverage.Missing()
	}
	if err := s.print(out, o.json); err != nil {
		return err
	}
	if s.Breach != "" || len(s.Missing) > 0 {
		return errBroken{}
	}
	return nil
}

// report says every two seconds how far it is.
func (p *programme) report(done <-chan struct{}, began time.Time, progress io.Writer) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			n := min(p.next.Load(), p.seeds)
			took := time.Since(began)
			left := time.Duration(float64(took) / float64(max(n, 1)) * float64(p.seeds-n))
			fmt.Fprintf(progress, "%d of %d histories, %.0f a second, about %s left\n", n, p.seeds, float64(n)/took.Seconds(), left.Round(time.Second))
		}
	}
}

// work lives through histories until there are none left or one has failed.
func (p *programme) work() {
	coverage := &sim.Coverage{Counts: map[string]map[string]int{}}
	compared := uint64(0)
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.coverage.Add(coverage)
		p.compared += compared
	}()
	for !p.stop.Load() {
		n := p.next.Add(1) - 1
		if n >= p.seeds {
			return
		}
		r, err := sim.Run(sim.Case{Seed: p.from + n}, p.run())
		if err == nil && n%twice == 0 {
			err = same(r, p.run(), "lived through twice")
		}
		if err == nil && p.sqlite > 0 && n%p.sqlite == 0 && !r.Unfenced {
			compared++
			err = same(r, sim.Options{Store: onSQLite}, "on SQLite")
		}
		if err != nil || r.Breach != nil {
			p.end(r, err)
			return
		}
		coverage.Add(r.Coverage)
	}
}

// end keeps the failure of the lowest seed.
func (p *programme) end(r sim.Result, err error) {
	p.stop.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.err = err
	case p.failed == nil || r.Case.Seed < p.failed.Case.Seed:
		p.failed = &r
	}
}

// same lives through a history again and compares the hashes.
func same(r sim.Result, o sim.Options, how string) error {
	again, err := sim.Run(r.Case, o)
	if err != nil {
		return err
	}
	if again.Hash != r.Hash {
		return fmt.Errorf("seed %d is another history %s: hash %016x, not %016x (%v)%s", r.Case.Seed, how, again.Hash, r.Hash, again.Breach, parting(r.Case, o))
	}
	return nil
}

// parting is where two histories that should be one go apart.
func parting(c sim.Case, o sim.Options) string {
	o.Trace = true
	one, err := sim.Run(c, sim.Options{Trace: true, Disk: o.Disk})
	if err != nil {
		return ""
	}
	other, err := sim.Run(c, o)
	if err != nil {
		return ""
	}
	for n, line := range one.Timeline {
		if n >= len(other.Timeline) || line != other.Timeline[n] {
			return fmt.Sprintf("; before:\n%s\nthen\n%s\nand\n%s", strings.Join(one.Timeline[max(0, n-8):n], "\n"),
				strings.Join(one.Timeline[n:min(n+3, len(one.Timeline))], "\n"), strings.Join(other.Timeline[min(n, len(other.Timeline)):min(n+3, len(other.Timeline))], "\n"))
		}
	}
	return ""
}

// run is how histories are run.
func (o options) run() sim.Options {
	if o.sweeps {
		return sim.Options{Store: onSQLite, Disk: true}
	}
	return sim.Options{}
}

// migrated is a SQLite file that has all tables and no row: to make them takes
// longer than a history.
var migrated = sync.OnceValues(func() (text []byte, err error) {
	dir, err := os.MkdirTemp("", "trueup-sim-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "trueup.db")
	db, err := store.Open(background, store.Options{DSN: path, Migrate: true})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// onSQLite opens a new SQLite file for one history.
func onSQLite(now func() time.Time) (sim.Store, func() error, error) {
	text, err := migrated()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "trueup-sim-")
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, "trueup.db")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return nil, nil, err
	}
	db, err := store.Open(background, store.Options{DSN: path, Migrate: true, Work: true, Now: now})
	if err != nil {
		return nil, nil, err
	}
	d := &disk{DB: db, path: path}
	return d, func() error { return errors.Join(d.close(), os.RemoveAll(dir)) }, nil
}

func (s summary) print(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, group := range slices.Sorted(maps.Keys(s.Counts)) {
		fmt.Fprintf(table, "\n%s\n", group)
		for _, name := range slices.Sorted(maps.Keys(s.Counts[group])) {
			fmt.Fprintf(table, "  %s\t%d\n", name, s.Counts[group][name])
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d histories from seed %d in %.1f s, %.0f a second", s.Seeds, s.From, s.Seconds, s.PerSecond)
	if s.Compared > 0 {
		fmt.Fprintf(out, ", %d of them on SQLite too, with the same hash", s.Compared)
	}
	fmt.Fprintln(out)
	switch {
	case s.Breach != "":
		fmt.Fprintln(out, "FAILED:", s.Breach)
	case len(s.Missing) > 0:
		fmt.Fprintln(out, "FAILED: these never happened; live through more histories, or look why:")
		for _, m := range s.Missing {
			fmt.Fprintln(out, "  "+m)
		}
	default:
		fmt.Fprintln(out, "all invariants held, and everything that can happen did")
	}
	return nil
}
