package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones work where the machine has no list of them

	"github.com/invopop/jsonschema"

	"github.com/trueup-sync/trueup/internal/status"
)

// Transitions says when a change to a status is written. What is not named is
// written at once.
type Transitions struct {
	To map[status.Status]Transition
	// Forbid are changes that only a person can make.
	Forbid []ForbiddenChange
}

// Transition is what holds of changes to one status.
type Transition struct {
	After time.Duration `yaml:"after" jsonschema:"example=10m" jsonschema_description:"How long the source must have the status without a change before it is written."`
	Hours *Hours        `yaml:"hours" jsonschema_description:"The hours in which it is written; outside of them it waits for the next."`
	Ask   bool          `yaml:"ask" jsonschema:"default=false" jsonschema_description:"Whether a person confirms each change."`
}

// Hours are hours of the week, by the clocks of a zone. Those that go over
// midnight belong to the day on which they begin.
type Hours struct {
	Days []string `yaml:"days" jsonschema_description:"The days (default: all)."`
	From string   `yaml:"from" jsonschema:"required" jsonschema_description:"When they begin, such as 09:00."`
	To   string   `yaml:"to" jsonschema:"required" jsonschema_description:"When they end, such as 17:00; before from, they end on the next day."`
	Zone string   `yaml:"zone" jsonschema:"required,minLength=1,example=America/New_York" jsonschema_description:"The time zone."`
}

// ForbiddenChange is from the status that the target shows to the one that the
// source has.
type ForbiddenChange struct{ From, To status.Status }

const (
	atOnce     = "at once"
	forbidKey  = "forbid"
	exampleFor = "at once, ask, or keys such as {after: 10m}"
)

var (
	transitionsType = reflect.TypeFor[Transitions]()
	weekdays        = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts
)

// Weekdays says of each day, by time.Weekday, whether it is one of them.
func (h Hours) Weekdays() (days [7]bool) {
	for i, name := range weekdays {
		days[i] = len(h.Days) == 0 || slices.Contains(h.Days, name)
	}
	return days
}

// Minutes are from when to when they last, in minutes of the day.
func (h Hours) Minutes() (from, to int) {
	from, _ = minuteOf(h.From)
	to, _ = minuteOf(h.To)
	return from, to
}

// Location is their zone.
func (h Hours) Location() *time.Location {
	if zone, err := time.LoadLocation(h.Zone); err == nil {
		return zone
	}
	return time.UTC // no valid file gets here
}

// String says them in short: mon, tue 09:00-17:00 America/New_York.
func (h Hours) String() string {
	days := ""
	if len(h.Days) > 0 && len(h.Days) < len(weekdays) {
		days = strings.Join(h.Days, ", ") + " "
	}
	return days + h.From + "-" + h.To + " " + h.Zone
}

// minuteOf reads a time of day; 24:00 is the end of one.
func minuteOf(text string) (minute int, ok bool) {
	if text == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

// transitions decodes policies by status, and the list of what is forbidden
// among them.
func (d *decoder) transitions(n *node, path string, v reflect.Value) {
	if n.kind != mapping {
		d.mismatch(n, path, v, "statuses with when a change to them is written", "write each as status: "+exampleFor)
		return
	}
	t := Transitions{To: map[status.Status]Transition{}}
	for _, f := range n.fields {
		at := join(path, f.key)
		if f.key == forbidKey {
			t.Forbid = d.forbidden(f.value, at)
			continue
		}
		var one Transition
		switch f.value.kind {
		case mapping, refused:
			if f.value.kind == mapping && len(f.value.fields) == 0 {
				d.unreadable(f.value.line, at, "it has no keys", "write "+exampleFor)
				continue
			}
			d.value(f.value, at, reflect.ValueOf(&one).Elem())
		case text:
			var word string
			d.value(f.value, at, reflect.ValueOf(&word).Elem())
			switch {
			case word == Ask:
				one.Ask = true
			case word != atOnce && !d.bad[at]:
				d.unreadable(f.value.line, at, d.show(at, word)+" is not known", "write "+exampleFor)
			}
		default:
			d.unreadable(f.value.line, at, "expected text or keys, found "+string(f.value.kind), "write "+exampleFor)
		}
		t.To[status.Status(f.key)] = one
	}
	v.Set(reflect.ValueOf(t))
}

func (d *decoder) forbidden(n *node, path string) []ForbiddenChange {
	var pairs []string
	d.value(n, path, reflect.ValueOf(&pairs).Elem())
	all := make([]ForbiddenChange, len(pairs)) // what cannot be read stays zero
	for i, pair := range pairs {
		at := fmt.Sprintf("%s[%d]", path, i)
		if d.bad[at] || d.bad[path] {
			continue
		}
		from, to, ok := strings.Cut(strings.ReplaceAll(pair, "→", "->"), "->")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if !ok || from == "" || to == "" {
			d.unreadable(d.places.line(at), at, d.show(at, pair)+" is not a change", "write the status that the target shows and the one that the source has, such as churned -> active")
			continue
		}
		all[i] = ForbiddenChange{status.Status(from), status.Status(to)}
	}
	return all
}

func (v *validator) transitions(path string, s Sync) {
	t := s.Transitions
	if t == nil {
		return
	}
	words := make([]string, 0, len(s.Statuses))
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		words = append(words, string(word))
	}
	if slices.Contains(words, forbidKey) {
		v.invalid(strings.TrimSuffix(path, ".transitions")+".statuses."+forbidKey, "transitions has a key of this name", "give the status another name")
	}
	for _, to := range slices.Sorted(maps.Keys(t.To)) {
		at := join(path, string(to))
		if !slices.Contains(words, string(to)) {
			v.invalid(at, "no such status in this sync", didYouMean(string(to), words, "statuses"))
		}
		v.transition(at, t.To[to])
	}
	seen := map[ForbiddenChange]bool{}
	for i, c := range t.Forbid {
		at := fmt.Sprintf("%s.%s[%d]", path, forbidKey, i)
		if c == (ForbiddenChange{}) {
			continue
		}
		for _, word := range []status.Status{c.From, c.To} {
			if !slices.Contains(words, string(word)) {
				v.invalid(at, cut(string(word))+" is not a status of this sync", didYouMean(string(word), words, "statuses"))
			}
		}
		switch {
		case c.From == c.To:
			v.invalid(at, "it is no change: both are "+cut(string(c.From)), "write two different statuses, or remove it")
		case seen[c]:
			v.invalid(at, "it is listed twice", "keep it once")
		}
		seen[c] = true
	}
}

