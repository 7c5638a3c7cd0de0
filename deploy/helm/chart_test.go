// Package helm proves what can be known of the chart without a cluster: that its
// sample of trueup.yaml is one, and that the chart and Trueup mean the same ports,
// paths and flags. scripts/chart.sh has Helm itself read the chart.
package helm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/registry"
)

// values are those of values.yaml that other programs read.
type values struct {
	Config       string `yaml:"config"`
	DrainSeconds int    `yaml:"drainSeconds"`
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("trueup", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const secrets = "/etc/trueup-secrets"

func sample(t *testing.T) *config.Config {
	t.Helper()
	var v values
	if err := yaml.Unmarshal([]byte(read(t, "values.yaml")), &v); err != nil {
		t.Fatal(err)
	}
	// Where the cluster mounts the Secret, the test has a folder.
	dir := t.TempDir()
	text := strings.ReplaceAll(v.Config, secrets, dir)
	for name, content := range map[string]string{
		"encryption_key": strings.Repeat("ab", 32), "stripe_api_key": "rk_test_1", "stripe_webhook_secret": "whsec_1\nwhsec_2\n", "gohighlevel_token": "pit-1",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := func(name string) (string, bool) {
		return "postgres://trueup@db.example.com/trueup", name == "TRUEUP_DATABASE"
	}
	c, err := config.Parse("trueup.yaml", []byte(text), dir, registry.Types(), env)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSampleConfigurationHasNoFault(t *testing.T) {
	c := sample(t)
	if !strings.HasPrefix(string(c.Database), "postgres://") {
		t.Errorf("the nodes share no PostgreSQL: %s", c.Database)
	}
	if m := c.Syncs["customer-status"].Mode; m != "watch" {
		t.Errorf("a new installation would write to a tool: its mode is %q", m)
	}
}

func TestTheChartAndTrueupMeanTheSame(t *testing.T) {
	c, deployment := sample(t), read(t, "templates/deployment.yaml")
	for what, want := range map[string]string{
		"the port for webhooks": "{name: hooks, containerPort: " + c.Listen[strings.LastIndex(c.Listen, ":")+1:] + "}",
		"the port for people":   "{name: admin, containerPort: " + c.AdminListen[strings.LastIndex(c.AdminListen, ":")+1:] + "}",
		"the folder of secrets": "mountPath: " + secrets + ",",
		"the database":          "name: TRUEUP_DATABASE",
		"being alive":           "path: /healthz, port: hooks",
		"being ready":           "path: /readyz, port: hooks",
		"nobody is root":        "runAsNonRoot: true",
		"a root that is fixed":  "readOnlyRootFilesystem: true",
	} {
		if !strings.Contains(deployment, want) {
			t.Errorf("%s: the deployment has no %q", what, want)
		}
	}
}
