package reason

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// entry is what the catalogue has for a code: its sentence, and what can be done.
type entry struct {
	says func(Facts) string
	todo func(Facts) []Remedy
}

// catalogue has every code. Whoever words one again changes a text here, and
// nothing else.
var catalogue = map[Code]entry{}

func init() {
	for _, part := range []map[Code]entry{decisions, events, sources, records, writes, rows, undo, failures} {
		for code, e := range part {
			catalogue[code] = e
		}
	}
	for code, a := range acts {
		catalogue[code] = entry{says: a.says}
	}
}

// always is a sentence without facts.
func always(sentence string) func(Facts) string {
	return func(f Facts) string { return f.Reader.names(sentence) }
}

// or is a name, or what stands for it where it is not known.
func or(name, otherwise string) string { return cmp.Or(name, otherwise) }

func source(f Facts) string     { return or(f.Source, f.Reader.names("the source")) }
func target(f Facts) string     { return or(f.Target, f.Reader.names("the target")) }
func connection(f Facts) string { return or(f.Connection, "the connection") }
func value(f Facts) string      { return or(f.Value, "the value") }
func customer(f Facts) string   { return named("customer", f.Customer, "another customer") }
func who(f Facts) string        { return or(f.By, "someone") }
func sync(f Facts) string       { return or(f.Sync, "the sync") }

// named puts a word before a name.
func named(word, name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return word + " " + name
}

// together says whose status decides for customers who are one.
func together(f Facts) string {
	if f.Decider == "" {
		return ""
	}
	of := ""
	if f.Sharing > 0 {
		of = fmt.Sprintf(", the best of %d", f.Sharing)
	}
	return "; the status is customer " + f.Decider + "'s" + of
}

// holds is a value for people.
func holds(value string) string { return or(value, "nothing") }

// because says the reason within a reason, after what stands before it.
func because(f Facts, before string) string {
	if f.Because == nil {
		return ""
	}
	return before + f.Because.Sentence()
}

// at says when, nothing where that is not known.
func at(f Facts, before string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return before + f.Reader.when(t, false)
}

// quoted lists words.
func quoted(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = fmt.Sprintf("%q", word)
	}
	return strings.Join(texts, ", ")
}

// short cuts a word to a length that a person reads.
func short(value string) string {
	const most = 80
	if runes := []rune(value); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return value
}

// word is a status as the source spells it, quoted.
func word(value string) string { return fmt.Sprintf("%q", short(value)) }

// before puts a word before a text, and nothing before none.
func before(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

// period is a duration without its empty ends: 1h for 1h0m0s.
func period(within string) string {
	if rest, whole := strings.CutSuffix(within, "m0s"); whole {
		within = rest + "m"
	}
	if rest, whole := strings.CutSuffix(within, "h0m"); whole {
		within = rest + "h"
	}
	return within
}

// counted is a number of things, "some" where it is not known.
func counted(n int, thing string) string {
	if n == 0 {
		return "some " + thing + "s"
	}
	return status.Plural(n, thing)
}

// without lists what is missing, each once.
func without(keys []string) string {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	return strings.Join(keys, ", no ")
}
