package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel"
	"github.com/trueup-sync/trueup/internal/connector/registry"
)

const sharedApp = "66aa00000000000000000001"

// locations are three connections of one app, two of them to one location, and
// one of another app.
func locations(t *testing.T) (*config.Config, map[string]connector.Connection) {
	t.Helper()
	cfg := &config.Config{Connections: map[string]config.Connection{}, Syncs: map[string]config.Sync{}}
	conns := map[string]connector.Connection{}
	for name, at := range map[string][2]string{"north": {"N0rTh", sharedApp}, "south": {"S0uTh", sharedApp}, "south-2": {"S0uTh", sharedApp}, "other": {"0tHeR", "66bb00000000000000000002"}} {
		c := config.Connection{Name: name, Type: gohighlevel.Type, Settings: &gohighlevel.Settings{LocationID: at[0], Token: "pit-x", Webhook: &gohighlevel.Webhook{AppID: at[1]}}}
		opened, err := registry.Open(c, connector.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Connections[name], conns[name] = c, opened
	}
	return cfg, conns
}

func TestAnAppsEventsGoToTheConnectionOfTheirLocation(t *testing.T) {
	t.Parallel()
	all := endpoints(locations(t))
	body := func(app, location string) []byte {
		return fmt.Appendf(nil, `{"type":"ContactUpdate","appId":%q,"locationId":%q}`, app, location)
	}
	for _, c := range []struct{ at, app, location, want string }{
		{"north", sharedApp, "N0rTh", ""},
		{"north", sharedApp, "S0uTh", "south"},
		{"south", sharedApp, "N0rTh", "north"},
		{"south-2", sharedApp, "S0uTh", ""}, // its own account, whoever has it too
		{"south-2", sharedApp, "N0rTh", "north"},
		{"north", sharedApp, "0tHeR", ""},
		{"north", "66bb00000000000000000002", "0tHeR", "other"}, // which verifies it
		{"north", sharedApp, "", ""},
		{"north", "", "S0uTh", ""},
	} {
		if got := all[c.at].Recipient(body(c.app, c.location)); got != c.want {
			t.Errorf("at %s a body for %s of %s goes to %q, want %q", c.at, c.location, c.app, got, c.want)
		}
	}
	if got := all["north"].Recipient([]byte("no JSON")); got != "" {
		t.Errorf("what is no JSON goes to %q", got)
	}
}

func TestATypeKnowsItsToolsLimitUnlessTheFileSaysOtherwise(t *testing.T) {
	t.Parallel()
	cfg, _ := locations(t)
	c := cfg.Connections["north"]
	if got := c.CallLimit(); got == nil || *got != (config.RateLimit{Requests: 100, Per: 10 * time.Second}) {
		t.Errorf("without a word in the file: %+v", got)
	}
	c.RateLimit = &config.RateLimit{Requests: 5, Per: time.Second}
	if got := c.CallLimit(); *got != *c.RateLimit {
		t.Errorf("with a word in the file: %+v", got)
	}
	if got := (config.Connection{}).CallLimit(); got != nil {
		t.Errorf("of a type without one: %+v", got)
	}
}
