package killtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Round names one round.
type Round struct {
	Engine string
	Seed   uint64
	// Only, when set, is a part of the names of the kinds that are wanted. A round on
	// Standby has its take-over anyway.
	Only string
}

// String is the command that runs the round again.
func (r Round) String() string {
	text := fmt.Sprintf("go run ./proof/cmd/trueup-kill -engine %s -seed %d -rounds 1", r.Engine, r.Seed)
	if r.Only != "" {
		text += fmt.Sprintf(" -only %q", r.Only)
	}
	return text
}

// script is what a seed decides about a round.
type script struct {
	disk disk
	// nodes is how many programs share the work.
	nodes int
	// pooled says that a PgBouncer in transaction mode stands before PostgreSQL.
	pooled bool
	// careless is a target that takes writes without a version.
	careless bool
	// words is how many statuses there are: with three, values come back.
	words int
	// opening is what happens to the first start, on an empty database.
	opening Kind
	kinds   []Kind
}

// most is how many nodes there are at most.
const most = 3

// perRound is how many kinds of the deck a round takes.
const perRound = 8

// script deals the kinds out: rounds with seeds in a row meet all of them
// equally often.
func (r Round) script(cannot map[string]error) script {
	rng := rand.New(rand.NewPCG(r.Seed, 0))
	s := script{disk: folder, nodes: 1, words: []int{3, 8}[rng.IntN(2)], careless: rng.IntN(4) == 0}
	if r.Engine == SQLite {
		s.disk = r.chooseDisk(cannot)
	} else {
		s.nodes = 1 + rng.IntN(most)
		s.pooled = rng.IntN(3) == 0 && r.Engine == Postgres
	}
	s.opening = openings[r.Seed/3%uint64(len(openings))]
	deck, extra := decks(r.Engine, s.disk)
	each := uint64(perRound)
	if r.Engine == Standby {
		each, extra = besideTakeOver, nil
		s.kinds = append(s.kinds, takeOvers[r.Seed%uint64(len(takeOvers))])
	}
	if r.Only != "" {
		deck, extra = r.only(slices.Concat(deck, extra)), nil
	}
	for n := range min(each, uint64(len(deck))*each) {
		s.kinds = append(s.kinds, deck[(r.Seed*each+n)%uint64(len(deck))])
	}
	s.kinds = append(s.kinds, extra...)
	rng.Shuffle(len(s.kinds), func(i, j int) { s.kinds[i], s.kinds[j] = s.kinds[j], s.kinds[i] })
	for _, k := range s.kinds {
		// A write that was sent may stand still with its sender for longer than
		// the lease: only a target that compares versions can refuse it then.
		s.careless = s.careless && s.nodes == 1 && !k.zombie
	}
	return s
}

// chooseDisk is one disk after the other, of those that the machine has and
// that the wanted kinds need.
func (r Round) chooseDisk(cannot map[string]error) disk {
	for n := range uint64(3) {
		d := []disk{folder, small, frail}[(r.Seed+n)%3]
		if deck, extra := decks(SQLite, d); cannot[string(d)] == nil && len(r.only(slices.Concat(deck, extra))) > 0 {
			return d
		}
	}
	return folder
}

// only keeps the kinds that are wanted.
func (r Round) only(kinds []Kind) []Kind {
	return slices.DeleteFunc(kinds, func(k Kind) bool { return !strings.Contains(k.Name, r.Only) })
}
