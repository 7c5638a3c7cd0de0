package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// HasSeveral is an optional ability of Settings: to read several customers of a
// source as one.
type HasSeveral interface {
	// Several returns the order of the source's words, the best first, nil where
	// nothing says it; and in words for people why customers with one value of the key
	// cannot be found, "" when they can.
	Several(key string) (precedence []string, problem, remedy string)
}

// severalKey is the only key by which several customers can be one: it is kept, so
// that one who was deleted still belongs to the others.
const severalKey = "email"

// several checks what a match rule says of several customers with one value.
func (v *validator) several(at string, rule MatchRule, before []MatchRule) {
	v.word(at+".several", rule.Several, SeveralAsk, SeveralFold)
	if rule.Several != SeveralFold {
		if rule.Precedence != nil {
			v.invalid(at+".precedence", "it is for several: fold only", "add several: fold, or remove the key")
		}
		return
	}
	if rule.Source != severalKey {
		v.invalid(at+".several", "customers can be one by their email only, because no other key of a deleted customer is kept", "write several: fold in a rule with source: email, or remove it")
	}
	if slices.ContainsFunc(before, func(r MatchRule) bool { return r.Several == SeveralFold }) {
		v.invalid(at+".several", "another rule has several: fold", "keep it in one rule")
	}
	for i, word := range rule.Precedence {
		if slices.Contains(rule.Precedence[:i], word) {
			item := at + ".precedence[" + strconv.Itoa(i) + "]"
			v.invalid(item, v.show(item, word)+" is there twice", "keep the place that it has among the others")
		}
	}
}

// checkSeveral checks that each source whose customers are folded can be asked for
// them, and that each of its words has a place.
func checkSeveral(r *report, c *Config) {
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		s := c.Syncs[name]
		for i, rule := range s.Match {
			at := fmt.Sprintf("%s.match[%d]", join("syncs", name), i)
			if rule.Several != SeveralFold || r.has(at) || r.has(at+".several") || r.has(at+".precedence") {
				continue
			}
			precedence, problem, remedy := []string(nil), "its source cannot be asked who else has the email", "remove several: fold"
			if has, ok := c.Connections[s.Source.Connection].Settings.(HasSeveral); ok {
				precedence, problem, remedy = has.Several(rule.Source)
			}
			if problem != "" {
				r.invalid(at+".several", problem, remedy)
				continue
			}
			key := at + ".several"
			if rule.Precedence != nil {
				precedence, key = rule.Precedence, at+".precedence"
			}
			r.placed(key, precedence, s.SourceSide().Values)
		}
	}
}

// placed reports the words that have no place in an order.
func (r *report) placed(at string, precedence, words []string) {
	if len(precedence) == 0 {
		r.invalid(at, "nothing says which status is the best of several", "write precedence: [...] in the rule, with every value of the source, the best first")
		return
	}
	for _, word := range words {
		if !slices.Contains(precedence, word) {
			r.invalid(at, fmt.Sprintf("%s has no place in the order of statuses", r.show(at, word)), "add it to precedence in the rule, with every other value of the source, the best first")
			return
		}
	}
}
