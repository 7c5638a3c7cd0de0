// Package mapping translates a status from the source's words into ours and
// into the target's.
//
// Main types: Map (one sync's vocabulary), Result, UnmappedError.
//
// Invariants: a word that nobody listed is an error and never a default; words
// are compared as the tool spells them; the result depends on nothing but the
// vocabulary and the word.
//
// It may import internal/status and internal/reason and nothing else of ours; it does no I/O and
// reads no clock.
package mapping

import (
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// Entry is how the two tools call one of our statuses.
type Entry struct {
	From []string // the source's words that mean it
	To   string   // the target's word for it
}

// Map is the vocabulary of one sync. It does not change once it is made.
type Map struct {
	from    map[string]Result
	targets map[string]status.Status
}

// Result is what a source's word means.
type Result struct {
	Status status.Status
	Value  string // the target's word
	// Ignored says that the word is listed as one to carry nowhere.
	Ignored bool
}

// New makes a Map. That no word is listed twice is the configuration's rule;
// should one be, the statuses are taken in alphabetical order and the first has
// it.
func New(entries map[status.Status]Entry, ignore []string) Map {
	m := Map{from: map[string]Result{}, targets: map[string]status.Status{}}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e := entries[name]
		for _, word := range e.From {
			if _, taken := m.from[word]; !taken {
				m.from[word] = Result{Status: name, Value: e.To}
			}
		}
		if _, taken := m.targets[e.To]; !taken {
			m.targets[e.To] = name
		}
	}
	for _, word := range ignore {
		if _, taken := m.from[word]; !taken {
			m.from[word] = Result{Ignored: true}
		}
	}
	return m
}

// Source returns what the source's word means, or an *UnmappedError.
func (m Map) Source(value string) (Result, error) {
	r, ok := m.from[value]
	if !ok {
		return Result{}, &UnmappedError{Value: value}
	}
	return r, nil
}

// Target returns our status for the target's word, "" when it is none of those
// we write.
func (m Map) Target(value string) status.Status { return m.targets[value] }

// Ignored is why an ignored word is carried nowhere.
func Ignored(value string) reason.Reason {
	return reason.Reason{Code: reason.ValueIgnored, Facts: reason.Facts{Value: value}}
}

// UnmappedError is a word of the source that nobody has listed.
type UnmappedError struct{ Value string }

// Reason is why it cannot be translated.
func (e *UnmappedError) Reason() reason.Reason {
	return reason.Reason{Code: reason.ValueUnmapped, Facts: reason.Facts{Value: e.Value}}
}

func (e *UnmappedError) Error() string { return e.Reason().Sentence() }
