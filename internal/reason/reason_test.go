package reason

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/plain"
)

// fill sets every field to something ordinary.
func fill(v reflect.Value, depth int) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)))
	case v.Type() == reflect.TypeFor[Doing]():
		v.SetString(string(Writing))
	case v.Kind() == reflect.String:
		v.SetString("crm")
	case v.Kind() == reflect.Int:
		v.SetInt(3)
	case v.Kind() == reflect.Float64:
		v.SetFloat(0.9)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Type() == reflect.TypeFor[*Reason]():
		if depth > 0 {
			v.Set(reflect.ValueOf(&Reason{Code: AutomationEdit}))
		}
	case v.Type() == reflect.TypeFor[[]Reason]():
		if depth > 0 {
			v.Set(reflect.ValueOf([]Reason{{Code: Untouched}}))
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth)
		}
	}
}

func allFacts() Facts {
	var f Facts
	fill(reflect.ValueOf(&f).Elem(), 1)
	return f
}

// codes lists the closed set.
func codes() []Code { return slices.Sorted(maps.Keys(catalogue)) }

func TestEveryCodeReadsWithAllItsFactsAndWithNone(t *testing.T) {
	for _, code := range codes() {
		for name, f := range map[string]Facts{"all": allFacts(), "none": {}} {
			r := Reason{Code: code, Facts: f}
			texts := []string{r.Sentence()}
			for _, m := range r.Remedies() {
				texts = append(texts, m.Text)
			}
			for _, text := range texts {
				if strings.TrimSpace(text) != text || text == "" || strings.Contains(text, "  ") || strings.Contains(text, "%!") ||
					strings.Contains(text, "0001-01-01") || strings.HasSuffix(text, ";") || strings.HasSuffix(text, ":") {
					t.Errorf("%s with %s facts: %q", code, name, text)
				}
				if found := plain.Find(text); len(found) > 0 {
					t.Errorf("%s: %q: %v", code, text, found)
				}
				if strings.Contains(text, "trueup ") {
					t.Errorf("%s names a command: %q", code, text)
				}
			}
		}
	}
}

func TestAReasonIsStoredAndReadAgain(t *testing.T) {
	for _, code := range codes() {
		for _, f := range []Facts{allFacts(), {}} {
			r := Reason{Code: code, Facts: f}
			sentence, c, facts := r.Stored()
			if diff := cmp.Diff(r, FromStored(sentence, c, facts)); sentence != "" || diff != "" {
				t.Errorf("%s: %q\n%s", code, sentence, diff)
			}
		}
	}
	old := Text("no record matches; run something")
	sentence, code, facts := old.Stored()
	if again := FromStored(sentence, code, facts); again.Sentence() != old.Sentence() || code != "" {
		t.Errorf("the sentence of a row from before is %q by now", again)
	}
	var r Reason
	if err := json.Unmarshal([]byte(`"asking for changes failed"`), &r); err != nil || r.Sentence() != "asking for changes failed" {
		t.Errorf("a sentence in a reason's place is %q, %v", r, err)
	}
}

// A field that names somebody must be among those that Rename replaces, or be one
// of those that never do.
func TestRenameFindsEveryFieldThatNamesSomebody(t *testing.T) {
	const id = "17"
	f := Facts{Customer: id, Record: id, Survivor: id, Event: id, By: id, Decider: id, Count: 17, Value: "Active",
		Because: &Reason{Code: RecordGone, Facts: Facts{Record: id}}, All: []Reason{{Code: RecordGone, Facts: Facts{Record: id}}}}
	keyed := func(s string) (string, bool) { return strings.ReplaceAll(s, id, "forgotten-1"), s == id }
	prose := func(s string) (string, bool) { return s, false }
	renamed, changed := f.Rename(keyed, prose)
	text, err := json.Marshal(renamed)
	if err != nil || !changed || strings.Contains(string(text), `"17"`) {
		t.Errorf("%s (%t, %v)", text, changed, err)
	}
	if f.Because.Facts.Record != id || f.All[0].Facts.Record != id {
		t.Error("it changed the facts that it was given")
	}
	names := []string{"Text", "Detail", "Customer", "Record", "Survivor", "Event", "By", "Decider", "Because", "All"}
	others := []string{"Sync", "Source", "Target", "Connection", "Value", "Found", "Planned", "Status", "Statuses", "Values", "Missing", "Rule", "Key", "Keys",
		"Doing", "Plan", "Within", "Writes", "Undone", "Slowed", "Accounts", "Hours", "Kind", "Changes", "Reader"}
	for i := range reflect.TypeFor[Facts]().NumField() {
		field := reflect.TypeFor[Facts]().Field(i)
		known := false
		for _, n := range append(names, others...) {
			known = known || n == field.Name
		}
		if k := field.Type.Kind(); !known && k != reflect.Int && k != reflect.Float64 && k != reflect.Bool && field.Type != reflect.TypeFor[time.Time]() {
			t.Errorf("can %s name somebody? Then Rename replaces it", field.Name)
		}
	}
}

func TestAWordIsCutOnlyWhenItIsTooLong(t *testing.T) {
	fits := strings.Repeat("ä", 80)
	if got := short(fits); got != fits {
		t.Errorf("80 letters become %q", got)
	}
	if got := short(fits + "b"); got != fits+"…" {
		t.Errorf("81 letters become %q", got)
	}
}

func TestAnySentenceSaysWhoseStatusDecided(t *testing.T) {
	r := Reason{Code: Untouched, Facts: Facts{Decider: "cus_2", Sharing: 3}}
	if got, want := r.Sentence(), Untouched.Sentence()+"; the status is customer cus_2's, the best of 3"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Those that give times, a list or another reason are longer.
func TestASentenceIsShort(t *testing.T) {
	longer := map[Code]int{AccountsChanged: 140, CannotTell: 250, PersonNewer: 170, WroteOver: 190, ChangeWaits: 150, MassChange: 150, NeverSticks: 150, OnlyWatched: 160, QueueStandsStill: 160}
	f := allFacts()
	f.Decider = "" // whose status decided comes after any sentence
	for _, code := range codes() {
		most := max(120, longer[code])
		if s := (Reason{Code: code, Facts: f}).Sentence(); len(s) > most {
			t.Errorf("%s has %d letters, %d are the most: %s", code, len(s), most, s)
		}
	}
}
