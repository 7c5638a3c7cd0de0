package reason

import (
	"fmt"
	"strings"
)

var link = Remedy{Verb: Link, Text: "choose the right record"}

// records are the reasons of the target's record of a customer, and of its link.
var records = map[Code]entry{
	NoRecord: {says: func(f Facts) string {
		sentence := fmt.Sprintf("no record of the target matches by any of the %d match rules", f.Count)
		if f.Count <= 1 {
			sentence = "no record of the target matches by the match rule"
		}
		if len(f.Keys) > 0 {
			sentence += fmt.Sprintf(" (%d could not be tried: the customer has no %s)", f.Count-f.Tried, without(f.Keys))
		}
		return sentence
	}, todo: do(Remedy{Verb: Retry, Text: "add the record or its key in the target, then look again"}, Remedy{Verb: Link, Text: "or choose its record"})},
	SeveralRecords: {says: func(f Facts) string {
		if f.Count == 0 {
			return "several records match" + before(" by ", f.Rule)
		}
		return fmt.Sprintf("%d records match%s", f.Count, before(" by ", f.Rule))
	}, todo: do(Remedy{Verb: Link, Text: "choose the right one"}, Remedy{Verb: Retry, Text: "or merge them in the target, then look again"})},
	NotSureEnough: {says: func(f Facts) string {
		if f.Rule == "" {
			return "one record matches, and its rule is not sure enough"
		}
		return fmt.Sprintf("one record matches by %s, which is only %g sure and %g is asked for", f.Rule, f.Sure, f.LeastSure)
	}, todo: do(Remedy{Verb: Link, Text: "confirm it, or choose another record"})},
	RecordTaken: {says: func(f Facts) string {
		return "the record found" + before(" by ", f.Rule) + " belongs to " + customer(f) + " already"
	}, todo: do(link)},
	SurvivorTaken: {says: func(f Facts) string {
		return "the linked record" + before(" ", f.Record) + " was merged into " + or(f.Survivor, "another") + " in " + target(f) + ", which belongs to " + customer(f) + " already"
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: LinksSet, Text: "set the right links"}, {Text: "or merge the two customers in " + source(f)}}
	}},
	RecordGone: {says: func(f Facts) string {
		return "the linked record" + before(" ", f.Record) + " is gone from " + target(f)
	},
		todo: do(Remedy{Verb: Link, Text: "choose the record that took its place"}, Remedy{Verb: Rematch, Text: "or let the match rules try again"})},
	SurvivorGone: {says: func(f Facts) string {
		return "the linked record" + before(" ", f.Record) + " is gone from " + target(f) + "; it was merged into " + or(f.Survivor, "another") + ", which no longer exists either"
	}, todo: do(Remedy{Verb: Link, Text: "choose another record"}, Remedy{Verb: Rematch, Text: "or remove the link and let the match rules try again"})},
	AnothersKey: {says: func(f Facts) string {
		return "the linked record" + before(" ", f.Record) + " shows the " + or(f.Key, "key") + " of " + customer(f) + " now, so nothing is written to it"
	}, todo: do(Remedy{Verb: Rematch, Text: "let the match rules try again"}, Remedy{Verb: Link, Text: "or choose the right record"})},
	NotThereYet: {says: func(f Facts) string {
		return because(f, "") + semicolon(f) + "it may not be there yet; Trueup will search again"
	}},
	LinkedBy: {says: func(f Facts) string { return who(f) + " linked it to " + or(f.Record, "a record") }},
	LinkRemovedBy: {says: func(f Facts) string {
		return who(f) + " removed its link"
	}},
	LinksRemovedBy: {says: func(f Facts) string { return who(f) + " removed all links" }},
	AccountsChanged: {says: func(f Facts) string {
		var sides []string
		for _, a := range f.Accounts {
			sides = append(sides, AccountMoved(a))
		}
		if len(sides) == 0 {
			sides = []string{"the links are of another account"}
		}
		prefix := ""
		if f.Sync != "" {
			prefix = f.Sync + ": "
		}
		return prefix + strings.Join(sides, "; ") + "; nothing is carried until a person decides"
	}, todo: do(Remedy{Verb: SameAccount, Text: "if it is the same account, say so"}, Remedy{Verb: RemoveAllLinks, Text: "if it is another one, remove all links of the sync"},
		Remedy{Text: "or put the file back"})},
}

// AccountMoved says which account a side reaches instead of its links'.
func AccountMoved(a Account) string {
	noted := ""
	if !a.At.IsZero() {
		noted = ", noted on " + a.At.UTC().Format("2006-01-02")
	}
	return fmt.Sprintf("the links are of another %s account: %s%s; the file has %s now", a.Side, a.Was, noted, a.Now)
}

// semicolon stands behind the reason within a reason.
func semicolon(f Facts) string {
	if f.Because == nil {
		return ""
	}
	return "; "
}
