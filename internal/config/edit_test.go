package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestAValueIsAddedAndNothingElseChanges(t *testing.T) {
	const flow = "# ours\nsyncs:\n  s:   # the one\n    ignore: [incomplete]\n    statuses:\n      paused:  {from: [paused, past_due], to: Paused} # comments stay\n"
	const block = "syncs:\n  s:\n    statuses:\n      paused:\n        from:\n          - paused # a\n          - \"past due\"\n        # b\n        to: Paused\n"
	tests := map[string]struct {
		src, to, value string
		old, new       string // what is replaced, once
	}{
		"a list on one line":          {flow, "paused", "on_hold", "past_due]", "past_due, on_hold]"},
		"ignore":                      {flow, "", "draft", "[incomplete]", "[incomplete, draft]"},
		"a value that needs quotes":   {flow, "paused", "on hold: yes", "past_due]", `past_due, "on hold: yes"]`},
		"a value that looks like no":  {flow, "paused", "No", "past_due]", `past_due, "No"]`},
		"a value that is a number":    {flow, "paused", "12", "past_due]", `past_due, "12"]`},
		"a value of another script":   {flow, "paused", "приостановлен", "past_due]", `past_due, "приостановлен"]`},
		"a list on several lines":     {block, "paused", "on_hold", "          - \"past due\"\n", "          - \"past due\"\n          - on_hold\n"},
		"an ignore that is not there": {block, "", "draft", "    statuses:\n", "    ignore: [draft]\n    statuses:\n"},
		"a file of Windows": {strings.ReplaceAll(block, "\n", "\r\n"), "paused", "on_hold", "          - \"past due\"\r\n",
			"          - \"past due\"\r\n          - on_hold\r\n"},
		"an empty list":             {strings.Replace(flow, "[incomplete]", "[]", 1), "", "draft", "[]", "[draft]"},
		"a text of several bytes":   {strings.Replace(flow, "past_due]", "\"päüse\"]", 1), "paused", "on_hold", "\"päüse\"]", "\"päüse\", on_hold]"},
		"no line break at the end":  {strings.TrimSuffix(block, "        # b\n        to: Paused\n"), "paused", "on_hold", "\"past due\"\n", "\"past due\"\n          - on_hold\n"},
		"a space before the end":    {strings.Replace(flow, "past_due]", "past_due ]", 1), "paused", "on_hold", "past_due ]", "past_due, on_hold]"},
		"a list over several lines": {strings.Replace(flow, "[paused, past_due]", "[paused,\n        past_due]", 1), "paused", "on_hold", "past_due]", "past_due, on_hold]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := AddSourceValue([]byte(tt.src), "s", "", tt.value)
			if tt.to != "" {
				got, err = AddSourceValue([]byte(tt.src), "s", "paused", tt.value)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Replace(tt.src, tt.old, tt.new, 1), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAValueIsAddedToTheShippedExample(t *testing.T) {
	src, err := os.ReadFile("../../docs/examples/trueup.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for to, list := range map[status.Status][2]string{
		"paused": {"[paused, unpaid]", "[paused, unpaid, on_hold]"},
		"":       {"[incomplete, incomplete_expired]", "[incomplete, incomplete_expired, on_hold]"},
	} {
		got, err := AddSourceValue(src, "customer-status", to, "on_hold")
		if err != nil {
			t.Errorf("under %q: %v", to, err)
		} else if diff := cmp.Diff(strings.Replace(string(src), list[0], list[1], 1), string(got)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestARefusalSaysWhereAndWhy(t *testing.T) {
	_, err := AddSourceValue([]byte("syncs:\n  s:\n    statuses:\n      paused: {from: ${VALUES}, to: P}\n"), "s", "paused", "on_hold")
	if err == nil || err.Error() != "line 4: the value there is not a list: a program cannot edit the file safely" {
		t.Errorf("it says %v", err)
	}
}

func TestWhatCannotBeEditedSafelyIsLeftToAPerson(t *testing.T) {
	for name, src := range map[string]string{
		"another sync":                    "syncs: {t: {statuses: {paused: {from: [a], to: P}}}}",
		"no such status":                  "syncs: {s: {statuses: {active: {from: [a], to: P}}}}",
		"a list from the environment":     "syncs: {s: {statuses: {paused: {from: ${VALUES}, to: P}}}}",
		"no YAML":                         "syncs: [",
		"a trailing comma":                "syncs:\n  s:\n    statuses:\n      paused: {from: [a,\n         b, # last\n      ], to: P}\n",
		"two documents":                   "syncs: {s: {statuses: {paused: {from: [a], to: P}}}}\n---\nsyncs: {}\n",
		"a sync written as flow, no list": "syncs: {s: {statuses: {paused: {to: P}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := AddSourceValue([]byte(src), "s", "paused", "on_hold"); !errors.Is(err, ErrByHand) {
				t.Errorf("edited: %s, %v", got, err)
			}
		})
	}
	if !strings.Contains(Lines("s", "paused", "on hold"), `paused: {from: [..., "on hold"]`) {
		t.Error(Lines("s", "paused", "on hold"))
	}
}

// Whatever the value is, it is there afterwards, or the file is not changed.
func TestAnyValueIsReadBackAsItIs(t *testing.T) {
	const src = "syncs:\n  s:\n    statuses:\n      paused: {from: [a], to: P}\n"
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		got, err := AddSourceValue([]byte(src), "s", "paused", value)
		if err != nil {
			return
		}
		r := &report{places: places{}, bad: map[string]bool{}, written: map[string]string{}}
		root := readTree(r, got)
		if root == nil {
			t.Fatalf("%q made %q", value, got)
		}
		items := root.fields[0].value.fields[0].value.fields[0].value.fields[0].value.fields[0].value.items
		if len(items) != 2 || items[1].text != value {
			t.Fatalf("%q is read back as %+v", value, items)
		}
	})
}
