package pages

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
)

// clock tells times in a zone.
type clock struct {
	zone *time.Location
	now  func() time.Time
}

// functions are what every template may call.
func functions(c clock) template.FuncMap {
	return template.FuncMap{
		// Times: each is a *time.Time or time.Time.
		"ago":    c.ago,    // 40 seconds ago; after a day, the date
		"at":     c.at,     // Fri, Nov 27, 2:02 PM
		"day":    c.day,    // Nov 27
		"hour":   c.hour,   // 2:02 PM, with the day unless it is today
		"oclock": c.oclock, // 2:02 PM, below the day
		"when":   c.when,   // at 2:02 PM on Fri, Nov 27
		"age":    c.age,    // 6 days: how long something has lasted
		// Numbers.
		"num": num, "percent": percent, "plural": plural, "share": shareOf,
		// Drawings and states.
		"icon": icon, "chip": chipOf, "mode": modeOf,
		// Words.
		"cap": capital, "customerpath": customerPath, "cut": cut, "initials": initials, "join": strings.Join, "same": strings.EqualFold, "has": strings.Contains, "lower": strings.ToLower,
		// Forms and templates.
		"key": formKey, "keyof": formKeyOf, "dict": dict, "list": func(all ...any) []any { return all },
	}
}

// told is a time within a sentence: 2:02 PM, with the day unless it is today.
func (c clock) told(t time.Time, exact bool) string {
	in, now := t.In(c.zone), c.now().In(c.zone)
	text := in.Format("3:04 PM")
	if exact {
		text = in.Format("3:04:05 PM")
	}
	switch {
	case in.Year() != now.Year():
		return text + " on " + in.Format("Mon, Jan 2, 2006")
	case in.YearDay() != now.YearDay():
		return text + " on " + in.Format("Mon, Jan 2")
	}
	return text
}

// when is a time as a sentence ends with it: at 2:02 PM on Fri, Nov 27.
func (c clock) when(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "at a time that is not known"
	}
	return "at " + c.stamp(t, c.told(t, false))
}

// stamp is a time in HTML, with the exact one on it.
func (c clock) stamp(t time.Time, text string) template.HTML {
	t = t.In(c.zone)
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, // #nosec G203 -- made of a time alone
		t.Format(time.RFC3339), t.Format("Mon, Jan 2, 2006, 3:04:05 PM MST"), template.HTMLEscapeString(text)))
}

// timeOf takes a time as the contract has it. false means that it is not known.
func timeOf(v any) (time.Time, bool) {
	switch t := v.(type) {
	case time.Time:
		return t, !t.IsZero()
	case *time.Time:
		if t != nil {
			return *t, !t.IsZero()
		}
	}
	return time.Time{}, false
}

func (c clock) ago(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "not known"
	}
	d := c.now().Sub(t)
	switch {
	case d.Abs() >= 24*time.Hour:
		return c.at(t)
	case d < 0:
		return c.stamp(t, "in "+length(-d))
	case d < time.Second:
		return c.stamp(t, "just now")
	}
	return c.stamp(t, length(d)+" ago")
}

func (c clock) at(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "not known"
	}
	return c.stamp(t, c.date(t))
}

func (c clock) date(t time.Time) string {
	t = t.In(c.zone)
	if t.Year() != c.now().In(c.zone).Year() {
		return t.Format("Mon, Jan 2, 2006, 3:04 PM")
	}
	return t.Format("Mon, Jan 2, 3:04 PM")
}

func (c clock) day(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "not known"
	}
	layout := "Jan 2"
	if t.In(c.zone).Year() != c.now().In(c.zone).Year() {
		layout = "Jan 2, 2006"
	}
	return c.stamp(t, t.In(c.zone).Format(layout))
}

func (c clock) hour(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "not known"
	}
	if in, now := t.In(c.zone), c.now().In(c.zone); in.YearDay() == now.YearDay() && in.Year() == now.Year() {
		return c.stamp(t, in.Format("3:04 PM"))
	}
	return c.at(t)
}

