package store

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
)

// kept is a reason as a row has it: its code and facts, or a sentence in rows from
// before there were codes.
type kept struct{ text, code, facts string }

func keep(r reason.Reason) (k kept) {
	k.text, k.code, k.facts = r.Stored()
	return k
}

func (k kept) reason() reason.Reason { return reason.FromStored(k.text, k.code, k.facts) }

// factsWithout replaces a person's names in facts: by key where a fact is a name,
// and in the texts of tools as prose does.
func (n *namer) factsWithout(text string, prose func(string) (string, bool)) (string, bool) {
	var f reason.Facts
	if text == "" || json.Unmarshal([]byte(text), &f) != nil {
		return prose(text)
	}
	f, changed := f.Rename(n.keyed, prose)
	if !changed {
		return n.replaced(text)
	}
	out, err := json.Marshal(f)
	if err != nil {
		return prose(text)
	}
	again, _ := n.replaced(string(out))
	return again, true
}

// keyed is the pseudonym of a fact that is one of the names, and else the fact
// without what is surely one. The ids of events that polling makes hold one.
func (n *namer) keyed(fact string) (string, bool) {
	switch {
	case slices.Contains(n.names, fact):
		return n.pseudonym, true
	case strings.HasPrefix(fact, "list:"):
		return replaceWhole(n.anywhere, fact, func(string) string { return n.pseudonym })
	}
	return n.replaced(fact)
}

// troublesWithout does the same for each trouble of a whole sync.
func (n *namer) troublesWithout(text string, prose func(string) (string, bool)) (string, bool) {
	all, err := troublesOf(text)
	if err != nil {
		return prose(text)
	}
	changed := false
	for i := range all {
		action, here := prose(all[i].Action)
		facts, there := all[i].Reason.Facts.Rename(n.keyed, prose)
		if here || there {
			all[i], changed = trouble{action, reason.Reason{Code: all[i].Reason.Code, Facts: facts}}, true
		}
	}
	if !changed {
		return text, false
	}
	out, err := json.Marshal(all)
	if err != nil {
		return prose(text)
	}
	return string(out), true
}
