package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

func (o *initOptions) askTools(t *talk, s *setup.Setup) error {
	for _, side := range []setup.Side{setup.Source, setup.Target} {
		given, err := o.settingsOf(side)
		if err != nil {
			return err
		}
		if err := checkKeys(s.Draft().Tool(side).Type, side, given); err != nil {
			return err
		}
		field := given[fieldKey]
		delete(given, fieldKey)
		if err := o.connect(t, s, side, given); err != nil {
			return err
		}
		if err := o.place(t, s, side, field); err != nil {
			return err
		}
	}
	for _, side := range []setup.Side{setup.Source, setup.Target} {
		if !s.Draft().Tool(side).Checked {
			continue
		}
		ctx, cancel := context.WithTimeout(t.ctx, readingTools)
		v := s.Counted(ctx, side)
		cancel()
		t.counted(s.Draft().Tool(side).Name, v)
	}
	return nil
}

// connect asks for the settings of one side, and looks at the tool with them. A person
// at a terminal can correct what the tool refuses.
func (o *initOptions) connect(t *talk, s *setup.Setup, side setup.Side, given map[string]string) error {
	kind, _ := setup.TypeOf(s.Draft().Tool(side).Type)
	for first := true; ; first = false {
		settings, err := t.settings(s, side, given)
		if err != nil {
			return err
		}
		err = s.SetToolSoFar(side, settings)
		if err == nil && o.noLive || len(s.Draft().Tool(side).Later) > 0 {
			return err
		}
		var seen setup.Seen
		if err == nil {
			seen, err = s.Check(t.ctx, side)
		}
		if t.ctx.Err() != nil {
			return errInterrupted
		}
		var wrong setup.Problems
		switch {
		case errors.As(err, &wrong) && t.asks:
			t.wrong(kind, wrong)
		case err != nil:
			return err
		default:
			t.points(s.Draft().Tool(side).Name, seen)
			if seen.OK() || !t.asks {
				return nil
			}
		}
		if again, err := t.yes("Enter it again?", first); err != nil || !again {
			return err
		}
		given = map[string]string{}
	}
}

// place keeps where a tool keeps the status, for the tools that have several places.
func (o *initOptions) place(t *talk, s *setup.Setup, side setup.Side, field string) error {
	fields := s.Seen(side).Fields
	if field == "" && len(fields) > 0 && s.Draft().Tool(side).Field == "" {
		var all []choice
		for _, f := range fields {
			all = append(all, choice{f.Name, strings.Join(f.Options, ", ")})
		}
		var err error
		if field, err = t.choose("In which field of "+s.Draft().Tool(side).Name+" is the status?", all, ""); err != nil {
			return err
		}
	}
	switch {
	case field == "":
		return nil
	case len(fields) > 0:
		return s.SetField(t.ctx, side, field)
	}
	return s.SetFieldUnseen(side, field)
}

// settings asks for what is not given about a tool. What is left empty is filled in by
// hand later.
func (t *talk) settings(s *setup.Setup, side setup.Side, given map[string]string) (map[string]string, error) {
	known := s.Draft().Tool(side)
	kind, _ := setup.TypeOf(known.Type)
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
		wrong := func(text string) string {
			if text == "" {
				return "" // it is filled in later
			}
			all[f.Key] = text
			return s.SettingProblem(side, f.Key, all)
		}
		switch {
		case f.Secret && slices.Contains(known.Secrets, f.Key):
			all[f.Key], err = t.secret(f.Label + "; Enter keeps the one that is there")
		case f.Secret:
			t.say("%s.\n", f.Hint)
			all[f.Key], err = t.secret(f.Label)
		case f.Long:
			all[f.Key], err = t.description(f, all[f.Key], wrong)
		default:
			t.say("%s.\n", f.Hint)
			all[f.Key], err = t.checked(f.Label, all[f.Key], wrong)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// description asks for a file with a text of several lines.
func (t *talk) description(f setup.Field, usual string, wrong func(text string) string) (string, error) {
	t.say("%s.\n", f.Hint)
	text := ""
	path, err := t.checked("A file with these lines (empty: a sample to change by hand)", "", func(path string) string {
		if path == "" {
			return ""
		}
		read, err := os.ReadFile(path) // #nosec G304 -- the file that the person names
		if err != nil {
			return err.Error() + "; enter the name of another file"
		}
		text = string(read)
		return wrong(text)
	})
	if path == "" {
		return usual, err
	}
	return text, err
}

// wrong says what is wrong with what was entered, by the question that it answers.
func (t *talk) wrong(kind setup.Type, all setup.Problems) {
	for _, p := range all {
		label := ""
		for _, f := range kind.Fields {
			if f.Key == p.Field {
				label = f.Label + ": "
			}
		}
		t.say("%s%s\n", label, p.Text)
	}
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
	if v.Without > 0 {
		values = append(values, fmt.Sprintf("empty %d", v.Without))
	}
	so := ""
	if !v.Done || v.Cut || v.Err != nil {
		so = " so far"
	}
	t.say("%s: %s read%s: %s\n", name, status.Plural(v.Read, "record"), so, strings.Join(values, ", "))
}
