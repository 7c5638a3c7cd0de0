package app

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
)

const (
	// mostFields is how many fields are compared, and mostShown how many characters
	// of one are shown.
	mostFields = 30
	mostShown  = 500
	idField    = "id"
)

// firstFields are what people look at first.
var firstFields = []string{"name", "email", "phone"}

// hidden are fields that may hold a credential: nobody needs them to tell two
// customers apart.
var hidden = regexp.MustCompile(`(?i)secret|token|passw|api[._-]?key|private|credential|session`)

// line is a field as the two tools name it.
type line struct {
	label, source, target string
	rule                  identity.Rule
}

// linesOf are the fields to compare: those that people look at, those of the match
// rules, and what else both sides have. What only the source has comes last. A field that is
// empty in all records of a tool may be one that Trueup does not read: unless a match rule
// names it, the line names it for the other tool only.
func linesOf(rules []identity.Rule, source Side, sides []Side) []line {
	var all []line
	add := func(l line) {
		known := slices.ContainsFunc(all, func(o line) bool { return o.source == l.source && o.target == l.target })
		if known || hidden.MatchString(l.source) || hidden.MatchString(l.target) || len(all) == mostFields {
			return
		}
		if source.Keys[l.source] != "" || slices.ContainsFunc(sides, func(s Side) bool { return targetCell(l, s) != "" && l.target != idField }) {
			all = append(all, l)
		}
	}
	byTarget := map[string]identity.Rule{}
	for _, r := range rules {
		byTarget[r.Target] = r
	}
	named := func(name string) line {
		l := line{label: name}
		if r := byTarget[name]; r.Source == name {
			return line{label: name, source: name, target: name, rule: r}
		}
		if source.Keys[name] != "" {
			l.source = name
		}
		if slices.ContainsFunc(sides, func(s Side) bool { return s.Keys[name] != "" }) {
			l.target = name
		}
		return l
	}
	for _, name := range firstFields {
		add(named(name))
	}
	for _, r := range rules {
		label := r.Target
		if r.Source != r.Target {
			label = r.String()
		}
		add(line{label: label, source: r.Source, target: r.Target, rule: r})
	}
	others := map[string]bool{}
	for _, s := range sides {
		for name := range s.Keys {
			others[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		if name != idField && !slices.ContainsFunc(all, func(l line) bool { return l.target == name }) {
			add(named(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(source.Keys)) {
		if name != idField && !slices.ContainsFunc(all, func(l line) bool { return l.source == name }) {
			add(line{label: name, source: name})
		}
	}
	return all
}

// targetCell is what a record has in a field, "" for a field that is the source's
// only.
func targetCell(l line, s Side) string {
	switch {
	case l.target == "":
		return ""
	case l.target == idField && s.Keys[idField] == "":
		return s.ID
	}
	return s.Keys[l.target]
}

func sourceCells(lines []line, source Side) []contract.ComparedField {
	cells := []contract.ComparedField{}
	for _, l := range lines {
		value := source.Keys[l.source]
		if l.source == idField && value == "" {
			value = source.ID
		}
		cells = append(cells, contract.ComparedField{Field: l.label, Value: shown(value)})
	}
	return cells
}

// likenesses compares what was read of both. Where one was not, there is nothing to
// say.
func likenesses(lines []line, source, side Side) []contract.ComparedField {
	cells := sourceCells(lines, source)
	for i, l := range lines {
		of := source.Keys[l.source]
		if l.source == idField && of == "" {
			of = source.ID
		}
		value := targetCell(l, side)
		cells[i].Value = shown(value)
		if source.Error == "" && side.Error == "" && l.source != "" && l.target != "" {
			cells[i].Likeness = identity.AlikeIn(l.target, l.rule, of, value)
		}
	}
	return cells
}

func compared(s Side, cells []contract.ComparedField) contract.ComparedRecord {
	r := contract.ComparedRecord{Connection: s.Connection, ID: s.ID, Name: status.SourceRecord{Keys: s.Keys}.Name(), Value: s.Value, Fields: cells, Error: s.Error}
	if s.Error == "" {
		r.ReadAt = contract.Stamp(s.at)
	}
	return r
}

// shown cuts a value that nobody would read to its end.
func shown(value string) string {
	text := []rune(strings.ToValidUTF8(value, ""))
	if len(text) <= mostShown {
		return string(text)
	}
	return string(text[:mostShown]) + "…"
}
