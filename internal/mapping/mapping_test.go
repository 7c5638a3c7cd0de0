package mapping

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/status"
)

func sample() Map {
	return New(map[status.Status]Entry{
		"active":  {From: []string{"active", "trialing"}, To: "Active"},
		"paused":  {From: []string{"paused", ""}, To: "Paused"},
		"churned": {From: []string{"canceled"}, To: "Churned"},
	}, []string{"incomplete"})
}

func TestASourcesWordBecomesTheTargets(t *testing.T) {
	tests := map[string]struct {
		value string
		want  Result
	}{
		"the word of a status":     {"active", Result{Status: "active", Value: "Active"}},
		"another word of the same": {"trialing", Result{Status: "active", Value: "Active"}},
		"a word to carry nowhere":  {"incomplete", Result{Ignored: true}},
		"the empty word, listed":   {"", Result{Status: "paused", Value: "Paused"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := sample().Source(tt.value); err != nil || got != tt.want {
				t.Errorf("%q means %+v, %v", tt.value, got, err)
			}
		})
	}
}

func TestAWordNobodyListedHasNoDefault(t *testing.T) {
	for _, value := range []string{"on_hold", "Active", "active ", "ACTIVE", "actíve", "\xff"} {
		got, err := sample().Source(value)
		var unmapped *UnmappedError
		if !errors.As(err, &unmapped) || unmapped.Value != value || got != (Result{}) {
			t.Errorf("%q means %+v, %v", value, got, err)
		}
	}
}

func TestATargetsWordIsRead(t *testing.T) {
	for value, want := range map[string]status.Status{"Active": "active", "Churned": "churned", "active": "", "": ""} {
		if got := sample().Target(value); got != want {
			t.Errorf("%q is %q, not %q", value, got, want)
		}
	}
}

func TestALongWordIsCutInTheError(t *testing.T) {
	_, err := sample().Source(strings.Repeat("é", 500))
	if n := utf8.RuneCountInString(err.Error()); n > 300 {
		t.Errorf("the error has %d letters", n)
	}
}

func FuzzSource(f *testing.F) {
	for _, word := range []string{"active", "incomplete", "x", "", "\x00"} {
		f.Add(word)
	}
	listed := map[string]bool{"active": true, "trialing": true, "paused": true, "": true, "canceled": true, "incomplete": true}
	m := sample()
	f.Fuzz(func(t *testing.T, word string) {
		got, err := m.Source(word)
		if (err == nil) != listed[word] || err == nil && !got.Ignored && got.Value == "" {
			t.Errorf("%q means %+v, %v", word, got, err)
		}
	})
}
