package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What starts Trueup elsewhere is written far from its flags, and nothing there would
// say that one of them has gone.
func TestWhatIsDeployedStartsACommandThatThereIs(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	part := func(text, pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("nothing looks like %s", pattern)
		}
		return found[1]
	}
	list := func(text string) (args []string) {
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			t.Fatal(err)
		}
		return args
	}
	container, chart := read("Containerfile"), read("helm/trueup/templates/deployment.yaml")
	var inChart []string
	args := part(chart, `(?m)^ +args: \[(.*)\]$`)
	args = regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(args, "30s")
	if err := yaml.Unmarshal([]byte("["+args+"]"), &inChart); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"systemd":             strings.Fields(part(read("systemd/trueup.service"), `(?m)^ExecStart=/usr/bin/trueup (.*)$`)),
		"the container":       list(part(container, `(?m)^CMD (\[.*\])$`)),
		"its health check":    list(part(container, `(?m)^HEALTHCHECK .*CMD (\[.*\])$`))[1:],
		"a node in a cluster": inChart,
	} {
		t.Run(name, func(t *testing.T) {
			cmd, rest, err := newRoot().Find(args)
			if err == nil {
				err = cmd.ParseFlags(rest)
			}
			if err != nil || !cmd.Runnable() || cmd.Parent() == nil {
				t.Errorf("trueup %s is no command: %v", strings.Join(args, " "), err)
			}
			if got, _ := cmd.Flags().GetString("config"); got != "/etc/trueup/trueup.yaml" {
				t.Errorf("it reads %s", got)
			}
		})
	}
}

func TestTheComposeFileKeepsTrueupOffThePublicNetwork(t *testing.T) {
	text, err := os.ReadFile("../../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			ReadOnly bool     `yaml:"read_only"`
			CapDrop  []string `yaml:"cap_drop"`
			Ports    []string `yaml:"ports"`
		} `yaml:"services"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	trueup := c.Services["trueup"]
	if !trueup.ReadOnly || len(trueup.CapDrop) != 1 || trueup.CapDrop[0] != "ALL" {
		t.Errorf("it may change its own image, or keeps rights of root: %+v", trueup)
	}
	if len(trueup.Ports) != 1 || !strings.HasPrefix(trueup.Ports[0], "127.0.0.1:") {
		t.Errorf("it listens to everyone: %v", trueup.Ports)
	}
	if ports := c.Services["postgres"].Ports; len(ports) > 0 {
		t.Errorf("the database listens outside: %v", ports)
	}
}
