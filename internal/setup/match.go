package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
)

// MatchTest is what the match rules find. Nothing was written for it.
type MatchTest struct {
	// Of is how many customers were tested so far, All that it is all of them and not a
	// sample.
	Of   int
	All  bool
	Done bool
	// Cut says that the target has more records than a test of all holds, so that only
	// the first customers were tested.
	Cut bool
	// Err is why it ended early.
	Err error
	// By are how many each rule found, in the order of the rules.
	By []Found
	// None, Several and Unsure are those for whom an owner would be asked.
	None, Several, Unsure Found
}

// Found is how many customers a test put into one group, and some of them.
type Found struct {
	Customers int
	Examples  []Example
}

// Example is one customer of a group.
type Example struct {
	Name, Customer, By string
	Record             string
	Records            int
}

// Found is how many customers have exactly one record.
func (t MatchTest) Found() (n int) {
	for _, f := range t.By {
		n += f.Customers
	}
	return n
}

// mostExamples is how many customers of a group are shown.
const mostExamples = 3

// SuggestRules returns the rules that the keys of both tools suggest: an id that the
// source keeps of the target's record, an id that the target keeps of the customer,
// and the email address.
func (s *Setup) SuggestRules() []Rule {
	d := s.Draft()
	if len(d.Rules) > 0 {
		return d.Rules
	}
	source, target := s.Survey(Source), s.Survey(Target)
	var rules []Rule
	for _, key := range source.KeysByCount() {
		if holdsID(key, d.Target) {
			rules = append(rules, Rule{Source: key, Target: "id", Confidence: 1})
		}
	}
	for _, key := range target.KeysByCount() {
		if key == "external_id" || holdsID(key, d.Source) {
			rules = append(rules, Rule{Source: "id", Target: key, Confidence: 1})
		}
	}
	if source.Keys["email"] > 0 && (target.Keys["email"] > 0 || target.NoList || target.Read == 0) || len(rules) == 0 {
		rules = append(rules, Rule{Source: "email", Target: "email", Confidence: 0.9})
	}
	return rules
}

// holdsID reports whether a key's name says that it holds an id in the other tool, such
// as metadata.crm_id or ghl_contact_id.
func holdsID(key string, of Tool) bool {
	last := key[strings.LastIndex(key, ".")+1:]
	return last == of.Name+"_id" || of.Type == "gohighlevel" && (strings.HasPrefix(last, "ghl_") || strings.HasPrefix(last, "highlevel_")) && strings.HasSuffix(last, "_id") ||
		of.Type == "stripe" && (last == "stripe_id" || last == "stripe_customer_id")
}

// mostRules bounds how many rules a set-up takes.
const mostRules = 10

