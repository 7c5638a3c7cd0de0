package setup

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// Suggestion is the map as it can be filled in before a person has said anything.
type Suggestion struct {
	Values []Value
	To     map[status.Status]string
	// Options are the values that the target's field can hold; nil where it can hold any.
	Options []string
	// Foreign are values of the target that no status writes, with how many records
	// have each.
	Foreign []Value
}

// Suggest fills in the map: the values that the source holds and can hold, the meaning
// of each where its word is plain, else a proposal where there is one, and the target's
// value for each status. What a person has said before stays. It asks no tool: an open
// page shows it again and again.
func (s *Setup) Suggest() Suggestion {
	d := s.Draft()
	source, target := s.Survey(Source), s.Survey(Target)
	said := map[string]status.Status{}
	var values []string
	for _, v := range d.Values {
		said[v.Value] = v.Means
		values = append(values, v.Value)
	}
	usual := map[string]string{}
	if set, ok := s.settings(Source).(config.HasClosedSet); ok {
		known := set.ClosedSet(config.Side{Field: d.Source.Field})
		usual = known.Usual
		values = append(values, known.Values...)
	}
	values = append(values, source.ByCount()...)
	out := Suggestion{To: map[status.Status]string{}}
	for _, value := range values {
		if slices.ContainsFunc(out.Values, func(v Value) bool { return v.Value == value }) {
			continue
		}
		v := Value{Value: value, Customers: source.Values[value], Means: said[value]}
		if _, asked := said[value]; !asked {
			var likely status.Status
			if v.Means, likely = meaning(value); v.Means == "" {
				v.Proposed = cmp.Or(status.Status(usual[value]), likely)
			}
		}
		out.Values = append(out.Values, v)
	}
	slices.SortStableFunc(out.Values, func(a, b Value) int {
		if a.unknown() != b.unknown() {
			if a.unknown() {
				return -1
			}
			return 1
		}
		return b.Customers - a.Customers
	})
	out.Options = s.fieldOptions(d)
	choices := out.Options
	if choices == nil {
		choices = target.ByCount()
	}
	for _, one := range statuses {
		if out.To[one] = d.To[one]; out.To[one] == "" {
			out.To[one] = optionFor(one, choices)
		}
	}
	for _, value := range target.ByCount() {
		if !slices.ContainsFunc(statuses, func(s status.Status) bool { return out.To[s] == value }) {
			out.Foreign = append(out.Foreign, Value{Value: value, Customers: target.Values[value]})
		}
	}
	return out
}

// unknown reports whether nothing is known of what a value means.
func (v Value) unknown() bool { return v.Means == "" && v.Proposed == "" }

// fieldOptions are the values of the target's field as the look at it has seen them, nil
// where it can hold any.
func (s *Setup) fieldOptions(d Draft) []string {
	seen := s.Seen(Target)
	for _, f := range seen.Fields {
		if f.Name == d.Target.Field {
			return f.Options
		}
	}
	return seen.options
}

// SetField keeps where a tool keeps the status, and looks at the tool again there.
func (s *Setup) SetField(ctx context.Context, side Side, field string) error {
	d := s.Draft()
	if d.Tool(side).Field == field {
		return nil
	}
	fields := s.Seen(side).Fields
	if !slices.ContainsFunc(fields, func(f connector.Field) bool { return f.Name == field }) {
		return Problems{{string(side) + "_field", "Choose one of the fields."}}
	}
	err := s.change("", func(d *Draft) error {
		t := d.Tool(side)
		t.Field = field
		d.setTool(side, t)
		if side == Source {
			d.Values = nil
		} else {
			d.To = nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.Check(ctx, side)
	return err
}

// MapAnswer is what is entered in the step about values.
type MapAnswer struct {
	// Means is the meaning of each value of the source: a status, Ignored, or "".
	Means map[string]status.Status
	// To is the target's value for each status.
	To map[status.Status]string
	// More is a value that was not counted, such as one that a tool without a list has.
	More string
	// Later leaves the values of the target that are not known yet to be filled in by hand.
	Later bool
}

// longestValue is more than any tool's.
const longestValue = 200

// SetMap keeps what values mean. Gaps may stay: customers with such a value become
// exceptions.
func (s *Setup) SetMap(a MapAnswer) error {
	suggested := s.Suggest()
	values := suggested.Values
	if a.More != "" && !slices.ContainsFunc(values, func(v Value) bool { return v.Value == a.More }) {
		plainly, _ := meaning(a.More)
		values = append(values, Value{Value: a.More, Means: plainly})
	}
	var wrong Problems
	for i, v := range values {
		values[i].Proposed = ""
		means, ok := a.Means[v.Value]
		if !ok {
			continue
		}
		if means != "" && means != Ignored && !slices.Contains(statuses, means) {
			wrong.add("means", "%s is not a meaning. Choose active, paused, churned or ignore.", quoted(string(means)))
			break
		}
		values[i].Means = means
	}
	to := map[status.Status]string{}
	used := map[string]status.Status{}
	some := false
	for _, one := range statuses {
		needed := slices.ContainsFunc(values, func(v Value) bool { return v.Means == one })
		some = some || needed
		value := strings.TrimSpace(a.To[one])
		switch {
		case !needed && value == "":
			continue
		case value == "" && a.Later:
			continue
		case value == "":
			wrong.add("to_"+string(one), "Choose what is written for %s.", capital(string(one)))
		case len(value) > longestValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }):
			wrong.add("to_"+string(one), "This is not a value of a status.")
		case suggested.Options != nil && !slices.Contains(suggested.Options, value):
			wrong.add("to_"+string(one), "“%s” is not one of the field’s options.", value)
		case used[value] != "" && needed:
			wrong.add("to_"+string(one), "%s and %s would both be written as “%s”. Choose another value for one of them.", capital(string(used[value])), capital(string(one)), value)
		}
		if needed {
			used[value] = one
		}
		to[one] = value
	}
	if !some && !a.Later && len(wrong) == 0 {
		wrong.add("means", "Give at least one value a meaning.")
	}
	if len(wrong) > 0 {
		return wrong
	}
	done := Map
	if a.More != "" {
		done = "" // it is shown first
	}
	return s.change(done, func(d *Draft) error { d.Values, d.To = values, to; return nil })
}

// capital begins a status with a capital letter, as pages show it.
func capital(s string) string { return sentence(s) }
