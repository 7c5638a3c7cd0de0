package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAModeIsSetAndNothingElseChanges(t *testing.T) {
	const file = "# ours\nsyncs:\n  s:   # the one\n    mode: watch # until Monday\n    statuses:\n      paused:  {from: [paused], to: Paused}\n  other:\n    mode: watch\n"
	for name, tt := range map[string]struct{ src, old, new string }{
		"a comment behind it":     {file, "mode: watch # until", "mode: live # until"},
		"a word in quotes":        {strings.Replace(file, "mode: watch #", `mode: "watch" #`, 1), `"watch"`, `"live"`},
		"a key that is not there": {strings.Replace(file, "    mode: watch # until Monday\n", "", 1), "the one\n", "the one\n    mode: live\n"},
		"a file of Windows":       {strings.ReplaceAll(file, "\n", "\r\n"), "mode: watch # until", "mode: live # until"},
		"a sync on one line":      {"syncs:\n  s: {mode: watch, statuses: {a: {from: [é], to: A}}}\n", "mode: watch", "mode: live"},
	} {
		got, err := SetMode([]byte(tt.src), "s", ModeLive)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(strings.Replace(tt.src, tt.old, tt.new, 1), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	src, err := os.ReadFile("../../docs/examples/trueup.yaml")
	if err != nil {
		t.Fatal(err)
	}
	live, err := SetMode(src, "customer-status", ModeLive)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := SetMode(live, "customer-status", ModeWatch)
	if err != nil || len(strings.Split(string(watch), "\n"))-len(strings.Split(string(src), "\n")) > 1 {
		t.Errorf("there and back: %v\n%s", err, cmp.Diff(string(src), string(watch)))
	}
}

func TestAModeThatCannotBeSetSafelyIsLeftToAPerson(t *testing.T) {
	for name, src := range map[string]string{
		"the sync is not there":  "syncs:\n  other:\n    statuses: {}\n",
		"it is an anchor":        "x: &m watch\nsyncs:\n  s:\n    mode: *m\n    statuses: {}\n",
		"it is a reference":      "syncs:\n  s:\n    mode:\n    statuses: {}\n",
		"statuses on one line":   "syncs:\n  s: {statuses: {}}\n",
		"two documents":          "syncs:\n  s: {mode: watch}\n---\nx: 1\n",
		"the word is over lines": "syncs:\n  s:\n    mode: >\n      watch\n    statuses: {}\n",
	} {
		if got, err := SetMode([]byte(src), "s", ModeLive); !errors.Is(err, ErrByHand) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
