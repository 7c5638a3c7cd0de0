package config

import (
	"testing"
	"time"

	"trueup/internal/status"
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
