package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Step is one thing that happens in the storm.
type Step struct {
	At    int64 // ms after the beginning
	Kind  string
	Who   int    // a customer or a node, by number
	Op    string // the call or the place it is about
	Value string
	N     int64 // how often, or for how many ms
}

func (s Step) detail() string { return fmt.Sprintf("#%d %s %s", s.Who, s.Op, s.Value) }

func (s Step) String() string {
	return fmt.Sprintf("%10.3fs  %s %s %d", float64(s.At)/1000, s.Kind, s.detail(), s.N)
}

// happens is one kind of step.
type happens struct {
	// weight is how often it is drawn, beside the others.
	weight int
	// draw fills in a step; nil leaves only a customer.
	draw func(*rand.Rand, setting, *Step)
	run  func(*world, Step)
}

// happenings are all that can happen in a storm, by name.
var happenings = joined(businessSteps, peopleSteps, ownerSteps, webhookSteps, callSteps, databaseSteps, nodeSteps)

// lateSteps are drawn apart, so that the rest of a script is the same with and
// without.
var lateSteps = joined(waitSteps, modeSteps, accountSteps, handSteps, operatorSteps, renameSteps)

func joined(lists ...map[string]happens) map[string]happens {
	all := map[string]happens{}
	for _, list := range lists {
		maps.Copy(all, list)
	}
	return all
}

var (
	happeningNames = slices.Sorted(maps.Keys(happenings))
	totalWeight    = func() (sum int) {
		for _, h := range happenings {
			sum += h.weight
		}
		return sum
	}()
)

// drawScript draws the steps of a storm in the order of their times.
func drawScript(r *rand.Rand, s setting) []Step {
	script := make([]Step, 4+r.IntN(40))
	for i := range script {
		pick := r.IntN(totalWeight)
		for _, name := range happeningNames {
			if pick -= happenings[name].weight; pick < 0 {
				script[i].Kind = name
				break
			}
		}
		script[i].At, script[i].Who = 2000+r.Int64N(s.storm-2000), r.IntN(s.customers)
		if draw := happenings[script[i].Kind].draw; draw != nil {
			draw(r, s, &script[i])
		}
	}
	// Trouble comes in bursts: some steps follow at once on the one before.
	slices.SortStableFunc(script, func(a, b Step) int { return int(a.At - b.At) })
	for i := 1; i < len(script); i++ {
		if r.IntN(3) == 0 {
			script[i].At = script[i-1].At + r.Int64N(3000)
		}
	}
	slices.SortStableFunc(script, func(a, b Step) int { return int(a.At - b.At) })
	return script
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }
