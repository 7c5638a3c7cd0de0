package mapchange

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Effect is what a meaning does to those who wait for it, by what is known of their
// records. What is not known for sure is said to be unknown: the path reads both
// tools before it decides.
func Effect(s config.Sync, r Request, waiting []store.Waiting) contract.MapEffect {
	e := contract.MapEffect{Holding: []contract.MapGroup{}}
	words := overview.Words(s)
	to := s.Statuses[status.Status(r.Meaning)].To
	for _, w := range waiting {
		g := contract.MapGroup{Value: w.Value, Status: words.Target(w.Value), Read: w.Seen, Customers: w.Customers, Becomes: becomes(s, r, to, w)}
		e.Customers += w.Customers
		switch g.Becomes {
		case contract.BecomesWritten:
			e.Write += w.Customers
		case contract.BecomesEqual:
			e.AlreadyEqual += w.Customers
		case contract.BecomesHeld:
			e.Held += w.Customers
		case contract.BecomesUnknown:
			e.Unknown += w.Customers
		}
		e.Holding = merged(e.Holding, g)
	}
	e.Summary = summary(s, r, to, e)
	return e
}

// merged adds a group to those that hold the same and become the same.
func merged(all []contract.MapGroup, g contract.MapGroup) []contract.MapGroup {
	for i := range all {
		if all[i].Value == g.Value && all[i].Read == g.Read && all[i].Becomes == g.Becomes {
			all[i].Customers += g.Customers
			return all
		}
	}
	return append(all, g)
}

func becomes(s config.Sync, r Request, to string, w store.Waiting) string {
	switch {
	case r.Meaning == Ignore:
		return contract.BecomesNothing
	case !w.Seen:
		return contract.BecomesUnknown
	case w.Value == to:
		return contract.BecomesEqual
	case w.Pinned:
		return contract.BecomesHeld
	case w.Ours && w.Value == w.Base:
		return contract.BecomesWritten
	case !w.Ours && w.Value == "":
		return contract.BecomesWritten
	case !w.Ours && s.FirstContact == config.Ask:
		return contract.BecomesHeld
	}
	return contract.BecomesUnknown // someone edited it: who was later is seen when it is read
}

// summary says an effect in sentences.
func summary(s config.Sync, r Request, to string, e contract.MapEffect) string {
	if e.Customers == 0 {
		return "No customer waits for this value."
	}
	if r.Meaning == Ignore {
		return fmt.Sprintf("Nothing changes. %s not synced while they have it.", are(e.Customers))
	}
	all := []string{}
	say := func(n int, format string, args ...any) {
		if n > 0 {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	say(e.AlreadyEqual, "%s as %s.", stay(e.AlreadyEqual), pick(e.AlreadyEqual, "it is", "they are"))
	for _, g := range e.Holding {
		if g.Becomes == contract.BecomesWritten {
			say(g.Customers, "%s from %s to %s.", change(g.Customers), cmp.Or(g.Value, "an empty field"), to)
		}
	}
	say(e.Held, "%s as %s and %s a person: pinned, or never written by Trueup.", stay(e.Held), pick(e.Held, "it is", "they are"), pick(e.Held, "needs", "need"))
	say(e.Unknown, "For %s, Trueup decides once it has read both tools.", status.Plural(e.Unknown, "customer"))
	if s.Watches() {
		all = append(all, "The sync only watches, so nothing is written yet.")
	}
	return strings.Join(all, " ")
}

func pick(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func are(n int) string { return status.Plural(n, "customer") + pick(n, " is", " are") }

func stay(n int) string { return status.Plural(n, "customer") + pick(n, " stays", " stay") }

func change(n int) string { return status.Plural(n, "customer") + pick(n, " changes", " change") }
