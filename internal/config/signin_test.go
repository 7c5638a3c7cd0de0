package config

import (
	"testing"
	"time"
)

func TestTheHighestRoleOfAPersonsGroupsCounts(t *testing.T) {
	r := Roles{Admin: []string{"admins"}, Operator: []string{"ops", "night-ops"}, Viewer: []string{"everyone"}}
	for name, tt := range map[string]struct {
		groups []string
		want   string
	}{
		"in all":                    {[]string{"everyone", "ops", "admins"}, "admin"},
		"in two":                    {[]string{"everyone", "night-ops"}, "operator"},
		"in one":                    {[]string{"everyone"}, "viewer"},
		"in none of ours":           {[]string{"sales"}, ""},
		"in none":                   {nil, ""},
		"another spelling is other": {[]string{"Admins"}, ""},
	} {
		if got := r.Role(tt.groups); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestSessionsLastAsTheFileSays(t *testing.T) {
	for text, want := range map[string][2]time.Duration{
		"":                              {12 * time.Hour, 7 * 24 * time.Hour},
		"sign_in: {ends: 8h}":           {12 * time.Hour, 8 * time.Hour},
		"sign_in: {idle: 30m}":          {30 * time.Minute, 7 * 24 * time.Hour},
		"sign_in: {idle: 7d, ends: 7d}": {7 * 24 * time.Hour, 7 * 24 * time.Hour},
	} {
		idle, ends := parsed(t, writtenFile+text+"\n").SignIn.Lasts()
		if idle != want[0] || ends != want[1] {
			t.Errorf("%q: %s and %s", text, idle, ends)
		}
	}
}
