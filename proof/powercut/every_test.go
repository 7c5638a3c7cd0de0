package powercut

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	cuts     = flag.Int("cuts", 100, "how many random cuts of random histories")
	stride   = flag.Int("stride", 1, "cut at one operation of so many, all of them when it is 1")
	thorough = flag.Bool("thorough", false, "go on to the end of the history in every mode of a cut, not in one of the four in turn")
	second   = flag.Int("second", 3, "after how many cuts of each history the power is cut again at every operation of the recovery")
	seed     = flag.Uint64("seed", 1, "of all that is left to chance")
)

// Whatever operation is the last, and whatever the disk makes of what was not
// synced: what was acknowledged is there, what was not is there as a whole or
// not at all, and the history goes on to the same end.
func TestCutAtEveryOperation(t *testing.T) {
	h := scripted
	h.seed = *seed
	r, err := newRecord(t.Context(), t.TempDir(), h)
	if err != nil {
		t.Fatal(err)
	}
	defer r.first.Discard()
	n := r.everyOperation(t, *stride)
	if !t.Failed() {
		t.Logf("%s: %d calls, %s: nothing acknowledged was lost", h.name, len(h.steps), n)
	}
}

// tally counts.
type tally struct{ cut, operations, cuts, second int }

func (n tally) String() string {
	return fmt.Sprintf("cut at %d of %d operations x %d modes, %d cuts, %d second cuts", n.cut, n.operations, len(Modes), n.cuts, n.second)
}

// everyOperation cuts a history at one operation of stride, and again in the recovery
// from some of the cuts.
func (r *record) everyOperation(t *testing.T, stride int) tally {
	ctx := t.Context()
	var cuts, again atomic.Int64
	places := (r.operations + stride - 1) / stride
	every := max(1, places/max(1, *second))
	each(places, func(i int) {
		if t.Failed() {
			return // the first that fails says enough
		}
		at := 1 + i*stride
		c, err := r.cut(ctx, at, "")
		if err != nil {
			t.Errorf("%s: cut at operation %d: %v", r.name, at, err)
			return
		}
		defer c.left.Discard()
		for _, mode := range Modes {
			cuts.Add(1)
			if err := r.survive(ctx, c, mode, *thorough || c.at%len(Modes) == int(mode)); err != nil {
				t.Errorf("%s: cut at operation %d, the disk %s: %v", r.name, c.at, mode, err)
			}
		}
		if *second > 0 && (i+1)%every == 0 {
			mode := Modes[(i+1)/every%len(Modes)]
			n, err := r.cutAgain(ctx, c, mode)
			again.Add(int64(n))
			if err != nil {
				t.Errorf("%s: cut at operation %d, the disk %s: %v", r.name, c.at, mode, err)
			}
		}
	})
	return tally{places, r.operations, int(cuts.Load()), int(again.Load())}
}

// each calls do for 0 to n-1, on all processors.
func each(n int, do func(int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// chance is one for each cut, so that any of them can be made again by itself.
// The salt of a WAL is SQLite's own and differs each time.
func (r *record) chance(at int, mode Mode) *rand.Rand {
	return rand.New(rand.NewPCG(r.seed, uint64(at)<<8|uint64(mode)))
}

// survive checks what the disk makes of one cut in one mode, and perhaps how
// the history goes on.
func (r *record) survive(ctx context.Context, c cut, mode Mode, goOn bool) error {
	d := c.left.PowerOn(mode, r.chance(c.at, mode))
	defer d.Discard()
	l, p, err := r.after(ctx, d, c.least, c.most)
	if err != nil {
		return err
	}
	if !goOn {
		return l.stop()
	}
	return r.goOn(l, p)
}

// cutAgain cuts at every operation of the recovery: the start, the call that
// was cut, and the end that copies the WAL back. It returns how many of these
// there were.
func (r *record) cutAgain(ctx context.Context, c cut, mode Mode) (int, error) {
	d := c.left.PowerOn(mode, r.chance(c.at, mode))
	defer d.Discard()
	for k := 1; ; k++ {
		off, err := r.recovery(ctx, d, c, k)
		if err != nil {
			return k, fmt.Errorf("cut again at operation %d of the recovery: %w", k, err)
		}
		if !off {
			return k - 1, nil
		}
	}
}

// recovery recovers from a cut, is cut at the k-th operation of that, and
// recovers. It reports whether there was a k-th.
func (r *record) recovery(ctx context.Context, d *Disk, c cut, k int) (off bool, err error) {
	d = d.PowerOn(Keeps, nil)
	defer d.Discard()
	d.CutAt(k)
	l, p, err := r.after(ctx, d, c.least, c.most)
	if err == nil {
		// What a start has shown stays.
		c.least, c.most = p, min(p+1, len(r.steps))
		if _, err = l.live(r.steps[:c.most], p); err == nil {
			c.least = c.most
		}
		err = errors.Join(err, l.stop())
	}
	if !d.Off() {
		return false, err
	}
	mode := Modes[k%len(Modes)]
	next := d.PowerOn(mode, r.chance(k, mode))
	defer next.Discard()
	if l, p, err = r.after(ctx, next, c.least, c.most); err != nil {
		return true, fmt.Errorf("then the disk %s: %w", mode, err)
	}
	return true, r.goOn(l, p)
}
