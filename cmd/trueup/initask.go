package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// talk asks a person at a terminal. Where there is none, every answer is what stands in
// brackets.
type talk struct {
	ctx   context.Context
	asks  bool
	file  *os.File
	lines *bufio.Reader
	out   io.Writer
}

// choice is one answer of several.
type choice struct{ name, about string }

func newTalk(cmd *cobra.Command) *talk {
	t := &talk{ctx: cmd.Context(), out: cmd.ErrOrStderr()}
	if file, ok := cmd.InOrStdin().(*os.File); ok && isTerminal(file) {
		t.asks, t.file, t.lines = true, file, bufio.NewReader(file)
	}
	return t
}

func (t *talk) say(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// line asks for one line.
func (t *talk) line(question, usual string) (string, error) {
	if !t.asks {
		return usual, nil
	}
	t.say("%s", question)
	if usual != "" {
		t.say(" [%s]", usual)
	}
	t.say(": ")
	text, err := t.lines.ReadString('\n')
	if errors.Is(err, io.EOF) && text == "" {
		return "", usage("nothing was written; what you have answered is kept for the next trueup init", "the answers have ended")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		return usual, nil
	}
	return text, nil
}

// secret asks for a line that the terminal does not show.
func (t *talk) secret(question string) (string, error) {
	if !t.asks {
		return "", nil
	}
	t.say("%s (not shown): ", question)
	text, err := term.ReadPassword(int(t.file.Fd()))
	t.say("\n")
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(string(text)), err
}

// choose asks for one of several, by its name or its number.
func (t *talk) choose(question string, all []choice, usual string) (string, error) {
	if !t.asks {
		return usual, nil
	}
	t.say("\n%s\n", question)
	for i, one := range all {
		about := ""
		if one.about != "" {
			about = "  " + one.about
		}
		t.say("  %d  %s%s\n", i+1, one.name, about)
	}
	for {
		answer, err := t.line("Number or name", usual)
		if err != nil {
			return "", err
		}
		if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(all) {
			return all[n-1].name, nil
		}
		if slices.ContainsFunc(all, func(c choice) bool { return c.name == answer }) {
			return answer, nil
		}
		t.say("%q is none of them.\n", answer)
	}
}

// settings asks for what is not given about a tool. What is left empty is filled in by
// hand later.
func (t *talk) settings(kind setup.Type, side setup.Side, known setup.Tool, given map[string]string) (map[string]string, error) {
	all := map[string]string{}
	if t.asks && len(given) == 0 {
		t.say("\n%s (%s). Leave empty what you do not have yet; the file then says where it belongs.\n", kind.Label, side)
	}
	for _, f := range kind.FieldsOf(side) {
		if text, ok := given[f.Key]; ok {
			all[f.Key] = text
			continue
		}
		all[f.Key] = known.Settings[f.Key]
		if !t.asks || f.Optional {
			continue
		}
		var err error
		switch {
		case f.Secret && slices.Contains(known.Secrets, f.Key):
			all[f.Key], err = t.secret(f.Label + "; Enter keeps the one that is there")
		case f.Secret:
			t.say("%s.\n", f.Hint)
			all[f.Key], err = t.secret(f.Label)
		case f.Long:
			all[f.Key], err = t.description(f, all[f.Key])
		default:
			t.say("%s.\n", f.Hint)
			all[f.Key], err = t.line(f.Label, all[f.Key])
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// description asks for a file with a text of several lines.
func (t *talk) description(f setup.Field, usual string) (string, error) {
	t.say("%s.\n", f.Hint)
	path, err := t.line("A file with these lines (empty: a sample to change by hand)", "")
	if err != nil || path == "" {
		return usual, err
	}
	text, err := os.ReadFile(path) // #nosec G304 -- the file that the person names
	return string(text), err
}

// points says what a look at a tool found.
func (t *talk) points(name string, seen setup.Seen) {
	for _, p := range seen.Points {
		text := p.Text
		if p.More != "" {
			text += ": " + p.More
		}
		t.say("%s: %s\n", name, map[setup.State]string{setup.Good: "", setup.Bad: "FAILED: ", setup.Unknown: ""}[p.State]+text)
	}
}

// counted says which values a tool holds.
func (t *talk) counted(name string, v setup.Survey) {
	switch {
	case v.NoList:
		t.say("%s: it has no list, so its values could not be counted\n", name)
		return
	case v.Read == 0:
		t.say("%s: no records were read\n", name)
		return
	}
	var values []string
	for _, value := range v.ByCount() {
		values = append(values, fmt.Sprintf("%q %d", value, v.Values[value]))
	}
	so := ""
	if !v.Done || v.Cut || v.Err != nil {
		so = " so far"
	}
	t.say("%s: %s read%s: %s\n", name, status.Plural(v.Read, "record"), so, strings.Join(values, ", "))
}

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

var meaningsOfInit = []choice{{"active", ""}, {"paused", ""}, {"churned", ""}, {string(setup.Ignored), "known, and not synced"}, {"later", "leave a gap; customers with it become exceptions"}}

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

// askMeanings asks what the values mean, whether what their words seem to mean is right,
// and what the target shows for each status.
func (t *talk) askMeanings(s *setup.Setup, suggested setup.Suggestion, said setup.MapAnswer) error {
	d := s.Draft()
	ask := func(v setup.Value, usual string) error {
		answer, err := t.choose(fmt.Sprintf("What does %q of %s mean (%s)?", v.Value, d.Source.Name, status.Plural(v.Customers, "customer")), meaningsOfInit, usual)
		if said.Means[v.Value] = status.Status(answer); answer == "later" {
			said.Means[v.Value] = ""
		}
		return err
	}
	var seeming []setup.Value
	for _, v := range suggested.Values {
		means, ok := said.Means[v.Value]
		if !ok {
			means = v.Means
		}
		switch {
		case means == "":
			if err := ask(v, "later"); err != nil {
				return err
			}
		case ok || slices.ContainsFunc(d.Values, func(before setup.Value) bool { return before.Value == v.Value }):
			t.say("%s: %q means %s\n", d.Source.Name, v.Value, means)
		default:
			t.say("%s: %q seems to mean %s\n", d.Source.Name, v.Value, means)
			seeming = append(seeming, v)
		}
	}
	if len(seeming) > 0 {
		right, err := t.line("Is that right? y/n", "y")
		if err != nil {
			return err
		}
		for _, v := range seeming {
			if strings.HasPrefix(strings.ToLower(right), "y") {
				break
			}
			if err := ask(v, string(v.Means)); err != nil {
				return err
			}
		}
	}
	needed := map[status.Status]bool{}
	for _, v := range suggested.Values {
		means, ok := said.Means[v.Value]
		if !ok {
			means = v.Means
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
		answer, err := t.line(question, suggested.To[one])
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
			answer, err := t.line("Match rules", strings.Join(usual, " "))
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