// SetMatch keeps the match rules.
func (s *Setup) SetMatch(rules []Rule, least float64, done bool) error {
	var wrong Problems
	switch {
	case len(rules) == 0:
		wrong.add("rules", "Keep at least one rule.")
	case len(rules) > mostRules:
		wrong.add("rules", "More than %d rules belong into trueup.yaml.", mostRules)
	}
	if least <= 0 || least > 1 {
		wrong.add("min", "Write a number above 0 and up to 1.")
	}
	for i, r := range rules {
		switch {
		case r.Source == "" || r.Target == "" || len(r.Source) > longestValue || len(r.Target) > longestValue || strings.ContainsFunc(r.Source+r.Target, func(c rune) bool { return c < ' ' }):
			wrong.add("rules", "A rule needs a key of each tool.")
		case r.Confidence <= 0 || r.Confidence > 1:
			wrong.add("rules", "A rule's confidence is above 0 and at most 1.")
		case slices.ContainsFunc(rules[:i], func(o Rule) bool { return o.Source == r.Source && o.Target == r.Target }):
			wrong.add("rules", "This rule is there already.")
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	step := Step("")
	if done {
		step = Match
	}
	return s.change(step, func(d *Draft) error {
		if !slices.Equal(d.Rules, rules) || d.MinConfidence != least {
			s.dropTest()
		}
		d.Rules, d.MinConfidence = rules, least
		return nil
	})
}

// MatchTest returns the test that was made last, or is under way.
func (s *Setup) MatchTest() (t MatchTest, begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.test == nil {
		return MatchTest{}, false
	}
	t = *s.test
	t.By = slices.Clone(t.By)
	return t, true
}

// dropTest ends and forgets a test whose rules or tools are other ones now; whoever
// calls holds the lock.
func (s *Setup) dropTest() {
	if s.test != nil {
		s.endTest()
	}
	s.test = nil
}

// TestMatch begins to test the rules, on the first customers or on all.
func (s *Setup) TestMatch(all bool) error {
	from, err1 := s.connection(Source)
	to, err2 := s.connection(Target)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.test != nil && !s.test.Done || s.ended.Err() != nil {
		return nil // it is under way
	}
	d := s.draft
	t := &MatchTest{All: all, By: make([]Found, len(d.Rules))}
	ctx, end := context.WithCancel(s.ended)
	s.test, s.endTest = t, end
	s.jobs.Go(func() {
		defer end()
		err := s.testMatch(ctx, t, d, from, to)
		s.mu.Lock()
		defer s.mu.Unlock()
		t.Err, t.Done = err, true
	})
	return nil
}

func (s *Setup) testMatch(ctx context.Context, t *MatchTest, d Draft, from, to config.Connection) error {
	source, closeSource, err := open(from, d.use(Source))
	if err != nil {
		return err
	}
	defer closeSource()
	target, closeTarget, err := open(to, d.use(Target))
	if err != nil {
		return err
	}
	defer closeTarget()
	if source.SourceList == nil {
		return fmt.Errorf("%s has no list of its customers, so nothing can be tested; each customer is matched when its first event arrives", from.Name)
	}
	if target.Target == nil {
		return fmt.Errorf("%s cannot be searched yet", to.Name)
	}
	rules := d.rules()
	find := finder(target.Target)
	if t.All && target.TargetList != nil {
		held, err := index(ctx, target.TargetList, rules)
		switch {
		case errors.Is(err, errTooMany):
			s.mu.Lock()
			t.All, t.Cut = false, true
			s.mu.Unlock()
		case err != nil:
			return err
		default:
			find = held
		}
	}
	left := sampled
	var circle connector.Circle
	for cursor := ""; ; {
		if circle.Turn(cursor) {
			return connector.Endless()
		}
		page, next, err := source.SourceList.List(ctx, cursor)
		if err != nil {
			return err
		}
		for _, r := range page {
			if !t.All && left == 0 {
				return nil
			}
			left--
			found, err := identity.Match(ctx, rules, r.Keys, r.ID, d.MinConfidence, find)
			if err != nil {
				return err
			}
			s.mu.Lock()
			t.note(r, found, rules)
			s.mu.Unlock()
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// rules are the draft's rules as they are carried out.
func (d Draft) rules() []identity.Rule {
	all := make([]identity.Rule, len(d.Rules))
	for i, r := range d.Rules {
		all[i] = identity.Rule{Source: r.Source, Target: r.Target, Confidence: r.Confidence}
	}
	return all
}

// finder searches the target as the path does.
func finder(target connector.Target) identity.Finder {
	return func(ctx context.Context, key, value string) ([]status.TargetRecord, error) {
		if key != "id" {
			return target.Find(ctx, key, value)
		}
		r, err := target.Read(ctx, value)
		switch {
		case err == nil:
			return []status.TargetRecord{r}, nil
		case connector.FailureOf(err).Kind == connector.Gone:
			return nil, nil
		}
		return nil, err
	}
}

// errTooMany says that the target has more records than are held.
var errTooMany = errors.New("too many records to hold")

// index reads all records of the target once, to be found by the keys of the rules. It
// gives up with errTooMany.
func index(ctx context.Context, list connector.TargetList, rules []identity.Rule) (identity.Finder, error) {
	by := map[[2]string][]status.TargetRecord{}
	normal := identity.Normalizer(rules)
	read := 0
	var circle connector.Circle
	for cursor := ""; ; {
		if circle.Turn(cursor) {
			return nil, connector.Endless()
		}
		page, next, err := list.List(ctx, cursor)
		if err != nil {
			return nil, err
		}
		if read += len(page); read > mostHeld {
			return nil, errTooMany
		}
		for _, r := range page {
			seen := map[string]bool{}
			for _, rule := range rules {
				has := r.Keys[rule.Target]
				if rule.Target == "id" {
					has = r.ID
				}
				if has = normal(rule.Target, has); has == "" || seen[rule.Target] {
					continue
				}
				seen[rule.Target] = true
				at := [2]string{rule.Target, has}
				by[at] = append(by[at], status.TargetRecord{ID: r.ID, Keys: map[string]string{rule.Target: r.Keys[rule.Target]}})
			}
		}
		if next == "" {
			break
		}
		cursor = next
	}
	return func(_ context.Context, key, value string) ([]status.TargetRecord, error) {
		return by[[2]string{key, normal(key, value)}], nil
	}, nil
}

// note counts one customer.
func (t *MatchTest) note(r status.SourceRecord, found identity.Result, rules []identity.Rule) {
	t.Of++
	e := Example{Name: r.Keys["name"], Customer: r.ID, By: r.Keys["email"], Records: len(found.Candidates)}
	switch found.Kind {
	case "":
		e.Record = found.Record.ID
		t.By[slices.Index(rules, found.Rule)].add(e)
	case status.Unmatched:
		t.None.add(e)
	case status.AmbiguousMatch:
		t.Several.add(e)
	default:
		t.Unsure.add(e)
	}
}

func (f *Found) add(e Example) {
	f.Customers++
	if len(f.Examples) < mostExamples {
		f.Examples = append(f.Examples, e)
	}
}
