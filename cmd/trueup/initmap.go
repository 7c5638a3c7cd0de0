package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// pairs reads flags of the form A=B.
func pairs(flag string, all []string) (map[string]string, error) {
	out := map[string]string{}
	for _, one := range all {
		// A value can hold an = itself; a status and a key cannot.
		at := strings.LastIndex(one, "=")
		if flag != "means" {
			at = strings.Index(one, "=")
		}
		if at < 1 {
			return nil, usage("see trueup init --help", "--%s %q has no = inside", flag, one)
		}
		out[one[:at]] = one[at+1:]
	}
	return out, nil
}

var meaningsOfInit = []choice{{"active", ""}, {"paused", ""}, {"churned", ""}, {string(setup.Ignored), "known, and not synced"}, {later, "leave a gap; customers with it become exceptions"}}

// later is the answer that leaves a value without a meaning.
const later = "later"

func (o *initOptions) askMap(t *talk, s *setup.Setup) error {
	means, err := pairs("means", o.means)
	if err != nil {
		return err
	}
	to, err := pairs("to", o.to)
	if err != nil {
		return err
	}
	said := setup.MapAnswer{Means: map[string]status.Status{}, To: map[status.Status]string{}}
	for value, meaning := range means {
		said.Means[value] = status.Status(meaning)
	}
	for one, value := range to {
		said.To[status.Status(one)] = value
	}
	suggested := s.Suggest()
	if t.asks {
		if err := t.askMeanings(s, suggested, said); err != nil {
			return err
		}
	}
	return s.SetStatuses(said)
}

// askMeanings asks what each value means and what the target shows for each status. What
// is suggested is accepted with Enter.
func (t *talk) askMeanings(s *setup.Setup, suggested setup.Suggestion, said setup.MapAnswer) error {
	d := s.Draft()
	needed := map[status.Status]bool{}
	if len(suggested.Values) > 0 {
		t.list("What does each value of "+d.Source.Name+" mean?", meaningsOfInit)
	}
	for _, v := range suggested.Values {
		means, ok := said.Means[v.Value]
		if ok {
			t.say("%q means %s\n", v.Value, means)
		} else {
			answer, err := t.pick(fmt.Sprintf("%q (%s)", v.Value, status.Plural(v.Customers, "customer")), meaningsOfInit, cmp.Or(string(v.Means), string(v.Proposed), later))
			if err != nil {
				return err
			}
			if answer != later {
				means = status.Status(answer)
			}
			said.Means[v.Value] = means
		}
		needed[means] = true
	}
	for _, one := range []status.Status{"active", "paused", "churned"} {
		if !needed[one] || said.To[one] != "" {
			continue
		}
		question := fmt.Sprintf("What does %s show for %s", d.Target.Name, one)
		if len(suggested.Options) > 0 {
			question += " (" + strings.Join(suggested.Options, ", ") + ")"
		}
		answer, err := t.checked(question, suggested.To[one], func(text string) string {
			if text != "" && suggested.Options != nil && !slices.Contains(suggested.Options, text) {
				return fmt.Sprintf("%q is none of its values.", text)
			}
			for other, value := range said.To {
				if value == text && text != "" && needed[other] {
					return fmt.Sprintf("%q is what it shows for %s. Enter another value.", text, other)
				}
			}
			return ""
		})
		if err != nil {
			return err
		}
		said.To[one] = answer
	}
	return nil
}

func (o *initOptions) askMatch(t *talk, s *setup.Setup) error {
	rules, err := matchRules(o.match)
	if err != nil {
		return err
	}
	if len(rules) == 0 {
		rules = s.SuggestRules()
		if t.asks {
			var usual []string
			for _, r := range rules {
				usual = append(usual, fmt.Sprintf("%s=%s:%g", r.Source, r.Target, r.Confidence))
			}
			t.say("\nBy which keys is a customer's record found? SOURCE=TARGET:CONFIDENCE, the surest first.\n")
			answer, err := t.checked("Match rules", strings.Join(usual, " "), func(text string) string {
				if _, err := matchRules(strings.Fields(text)); err != nil {
					return err.Error() + "; write one as email=email:0.9"
				}
				return ""
			})
			if err != nil {
				return err
			}
			if rules, err = matchRules(strings.Fields(answer)); err != nil {
				return err
			}
		}
	}
	return s.SetMatch(rules, s.Draft().MinConfidence, true)
}

// matchRules reads rules of the form SOURCE=TARGET:CONFIDENCE.
func matchRules(all []string) (rules []setup.Rule, err error) {
	for _, one := range all {
		text, sure, has := strings.Cut(one, ":")
		r := setup.Rule{Confidence: 1}
		ok := false
		if r.Source, r.Target, ok = strings.Cut(text, "="); !ok {
			return nil, usage("write a rule as --match email=email:0.9", "the match rule %q has no = inside", one)
		}
		if has {
			if r.Confidence, err = strconv.ParseFloat(sure, 64); err != nil {
				return nil, usage("write a rule as --match email=email:0.9", "the confidence of the match rule %q is no number", one)
			}
		}
		rules = append(rules, r)
	}
	return rules, nil
}
