package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is found as what is wanted")

func TestEveryFaultyFileSaysWhatIsWrongAndWhatToWrite(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c, err := Load(file, fakeTypes, lookup)
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("the file was accepted, error %v", err)
			}
			if c != nil {
				t.Errorf("a faulty file came with a configuration")
			}
			got := strings.ReplaceAll(faults.Error(), "testdata/faults/", "") + "\n"
			for name, value := range fakeEnv {
				if strings.Contains(value, "env-value") && strings.Contains(got, value) {
					t.Errorf("the value of %s is in the faults", name)
				}
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret of the file is in the faults:\n%s", got)
			}
			want := strings.TrimSuffix(file, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(want, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			expected, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(expected), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryGoodFileLoads(t *testing.T) {
	for _, file := range goodFiles(t) {
		t.Run(file, func(t *testing.T) {
			if _, err := Load(file, fakeTypes, lookup); err != nil {
				t.Error(err)
			}
		})
	}
}

func goodFiles(t *testing.T) []string {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d files, error %v", len(files), err)
	}
	return files
}

func mustLoad(t *testing.T, file string) *Config {
	t.Helper()
	c, err := Load(file, fakeTypes, lookup)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	c := mustLoad(t, "testdata/good/contract-http.yaml")
	sync := c.Syncs["customer-status"]
	got := []any{c.Listen, c.Database.Reveal(), c.Connections["crm"].Timeout, c.Connections["crm"].RateLimit, sync.MinConfidence,
		sync.Match[0].Confidence, sync.Mode, sync.FirstContact, sync.Conflict, sync.Source.Poll, c.Notify.Slack, sync.RemindAfter}
	want := []any{"127.0.0.1:8080", "testdata/good/trueup.db", 10 * time.Second, (*RateLimit)(nil), 0.8,
		1.0, ModeWatch, Ask, ConflictRule{SkipNewerHumanEdit, 2 * time.Second, AutomationWrite}, time.Duration(0), (*Slack)(nil), 24 * time.Hour}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Connections["crm"].Name != "crm" || sync.Name != "customer-status" || c.Path != "testdata/good/contract-http.yaml" {
		t.Error("a connection, a sync or the file lost its name")
	}
}

func TestAZeroThatIsWrittenIsKept(t *testing.T) {
	c := mustLoad(t, "testdata/good/zeroes-written-out.yaml")
	if s := c.Syncs["a"]; s.MinConfidence != 0 || s.Conflict.ClockSkew != 0 || s.Conflict.Rule != SkipNewerHumanEdit {
		t.Errorf("a written zero became a default, or a default got lost: %v %+v", s.MinConfidence, s.Conflict)
	}
}

func TestAConnectionHoldsItsOwnSettingsBesideTheCommonOnes(t *testing.T) {
	c := mustLoad(t, "testdata/good/contract-http.yaml")
	crm := c.Connections["crm"]
	settings := crm.Settings.(*fakeHTTP)
	if crm.BaseURL != "http://127.0.0.1:9002" || settings.Auth.Bearer.Reveal() != "crm-env-value-3" {
		t.Errorf("common or own keys were lost: %q", crm.BaseURL)
	}
	want := &fakeCall{Get: "/customers?limit=200&after={cursor}", Records: "body.customers", fakePages: fakePages{Next: "body.next"}}
	if diff := cmp.Diff(want, settings.List, cmp.AllowUnexported(fakeCall{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"status": "{value}"}, settings.Write.Body); diff != "" {
		t.Error(diff)
	}
}

func TestAConnectionMayReachNetworksBesideTheUsualOnes(t *testing.T) {
	c := mustLoad(t, "testdata/good/networks.yaml")
	var got []string
	for _, n := range c.Connections["billing"].AlsoAllow {
		got = append(got, n.String())
	}
	if diff := cmp.Diff([]string{"169.254.10.0/24", "100.100.100.200/32", "fe80::/64"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheEnvironmentAndFilesFillValuesOfEveryType(t *testing.T) {
	c := mustLoad(t, "testdata/good/environment.yaml")
	billing, crm := c.Connections["billing"], c.Connections["crm"].Settings.(*fakeHTTP)
	stripe := billing.Settings.(*fakeStripe)
	got := map[string]any{
		"database": c.Database.Reveal(), "timeout": billing.Timeout, "rate": *billing.RateLimit,
		"key": stripe.APIKey.Reveal(), "secrets": []string{stripe.WebhookSecrets[0].Reveal(), stripe.WebhookSecrets[1].Reveal()},
		"user": crm.Auth.Basic.User, "password": crm.Auth.Basic.Password.Reveal(), "none": crm.Webhook.Verify.None,
		"body": crm.Write.Body, "confidence": c.Syncs["customer-status"].MinConfidence, "from": c.Syncs["customer-status"].Statuses["active"].From,
	}
	want := map[string]any{
		"database": "testdata/good/sk-from-file", "timeout": 7 * time.Second, "rate": RateLimit{42, 10 * time.Second},
		"key": "sk-from-file", "secrets": []string{"whsec_one", "whsec_two"},
		"user": "me-" + fakeEnv["YAML"] + "-${CRM_TOKEN}-$CRM_TOKEN", "password": "sk-from-file", "none": true,
		"body": map[string]any{"literal": "{value}", "env": fakeEnv["YAML"], "count": "42",
			"list": []any{int64(1), 2.5, true, nil, "text", int64(16), int64(-3)}, "true": map[string]any{"1": "one"}},
		"confidence": 0.75, "from": []string{"wrong-env-value-8", "|-less"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADatabaseIsFoundFromTheFolderOfTheFile(t *testing.T) {
	const rest = "connections: {a: {type: stripe, api_key: k}, b: {type: stripe, api_key: k}}\n" +
		"syncs: {s: {source: {connection: a}, target: {connection: b}, match: [{source: id, target: id}], statuses: {x: {from: [x], to: x}}}}\n"
	for _, test := range []struct{ name, database, dir, want string }{
		{"a relative path starts at the folder", "data/t.db", "/etc/trueup", "/etc/trueup/data/t.db"},
		{"an absolute path stays", "/var/t.db", "/etc/trueup", "/var/t.db"},
		{"in the working folder nothing changes", "t.db", ".", "t.db"},
		{"a URL stays", "postgres://u:p@h/d", "/etc", "postgres://u:p@h/d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Parse("trueup.yaml", []byte("database: "+test.database+"\n"+rest), test.dir, fakeTypes, lookup)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Database.Reveal(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAMissingFileSaysWhereToStart(t *testing.T) {
	_, err := Load("testdata/none.yaml", fakeTypes, lookup)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	for _, hint := range []string{"testdata/none.yaml", "trueup init", "trueup run", "trueup demo", "trueup config example > trueup.yaml"} {
		if !strings.Contains(err.Error(), hint) {
			t.Errorf("%q does not mention %s", err, hint)
		}
	}
}

func TestALineIsFoundForWhatIsThereAndWhatIsNot(t *testing.T) {
	c := mustLoad(t, "testdata/good/environment.yaml")
	for path, want := range map[string]int{
		"":                                       1,
		"public_url":                             1,
		"database":                               2,
		"connections.billing":                    4,
		"connections.billing.api_key":            8,
		"connections.billing.webhook_secrets[1]": 9,
		"connections.crm.find.get":               10,
		"syncs.customer-status.match[0].target":  30,
		"syncs.customer-status.match[7].target":  29,
		"connections.crm.write.body.list[5]":     22,
		"connections.crm.write.body.true":        23,
	} {
		if got := c.Line(path); got != want {
			t.Errorf("%q: got line %d, want %d", path, got, want)
		}
	}
	fault := c.Fault("syncs.customer-status.mode", "it cannot be", "write another")
	if want := "testdata/good/environment.yaml:25: syncs.customer-status.mode: it cannot be; write another"; fault.String() != want {
		t.Errorf("got %s", fault)
	}
}
