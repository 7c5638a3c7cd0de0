package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
)

// HasClosedSet is an optional ability of Settings: to know every value that a
// side of this type can hold.
type HasClosedSet interface {
	// ClosedSet returns the values; the zero one says that they are open.
	ClosedSet(side Side) ClosedSet
}

// ClosedSet is every value of a tool's status.
type ClosedSet struct {
	Values []string
	// Also are values that a sync may list and need not.
	Also []string
	// Usual is what a value most often means, in our words or ignoreKey, for the
	// lines that a fault offers.
	Usual map[string]string
	// Grows says that the tool may add a value, which is then handed on as it is:
	// one that is like none of Values may be such a new one.
	Grows bool
}

const ignoreKey = "ignore"

// checkCoverage compares what each sync lists with what its tools can hold. A
// value that nobody listed would stop each customer who has it, which must not
// be found out by those customers: a sync that is live is refused for it.
func checkCoverage(r *report, c *Config) {
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		s, path := c.Syncs[name], join("syncs", name)
		if r.has(path+".statuses") || r.has(path+".ignore") {
			continue // what follows from it is no other fault
		}
		if set := c.closedSet(s.Source.Connection, s.SourceSide()); set.Values != nil {
			v := coverage{report: r, config: c, sync: s, path: path, set: set, meant: map[string]string{}}
			v.unknownSources()
			v.gap()
		}
		if set := c.closedSet(s.Target.Connection, s.TargetSide()); set.Values != nil {
			v := coverage{report: r, config: c, sync: s, path: path, set: set}
			v.unknownTargets()
		}
	}
}

func (c *Config) closedSet(connection string, side Side) ClosedSet {
	if s, ok := c.Connections[connection].Settings.(HasClosedSet); ok {
		return s.ClosedSet(side)
	}
	return ClosedSet{}
}

// coverage is one side of a sync beside the values that it can hold.
type coverage struct {
	*report
	config *Config
	sync   Sync
	path   string
	set    ClosedSet
	// meant is the value of the set by the misspelt one that was reported for it.
	meant map[string]string
}

func (v coverage) words() []status.Status { return slices.Sorted(maps.Keys(v.sync.Statuses)) }

func (v coverage) known(value string) bool {
	return slices.Contains(v.set.Values, value) || slices.Contains(v.set.Also, value)
}

// unknownSources reports what is listed and cannot be. With a tool that may add
// values it is a fault only where it leaves the value out that it is like.
func (v coverage) unknownSources() {
	listed := v.sync.SourceSide().Values
	check := func(path string, values []string) {
		for i, value := range values {
			at := fmt.Sprintf("%s[%d]", path, i)
			if v.known(value) {
				continue
			}
			near := closest(value, v.set.Values)
			problem := v.show(at, value) + " is not a value of " + v.sync.Source.Connection
			if v.set.Grows && (near == "" || slices.Contains(listed, near)) {
				v.config.note(at, true, problem+", unless the tool has added it; its values are "+strings.Join(v.set.Values, ", "))
				continue
			}
			v.meant[value] = near
			v.invalid(at, problem, didYouMean(value, v.set.Values, "values"))
		}
	}
	for _, word := range v.words() {
		check(join(v.path+".statuses", string(word))+".from", v.sync.Statuses[word].From)
	}
	check(v.path+".ignore", v.sync.Ignore)
}

func (v coverage) unknownTargets() {
	for _, word := range v.words() {
		at, to := join(v.path+".statuses", string(word))+".to", v.sync.Statuses[word].To
		if !v.known(to) {
			v.invalid(at, v.show(at, to)+" is not a value of "+v.sync.Target.Connection, didYouMean(to, v.set.Values, "values"))
		}
	}
}

// gap reports the values that are listed nowhere, not even misspelt.
func (v coverage) gap() {
	listed := slices.AppendSeq(v.sync.SourceSide().Values, maps.Values(v.meant))
	var missing []string
	for _, value := range v.set.Values {
		if !slices.Contains(listed, value) {
			missing = append(missing, value)
		}
	}
	if len(missing) == 0 {
		return
	}
	path := v.path + ".statuses"
	problem := v.sync.Source.Connection + " also has " + listOf(missing, "and") + ", listed nowhere"
	if v.sync.Watches() {
		v.config.note(path, true, "before you go live: "+problem+"; "+v.lines(missing))
		return
	}
	v.invalid(path, problem, v.lines(missing))
}

// lines says what to write for values that are listed nowhere: the usual choice
// where there is one in the file's own words, else where it can be written.
func (v coverage) lines(missing []string) string {
	words := v.words()
	add := map[string][]string{}
	for _, value := range missing {
		under := v.set.Usual[value]
		if under != ignoreKey && !slices.Contains(words, status.Status(under)) {
			each := "each"
			if len(missing) == 1 {
				each = "it"
			}
			return "add " + each + " to the from of " + listOf(textsOf(words), "or") + ", or write " + v.ignoreLine(missing)
		}
		add[under] = append(add[under], value)
	}
	var lines []string
	for _, word := range words {
		if more := add[string(word)]; more != nil {
			at := join(v.path+".statuses", string(word))
			lines = append(lines, fmt.Sprintf("%s: {from: [%s], ...}", word, v.items(at+".from", v.sync.Statuses[word].From, more)))
		}
	}
	if more := add[ignoreKey]; more != nil {
		lines = append(lines, v.ignoreLine(more))
	}
	return "the usual choice is " + strings.Join(lines, " and ")
}

func (v coverage) ignoreLine(more []string) string {
	return "ignore: [" + v.items(v.path+".ignore", v.sync.Ignore, more) + "]"
}

// items is a list as the file has it, with more values at its end.
func (v coverage) items(path string, values, more []string) string {
	var all []string
	for i, value := range values {
		if written, ok := v.written[fmt.Sprintf("%s[%d]", path, i)]; ok {
			all = append(all, written)
			continue
		}
		all = append(all, scalar(cmp.Or(v.meant[value], value)))
	}
	for _, value := range more {
		all = append(all, scalar(value))
	}
	return strings.Join(all, ", ")
}

// Nearest returns the value that another was probably meant to be, or "".
func Nearest(value string, values []string) string { return closest(value, values) }

// WhereToList says where a source value that is listed nowhere can be written.
func WhereToList(s Sync, value string) string {
	return "add it to the from of " + listOf(textsOf(slices.Sorted(maps.Keys(s.Statuses))), "or") + ", or write ignore: [..., " + scalar(value) + "]"
}

// listOf joins words as a sentence does.
func listOf(all []string, last string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " " + last + " " + all[len(all)-1]
}

func textsOf(words []status.Status) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}
