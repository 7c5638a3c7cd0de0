package connectortest

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

const ruleAgree = "what trueup check refuses is never opened, or it would run half; and what it accepts opens, or the service would not start with a file that was found sound"

// Described is a connection as a file may describe it, and the side of a sync that
// it is on.
type Described struct {
	Name     string
	Common   config.Connection
	Settings config.Settings
	Use      connector.Use
}

// Agree asks of each description whether the check of the file and the opening of
// the connection say the same. It returns where the check finds faults.
func Agree(t *testing.T, d Described, open func(common config.Connection, s config.Settings, deps connector.Deps) (connector.Connection, error)) (paths []string) {
	t.Helper()
	checker := config.NewChecker(func(path, problem, remedy string) {
		paths = append(paths, strings.TrimPrefix(strings.TrimPrefix(path, "connection"), "."))
		if problem == "" || remedy == "" {
			t.Errorf("%s: the fault at %s has the problem %q and the remedy %q", d.Name, path, problem, remedy)
		}
	})
	d.Settings.Check(checker, d.Common)
	if sides, ok := d.Settings.(config.HasSides); ok {
		sides.CheckSide(checker, config.Side(d.Use))
	}
	_, err := open(d.Common, d.Settings, connector.Deps{Use: d.Use})
	if (err == nil) != (len(paths) == 0) {
		t.Errorf("%s: the check finds faults at %q, and opening it gives %v\nrule: %s", d.Name, paths, err, ruleAgree)
	}
	return paths
}