func (c clock) oclock(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "not known"
	}
	return c.stamp(t, t.In(c.zone).Format("3:04 PM"))
}

func (c clock) age(v any) template.HTML {
	t, ok := timeOf(v)
	if !ok {
		return "not known"
	}
	return c.stamp(t, length(max(0, c.now().Sub(t))))
}

// length is a duration in its largest unit.
func length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return status.Plural(int(d/time.Second), "second")
	case d < time.Hour:
		return status.Plural(int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return status.Plural(int(d/time.Hour), "hour")
	}
	return status.Plural(int(d/(24*time.Hour)), "day")
}

var english = message.NewPrinter(language.AmericanEnglish)

// num is a whole number with separators.
func num(n any) string { return english.Sprintf("%d", n) }

// plural is a number with its noun.
func plural(n int, one string, many ...string) string {
	if n == 1 {
		return "1 " + one
	}
	if len(many) > 0 {
		return num(n) + " " + many[0]
	}
	return num(n) + " " + one + "s"
}

// percent is a share with one decimal; 100 only when it is all.
func percent(share any) string {
	s, ok := share.(float64)
	if p, is := share.(*float64); is {
		if ok = p != nil; ok {
			s = *p
		}
	}
	switch {
	case !ok || math.IsNaN(s):
		return "not known"
	case s >= 1:
		return "100"
	}
	return fmt.Sprintf("%.1f", min(100*s, 99.9))
}

// shareOf is a part of a whole as the width of a bar of 100.
func shareOf(n, of int) string {
	if of <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", 100*float64(n)/float64(of))
}

// acronyms are names that people write in capitals.
var acronyms = map[string]bool{"api": true, "crm": true, "erp": true, "ghl": true, "sql": true}

// capital is a name with a capital first letter: a connection is called so.
func capital(name string) string {
	if acronyms[name] {
		return strings.ToUpper(name)
	}
	first, n := utf8.DecodeRuneInString(name)
	if n == 0 {
		return name
	}
	return string(unicode.ToUpper(first)) + name[n:]
}

// cut shortens a text to at most n characters.
func cut(text string, n int) string {
	for i := range text {
		if n == 0 {
			return strings.TrimSpace(text[:i]) + "…"
		}
		n--
	}
	return text
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	text := string(unicode.ToUpper(first))
	if len(words) > 1 {
		last, _ := utf8.DecodeRuneInString(words[len(words)-1])
		text += string(unicode.ToUpper(last))
	}
	return text
}

// chip is a status with its shape, as the component st shows it.
type chip struct{ Class, Icon, Word string }

// chipOf is one of our statuses; word is what is shown, left out for its own name.
func chipOf(s status.Status, word ...string) chip {
	c := chip{Class: "own", Icon: "open", Word: capital(string(s))}
	switch s {
	case "active", "paused", "churned":
		c.Class, c.Icon = string(s), string(s)
	case "":
		c = chip{Class: "none", Icon: "empty", Word: "Empty"}
	}
	if len(word) > 0 && word[0] != "" {
		c.Word = word[0]
	}
	return c
}

// modeWord is what a sync does, with its shape, as the component mode shows it.
type modeWord struct{ Class, Icon, Word, Tone string }

// modeOf is the mode of a sync: live or watch as the file has it, unless it is
// halted or paused.
func modeOf(fileMode string, halted, paused bool) modeWord {
	switch {
	case halted:
		return modeWord{"halted", "halted", "Halted", "bad"}
	case paused:
		return modeWord{"paused", "pause", "Paused", "warn"}
	case fileMode == config.ModeWatch:
		return modeWord{"watching", "watching", "Watching", ""}
	}
	return modeWord{"live", "live", "Live", "good"}
}

// dict is the data of a component: names and values in turn.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict: a name without a value")
	}
	all := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is not a name", pairs[i])
		}
		all[name] = pairs[i+1]
	}
	return all, nil
}
