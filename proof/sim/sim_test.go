package sim

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// seeds is how many histories the test command lives through here; the command
// trueup-sim lives through many more.
const seeds = 300

func TestHistoriesKeepTheInvariants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		check(t, Case{Seed: seed})
	}
}

// Cases that failed once, with what they showed, so that they are lived through
// for as long as the simulator draws the same from their seeds.
func TestSeedsThatFailed(t *testing.T) {
	t.Parallel()
	for name, c := range failed {
		t.Run(name, func(t *testing.T) { check(t, c) })
	}
}

func check(t *testing.T, c Case) {
	t.Helper()
	r, err := Run(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Breach == nil {
		return
	}
	small, err := Shrink(r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range small.Timeline {
		t.Log(line)
	}
	t.Fatalf("%s\n%s", small.Breach, small.Case)
}

func TestTheSameCaseIsTheSameHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		var hashes [2]uint64
		for i := range hashes {
			r, err := Run(Case{Seed: seed}, Options{Trace: i == 1})
			if err != nil {
				t.Fatal(err)
			}
			hashes[i] = r.Hash
		}
		if hashes[0] != hashes[1] {
			t.Errorf("seed %d is two histories", seed)
		}
	}
}

// What the simulator runs on is no other store than the product's: the same
// case is the same history on SQLite.
func TestSQLiteTellsTheSameHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		if !newWorld(Case{Seed: seed}, false).set.fences {
			continue // SQLite cannot do without: an owner's word ends the attempt under way
		}
		want, err := Run(Case{Seed: seed}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Run(Case{Seed: seed}, Options{Store: func(now func() time.Time) (Store, func() error, error) {
			db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Work: true, Now: now})
			if err != nil {
				return nil, nil, err
			}
			return db, db.Close, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got.Hash != want.Hash {
			t.Errorf("seed %d is another history on SQLite: %v", seed, got.Breach)
		}
	}
}

func TestAStepThatIsLeftOutDoesNotHappen(t *testing.T) {
	t.Parallel()
	full, err := Run(Case{Seed: 1}, Options{Trace: true})
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for i := range full.Script {
		all = append(all, i)
	}
	none, err := Run(Case{Seed: 1, Without: all}, Options{Trace: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(full.Script) == 0 || none.Hash == full.Hash || len(none.Timeline) >= len(full.Timeline) {
		t.Errorf("with %d steps the history has %d lines, without them %d", len(full.Script), len(full.Timeline), len(none.Timeline))
	}
}
