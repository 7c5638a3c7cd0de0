package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/trueup-sync/trueup/proof/killtest"
)

// summary is what many rounds came to.
type summary struct {
	From    uint64             `json:"from"`
	Rounds  int                `json:"rounds"` // on each engine
	Seconds float64            `json:"seconds"`
	Engines map[string]*totals `json:"engines"`
	// Without are the disks that this machine does not have, and why.
	Without map[string]string `json:"without"`
	// Broken are the rounds in which an invariant did not hold, by the command
	// that runs one again.
	Broken map[string][]killtest.Breach `json:"broken"`

	order []string // of the engines
}

// totals are the sums over the rounds on one engine.
type totals struct {
	Rounds int `json:"rounds"`
	killtest.Tally
}

func newSummary(engines []string, from uint64) *summary {
	s := &summary{From: from, Engines: map[string]*totals{}, Without: map[string]string{}, Broken: map[string][]killtest.Breach{}, order: engines}
	for _, e := range engines {
		s.Engines[e] = &totals{}
	}
	return s
}

func (s *summary) add(r killtest.Result) {
	t := s.Engines[r.Round.Engine]
	t.Rounds++
	t.Add(r.Tally)
	s.Rounds = max(s.Rounds, t.Rounds)
	if len(r.Breaches) > 0 {
		s.Broken[r.Round.String()] = r.Breaches
	}
}

// mostTold is how many breaches of a round are printed.
const mostTold = 5

func (s *summary) print(out io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	s.row(table, "", func(e string) any { return e })
	kinds := map[string]bool{}
	for _, t := range s.Engines {
		for name := range t.Kinds {
			kinds[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		s.row(table, name, func(e string) any { return s.Engines[e].Kinds[name] })
	}
	fmt.Fprintln(table)
	for _, line := range []struct {
		name  string
		value func(*totals) any
	}{
		{"rounds", func(t *totals) any { return t.Rounds }},
		{"starts of the program", func(t *totals) any { return t.Starts }},
		{"customers", func(t *totals) any { return t.Customers }},
		{"webhooks posted", func(t *totals) any { return t.Posted }},
		{"events acknowledged", func(t *totals) any { return t.Acknowledged }},
		{"webhooks refused with 503", func(t *totals) any { return t.Refused }},
		{"writes that reached the target", func(t *totals) any { return t.Writes }},
		{"of them not answered", func(t *totals) any { return t.Cut }},
		{"of them repeated after a cut", func(t *totals) any { return t.Repeated }},
		{"edits by people", func(t *totals) any { return t.Edits }},
		{"seconds", func(t *totals) any { return fmt.Sprintf("%.0f", t.Seconds) }},
	} {
		s.row(table, line.name, func(e string) any { return line.value(s.Engines[e]) })
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d rounds on each engine from seed %d, in %.0f s\n", s.Rounds, s.From, s.Seconds)
	for _, name := range slices.Sorted(maps.Keys(s.Without)) {
		fmt.Fprintf(out, "without the rounds on a %s: %s\n", name, s.Without[name])
	}
	if len(s.Broken) == 0 {
		fmt.Fprintln(out, "all invariants held")
		return nil
	}
	for _, again := range slices.Sorted(maps.Keys(s.Broken)) {
		fmt.Fprintf(out, "\nFAILED: %s\n", again)
		for n, b := range s.Broken[again] {
			if n == mostTold {
				fmt.Fprintf(out, "  and %d more\n", len(s.Broken[again])-n)
				break
			}
			fmt.Fprintf(out, "  %s\n", b)
		}
	}
	return nil
}

// row prints a line with a value for each engine.
func (s *summary) row(table io.Writer, name string, value func(engine string) any) {
	fmt.Fprintf(table, "%s\t", name)
	for _, e := range s.order {
		fmt.Fprintf(table, "%v\t", value(e))
	}
	fmt.Fprintln(table)
}
