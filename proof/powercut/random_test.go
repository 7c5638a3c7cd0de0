package powercut

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

const cutsOfOne = 10 // random history

// Histories and cuts by chance: each seed is a history, cut at ten operations,
// each in a mode, and sometimes once more in the recovery.
func TestRandomCuts(t *testing.T) {
	dir := t.TempDir()
	var operations, calls, changes, made, again atomic.Int64
	each((*cuts+cutsOfOne-1)/cutsOfOne, func(i int) {
		life := *seed + uint64(i)
		r, err := newRecord(t.Context(), dir, random(life, 25))
		if err != nil {
			t.Errorf("-seed %d -cuts 10: without a cut: %v", life, err)
			return
		}
		defer r.first.Discard()
		operations.Add(int64(r.operations))
		for i := range r.steps {
			calls.Add(1)
			if r.states[i] != r.states[i+1] {
				changes.Add(1)
			}
		}
		chance := rand.New(rand.NewPCG(life, 2))
		for range min(cutsOfOne, *cuts-i*cutsOfOne) {
			at, mode, k := 1+chance.IntN(r.operations), Modes[chance.IntN(len(Modes))], 1+chance.IntN(200)
			made.Add(1)
			twice, err := r.cutOnceOrTwice(t.Context(), at, mode, k)
			if twice {
				again.Add(1)
			}
			if err != nil {
				t.Errorf("-seed %d -cuts 10: cut at operation %d, the disk %s: %v", life, at, mode, err)
			}
		}
	})
	t.Logf("%d random cuts in %d operations of %d calls, %d of which changed something, %d second cuts",
		made.Load(), operations.Load(), calls.Load(), changes.Load(), again.Load())
	if changes.Load() < calls.Load()/3 {
		t.Error("most of what happens changes nothing")
	}
}

// cutOnceOrTwice checks a cut, and a second one at the k-th operation of the
// recovery when that has so many.
func (r *record) cutOnceOrTwice(ctx context.Context, at int, mode Mode, k int) (twice bool, err error) {
	c, err := r.cut(ctx, at, "")
	if err != nil {
		return false, err
	}
	defer c.left.Discard()
	if err := r.survive(ctx, c, mode, true); err != nil {
		return false, err
	}
	d := c.left.PowerOn(mode, r.chance(at, mode))
	defer d.Discard()
	return r.recovery(ctx, d, c, k)
}
