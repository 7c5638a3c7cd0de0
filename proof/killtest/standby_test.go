package killtest

import (
	"slices"
	"strings"
	"testing"
)

// A standby that takes over has what was acknowledged, and each node goes on with it.
// `go run ./proof/cmd/trueup-kill -engine standby -rounds 3` has each kind of it.
func TestNothingIsLostWhenAStandbyTakesOver(t *testing.T) {
	b, err := NewBench([]string{Standby})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	r := Round{Engine: Standby}
	result, err := b.Run(t.Context(), r)
	if err != nil {
		t.Fatalf("%s\n%v", r, err)
	}
	for _, broken := range result.Breaches {
		t.Errorf("%s\n%s", r, broken)
	}
	if result.Kinds[promoted.Name] != 1 || result.Refused == 0 {
		t.Errorf("%s\n%d webhooks were refused:\n%s", r, result.Refused, strings.Join(result.Timeline, "\n"))
	}
	t.Logf("%+v", result.Tally)
}

func TestARoundOnAStandbyHasOneTakeOver(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(36) {
		takes := 0
		for _, k := range (Round{Engine: Standby, Seed: seed}).script(nil).kinds {
			met[k.Name]++
			if slices.ContainsFunc(takeOvers, func(o Kind) bool { return o.Name == k.Name }) {
				takes++
			}
		}
		if takes != 1 {
			t.Errorf("the round with seed %d has %d", seed, takes)
		}
	}
	others, all := decks(Standby, folder)
	for _, k := range append(others, all...) {
		if met[k.Name] < 10 {
			t.Errorf("%q is met %d times in 36 rounds", k.Name, met[k.Name])
		}
	}
}
