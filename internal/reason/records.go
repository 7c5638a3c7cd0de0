package reason

import (
	"fmt"
	"strings"
)

// records are the reasons of the target's record of a customer, and of its link.
var records = map[Code]entry{
	NoRecord: {says: func(f Facts) string {
		sentence := fmt.Sprintf("no record in %s matches this customer by any of the %d match rules", target(f), f.Count)
		if f.Count <= 1 {
			sentence = "no record in " + target(f) + " matches this customer by the match rule"
		}
		if len(f.Keys) > 0 {
			sentence += fmt.Sprintf(" (%d could not be tried: the customer has no %s)", f.Count-f.Tried, without(f.Keys))
		}
		return sentence
	}, todo: do(Remedy{Verb: Retry, Text: "create the record or correct its key, then retry"}, Remedy{Verb: Link, Text: "or link the customer to an existing record"})},
	SeveralRecords: {says: func(f Facts) string {
		if f.Count == 0 {
			return "several records in " + target(f) + " match" + before(" by ", f.Rule)
		}
		return fmt.Sprintf("%d records in %s match%s", f.Count, target(f), before(" by ", f.Rule))
	}, todo: do(Remedy{Verb: Link, Text: "link the customer to the right record"}, Remedy{Verb: Retry, Text: "or merge the duplicates, then retry"})},
	NotSureEnough: {says: func(f Facts) string {
		if f.Rule == "" {
			return "one record matches, but its rule is less certain than min_confidence"
		}
		return fmt.Sprintf("one record matches by %s, with confidence %g; min_confidence is %g", f.Rule, f.Sure, f.LeastSure)
	}, todo: do(Remedy{Verb: Link, Text: "if it is the right record, link the customer to it; if not, to another"})},
	RecordTaken: {says: func(f Facts) string {
		return "the record found" + before(" by ", f.Rule) + " is already linked to " + customer(f)
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: Link, Text: "if they are two customers, link this one to a record of its own"}, {Verb: Retry, Text: "or, if the record is this one's, remove the link of " + customer(f) + " and retry"},
			{Verb: Resolve, Text: "or, if they are one customer, merge them in " + source(f) + " and close this"}}
	}},
	SurvivorTaken: {says: func(f Facts) string {
		return "the linked record" + before(" ", f.Record) + " was merged into " + or(f.Survivor, "another") + " in " + target(f) + ", which is already linked to " + customer(f)
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: LinksSet, Text: "set the right links"}, {Text: "or merge the two customers in " + source(f)}}
	}},
	RecordGone: {says: func(f Facts) string {
		return target(f) + " no longer has the linked record" + before(" ", f.Record)
	},
		todo: do(Remedy{Verb: Link, Text: "link the record that took its place"}, Remedy{Verb: Rematch, Text: "or remove the link and run the match rules again"})},
	SurvivorGone: {says: func(f Facts) string {
		return target(f) + " no longer has the linked record" + before(" ", f.Record) + "; it was merged into " + or(f.Survivor, "another") + ", which no longer exists either"
	}, todo: do(Remedy{Verb: Link, Text: "link another record"}, Remedy{Verb: Rematch, Text: "or remove the link and run the match rules again"})},
	AnothersKey: {says: func(f Facts) string {
		return "the linked record" + before(" ", f.Record) + " now shows the " + or(f.Key, "key") + " of " + customer(f) + ", so nothing is written to it"
	}, todo: do(Remedy{Verb: Rematch, Text: "remove the link and run the match rules again"}, Remedy{Verb: Link, Text: "or link the right record"})},
	NotThereYet: {says: func(f Facts) string {
		return because(f, "") + semicolon(f) + "it may not exist yet, so Trueup will check again"
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
			sides = []string{"the links belong to a different account"}
		}
		prefix := ""
		if f.Sync != "" {
			prefix = f.Sync + ": "
		}
		return prefix + strings.Join(sides, "; ") + "; nothing is synced until a person decides"
	}, todo: do(Remedy{Verb: SameAccount, Text: "if it is the same account, confirm it"}, Remedy{Verb: RemoveAllLinks, Text: "if it is another one, remove all links of the sync"},
		Remedy{Text: "or put the file back"})},
}

// AccountMoved says which account a side reaches instead of its links'.
func AccountMoved(a Account) string {
	noted := ""
	if !a.At.IsZero() {
		noted = ", noted on " + a.At.UTC().Format("2006-01-02")
	}
	return fmt.Sprintf("the links belong to a different %s account: %s%s; the file now has %s", a.Side, a.Was, noted, a.Now)
}

// semicolon stands behind the reason within a reason.
func semicolon(f Facts) string {
	if f.Because == nil {
		return ""
	}
	return "; "
}
