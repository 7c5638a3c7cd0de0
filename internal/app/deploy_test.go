package app_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const deploy = "../../deploy"

var (
	described = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	// named is a metric of ours in an expression, with its selector.
	named = regexp.MustCompile(`(trueup_[a-z_]+)(\{[^}]*\})?`)
	// grouped is what an expression sums by.
	grouped  = regexp.MustCompile(`by \(([^)]*)\)`)
	selector = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
)

// served is every metric of the service, with its labels.
func served(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, d := range newLive(t, storetest.File(t)).app.Metrics() {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatal(d)
		}
		all[m[1]] = strings.Split(m[2], ",")
	}
	return all
}

// known fails for each metric and label of an expression that the service has not.
func known(t *testing.T, all map[string][]string, where, expr string) {
	t.Helper()
	found := named.FindAllStringSubmatch(expr, -1)
	var labels []string
	for _, m := range found {
		name := m[1]
		has, ok := all[name]
		if base, isBucket := strings.CutSuffix(name, "_bucket"); !ok && isBucket {
			has, ok = append(slices.Clone(all[base]), "le"), all[base] != nil
		}
		if !ok {
			t.Errorf("%s names %s, which /metrics does not serve", where, name)
		}
		labels = append(labels, has...)
		for _, s := range selector.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(has, s[1]) {
				t.Errorf("%s selects %s by %s, which is none of its labels", where, name, s[1])
			}
			if s[1] == "alarm" && !slices.Contains(status.Alarms, status.Alarm(s[2])) {
				t.Errorf("%s: there is no alarm %s", where, s[2])
			}
		}
	}
	for _, g := range grouped.FindAllStringSubmatch(expr, -1) {
		for one := range strings.SplitSeq(g[1], ",") {
			if one = strings.TrimSpace(one); one != "instance" && !slices.Contains(labels, one) {
				t.Errorf("%s groups by %s, which no metric in it has", where, one)
			}
		}
	}
}

type alertRules struct {
	Groups []struct {
		Rules []struct {
			Alert       string
			Expr        string
			Annotations struct{ Summary, Docs string }
		}
	}
}

// anchor is how a heading is linked.
func anchor(heading string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(heading)), " ", "-")
}

func TestEveryAlertIsAboutWhatIsServedAndHasItsPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "prometheus/trueup.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var rules alertRules
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	var anchors []string
	for line := range strings.Lines(string(page)) {
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			anchors = append(anchors, anchor(heading))
		}
	}
	all := served(t)
	var alerts []string
	for _, r := range rules.Groups[0].Rules {
		alerts = append(alerts, strings.ToLower(r.Alert))
		known(t, all, r.Alert, r.Expr)
		at, ok := strings.CutPrefix(r.Annotations.Docs, "docs/monitoring.md#")
		if !ok || at != strings.ToLower(r.Alert) || !slices.Contains(anchors, at) {
			t.Errorf("%s is linked to %q, where nothing is said about it", r.Alert, r.Annotations.Docs)
		}
		if r.Annotations.Summary == "" {
			t.Errorf("%s says nothing", r.Alert)
		}
	}
	for _, a := range anchors {
		if strings.HasPrefix(a, "trueup") && !slices.Contains(alerts, a) {
			t.Errorf("docs/monitoring.md tells of %s, which is no alert", a)
		}
	}
	if promtool, err := exec.LookPath("promtool"); err == nil {
		if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", filepath.Join(deploy, "prometheus/trueup.rules.yml")).CombinedOutput(); err != nil { // #nosec G204 -- the program that is found
			t.Errorf("promtool: %s", out)
		}
		return
	}
	t.Log("promtool is not installed (Debian package prometheus): the rules' syntax was not checked; see scripts/promtool.sh")
}

func TestTheDashboardShowsWhatIsServed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "grafana/trueup.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title  string
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct {
				Name  string
				Query any
			}
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.Title != "Trueup" || len(board.Panels) < 10 {
		t.Errorf("it has %d panels", len(board.Panels))
	}
	all, ids := served(t), map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || len(p.Targets) == 0 {
			t.Errorf("the panel %s has the number of another, or shows nothing", p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			known(t, all, p.Title, target.Expr)
		}
	}
	for _, v := range board.Templating.List {
		if v.Name == "sync" {
			query, _ := v.Query.(map[string]any)["query"].(string)
			known(t, all, "the variable sync", query)
		}
	}
}
