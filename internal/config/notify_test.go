package config

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestAKindsChannelGoesBeforeASyncs(t *testing.T) {
	c := mustLoad(t, "testdata/good/slack.yaml")
	for _, tt := range []struct {
		sync string
		kind status.Kind
		want string
	}{
		{"customer-status", status.Conflict, "#conflicts"},
		{"customer-status", status.Unmatched, "#kunden_ümlaut"},
		{"another", status.ConnectionFailed, "C012AB3CD"},
		{"another", status.Unmatched, "#customer-status"},
	} {
		if got := c.Notify.Slack.ChannelFor(tt.sync, tt.kind); got != tt.want {
			t.Errorf("%s of %s goes to %s, want %s", tt.kind, tt.sync, got, tt.want)
		}
	}
}

func TestADigestIsDueAtItsTimeOfItsZone(t *testing.T) {
	for _, tt := range []struct{ at, zone, now, day, want string }{
		{"08:30", "Europe/Berlin", "2026-03-02T07:00:00Z", "2026-03-02", "2026-03-02T07:30:00Z"},
		{"08:30", "Europe/Berlin", "2026-07-02T23:00:00Z", "2026-07-03", "2026-07-03T06:30:00Z"},
		{"02:30", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-29T01:30:00Z"}, // there is no such time that day
		{"17:00", "UTC", "2026-03-02T18:00:00Z", "2026-03-02", "2026-03-02T17:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		day, moment := Digest{At: tt.at, Zone: tt.zone}.On(now)
		if got := moment.UTC().Format(time.RFC3339); day != tt.day || got != tt.want {
			t.Errorf("%s %s at %s: got %s of %s, want %s of %s", tt.at, tt.zone, tt.now, got, day, tt.want, tt.day)
		}
	}
}

func TestAChannelsNameHasOneToEightyCharacters(t *testing.T) {
	for name, want := range map[string]bool{
		"#a": true, "#" + strings.Repeat("ü", 80): true, "#" + strings.Repeat("ü", 81): false,
		"#": false, "": false, "a": false, "#a b": false, "#A": false, "#a\xff": false,
	} {
		if got := isChannelName(name); got != want {
			t.Errorf("%q is a channel's name: %v, want %v", name, got, want)
		}
	}
}
