package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/status"
)

// Coverage counts what histories have met, by group and name.
type Coverage struct{ Counts map[string]map[string]int }

func newCoverage() *Coverage { return &Coverage{Counts: map[string]map[string]int{}} }

func (c *Coverage) hit(group, name string) { c.add(group, name, 1) }

func (c *Coverage) add(group, name string, n int) {
	g := c.Counts[group]
	if g == nil {
		g = map[string]int{}
		c.Counts[group] = g
	}
	g[name] += n
}

func (c *Coverage) row(n int) { c.hit("decision row", fmt.Sprint(n)) }

func (c *Coverage) setting(s setting) {
	c.hit("target", s.class.String())
	switch {
	case s.readable:
	case s.slow():
		c.hit("fault", "told by a clock that is behind")
	case s.ahead():
		c.hit("fault", "told by a clock that is ahead")
	}
	for _, n := range s.nets() {
		if !n.on {
			c.hit("net off", n.name)
		}
	}
}

// Add adds the counts of another history.
func (c *Coverage) Add(o *Coverage) {
	for group, names := range o.Counts {
		for name, n := range names {
			c.add(group, name, n)
		}
	}
}

// Missing names what a programme of many histories must have met and has not.
func (c *Coverage) Missing() []string { return c.without(expected()) }

// MissingOnDisk is Missing of a programme that runs on disk: fewer histories, of
// which those are counted that happen there alone.
func (c *Coverage) MissingOnDisk() []string { return c.without(onDisk) }

func (c *Coverage) without(want map[string][]string) []string {
	var missing []string
	for group, names := range want {
		for _, name := range names {
			if c.Counts[group][name] == 0 {
				missing = append(missing, group+": "+name)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// onDisk is what can be met on disk alone.
var onDisk = map[string][]string{
	"comparison":           {"ok"},
	"plan":                 {"with rows to carry"},
	"apply":                append([]string{"beside", "there is a newer plan"}, applyHow...),
	"plan's row":           {"applied", "refused", "failed", "left"},
	"moved since the plan": {"source", "person", "automation", "record", "forgotten"},
	"fault":                {"an automation puts back what a plan wrote"},
	"forgotten":            {"by id", "by record", "by address", "during an attempt", "during a comparison", "and still is", "and came again by an event"},
	"renamed":              {"sync", "source", "target", "goes on", "starts anew", "taken for new", "does not start", "with a memory", "during an attempt", "settled by a node with another name"},
}

// expected is all that can be met.
func expected() map[string][]string {
	want := map[string][]string{}
	for _, list := range []map[string]happens{callSteps, webhookSteps, databaseSteps, waitSteps} {
		for name := range list {
			if name != "webhook forged" && name != "secret rotated" {
				want["fault"] = append(want["fault"], name)
			}
		}
	}
	want["fault"] = append(want["fault"], "forged", "rotation", "map changed", "option list", "lie", "respelled", "moved", "merge", "delete", "create", "zombie", "replayed", "replayed, and it is old",
		"webhook reordered", "edit by human", "edit by automation", "edit by us",
		"ruling apply", "ruling keep", "resolved and found again", "two changes in a second", "told by a clock that is behind", "told by a clock that is ahead", "stale source read")
	for _, place := range places {
		if place != "" {
			want["crash"] = append(want["crash"], place)
			want["pause"] = append(want["pause"], place)
		}
	}
	for _, o := range status.Outcomes {
		want["outcome"] = append(want["outcome"], string(o))
	}
	for _, s := range status.Stages[1:] { // an attempt begins after receive
		want["stage"] = append(want["stage"], string(s))
	}
	for row := 1; row <= 10; row++ {
		want["decision row"] = append(want["decision row"], fmt.Sprint(row))
	}
	want["taken back"] = []string{"crash", "zombie"}
	want["pace"] = []string{"waits for our limit", "no call left in the lease", "beyond the tool's limit", "carried under our limit", "carried under the tool's limit"}
	want["mode"] = []string{"watch", "carried after it was only looked at", "not resumed while it watches"}
	want["hands"] = []string{"paused", "stopped by a pause", "goes on", "pinned", "pinned again", "held", "pinned after the claim", "unpinned", "the pin ran out", "carried after the pin"}
	want["policy"] = []string{"waits for its time", "waits for its hours", "written after its time", "written after its hours", "a change that did not last",
		"change_asks", "change_forbidden", "a person says apply", "a person says keep", "written as a person confirmed it"}
	want["account"] = []string{"asked", "the same", "links removed", "back", "waited, and was carried"}
	want["limit"] = []string{"mass_change", "writes_per_customer", "resumed"}
	for k := range class(classes) {
		want["target"] = append(want["target"], k.String())
	}
	for _, n := range (setting{}).nets() {
		want["net off"] = append(want["net off"], n.name)
	}
	return want
}

// Groups are the groups in the order of their names.
func (c *Coverage) Groups() []string { return slices.Sorted(maps.Keys(c.Counts)) }