func (v *validator) transition(path string, t Transition) {
	if v.set(path + ".after") {
		v.positive(path+".after", t.After > 0)
	}
	if v.set(path+".ask") && !t.Ask && !v.set(path+".after") && !v.set(path+".hours") {
		v.invalid(path+".ask", "no one is asked, so the change is written at once", "write ask: true, or at once in place of the keys")
	}
	h := t.Hours
	if h == nil {
		return
	}
	path += ".hours"
	if v.set(path+".days") && len(h.Days) == 0 {
		v.invalid(path+".days", "it is empty", "list the days, such as [mon, tue], or remove the key for all days")
	}
	for i, day := range h.Days {
		at := fmt.Sprintf("%s.days[%d]", path, i)
		switch {
		case !slices.Contains(weekdays, day):
			v.invalid(at, v.show(at, day)+" is not a day", "the days are mon, tue, wed, thu, fri, sat, sun")
		case slices.Index(h.Days, day) < i:
			v.invalid(at, v.show(at, day)+" is listed twice", "keep it once")
		}
	}
	from, begins := v.minute(path+".from", h.From, "09:00")
	to, ends := v.minute(path+".to", h.To, "17:00")
	switch {
	case begins && from == 24*60:
		v.invalid(path+".from", "24:00 is the end of a day", "write 00:00")
	case begins && ends && from == to:
		v.invalid(path+".to", "it is the time at which they begin", "write a later time; the whole day is from \"00:00\" to \"24:00\"")
	}
	if h.Zone == "" {
		v.invalid(path+".zone", "it is missing", "write whose clocks count, such as America/New_York or UTC")
	} else if _, err := time.LoadLocation(h.Zone); err != nil || h.Zone == "Local" {
		v.invalid(path+".zone", v.show(path+".zone", h.Zone)+" is not a known time zone", "write its name in the IANA list, such as America/New_York, Europe/Berlin or UTC")
	}
}

// minute checks a time of day.
func (v *validator) minute(path, value, example string) (minute int, ok bool) {
	minute, ok = minuteOf(value)
	switch {
	case value == "":
		v.invalid(path, "it is missing", "write a time of day, such as \""+example+"\"")
	case !ok:
		v.invalid(path, v.show(path, value)+" is not a time of day", "write hours and minutes in quotes, such as \""+example+"\"")
	}
	return minute, ok
}

// transitionsSchema is the schema of the keys that a file chooses, each a word or
// keys, and of forbid.
func transitionsSchema(r *jsonschema.Reflector) *jsonschema.Schema {
	one := r.ReflectFromType(reflect.TypeFor[Transition]())
	one.Version, one.MinProperties = "", new(uint64(1))
	hours := property(one, "hours")
	for _, key := range []string{"from", "to"} {
		property(hours, key).Pattern = `^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$|` + referencePattern
	}
	days := property(hours, "days")
	days.MinItems = new(uint64(1))
	for _, day := range weekdays {
		days.Items.Enum = append(days.Items.Enum, day)
	}
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties()}
	s.Properties.Set(forbidKey, &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string", Pattern: `(->|→)|` + referencePattern},
		Description: "Changes that only a person can make, each as FROM -> TO: from the status that the target shows to the one that the source has."})
	s.AdditionalProperties = &jsonschema.Schema{OneOf: []*jsonschema.Schema{one, {Type: "string", Enum: []any{atOnce, Ask}}}}
	return s
}
