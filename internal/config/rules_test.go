package config

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// TestRulesKeepTheirHash compares with hashes that databases hold: when one of
// them changes, every stored plan looks as if it was made under other rules.
func TestRulesKeepTheirHash(t *testing.T) {
	s := Sync{
		Source:        Source{Connection: "billing", Account: "acct_1", Field: "status", Kept: "k1"},
		Target:        Target{Connection: "crm", Account: "loc_1", Field: "customer_status", Kept: "k2"},
		Match:         []MatchRule{{Source: "email", Target: "email", Confidence: 0.9}},
		MinConfidence: 0.8,
		Statuses:      map[status.Status]StatusMap{"active": {From: []string{"active", "trialing"}, To: "Active"}},
		Ignore:        []string{"incomplete"},
		Conflict:      ConflictRule{Rule: "skip_newer_human_edit", ClockSkew: 2 * time.Second, AutomationEdits: "write"},
		FirstContact:  "ask",
	}
	for _, tc := range []struct{ name, got, want string }{
		{"the rules of a sync", s.Rules(), "1a609ec35c729d8d1a9645bda8555326845ca87b54b045c6776125d9ca9de144"},
		{"what a read is about", s.Looks(), "0c316fdd6f3f255dc2fa30502f241f01292ff4be5c974fb8233c5198888ed989"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: hash %s, want %s", tc.name, tc.got, tc.want)
		}
	}
}

func TestAChangedPolicyOfTransitionsChangesTheRules(t *testing.T) {
	base := Sync{Statuses: map[status.Status]StatusMap{"active": {From: []string{"a"}, To: "Active"}}}
	with := func(tr Transitions) Sync {
		s := base
		s.Transitions = &tr
		return s
	}
	hours := Hours{From: "09:00", To: "17:00", Zone: "UTC"}
	later := hours
	later.To = "18:00"
	seen := map[string]string{}
	for name, s := range map[string]Sync{
		"none":       base,
		"nothing":    with(Transitions{}),
		"ask":        with(Transitions{To: map[status.Status]Transition{"active": {Ask: true}}}),
		"after":      with(Transitions{To: map[status.Status]Transition{"active": {After: time.Minute}}}),
		"longer":     with(Transitions{To: map[status.Status]Transition{"active": {After: time.Hour}}}),
		"hours":      with(Transitions{To: map[status.Status]Transition{"active": {Hours: &hours}}}),
		"more hours": with(Transitions{To: map[status.Status]Transition{"active": {Hours: &later}}}),
		"forbidden":  with(Transitions{Forbid: []ForbiddenChange{{"active", "paused"}}}),
	} {
		if other, twice := seen[s.Rules()]; twice {
			t.Errorf("%s and %s have the same rules", name, other)
		}
		if other, twice := seen[s.Policy()]; twice {
			t.Errorf("%s and %s have the same policy", name, other)
		}
		seen[s.Rules()], seen[s.Policy()] = name, name
	}
	if base.Policy() != "" {
		t.Error("a sync without transitions has a policy")
	}
}
