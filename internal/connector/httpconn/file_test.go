package httpconn

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/assertiontest"
)

var fileTypes = config.Types{Type: func() config.Settings { return &Settings{} }}

// connections decodes a file that holds connections only; what else a whole
// file needs is not looked at.
func connections(t *testing.T, file string) []config.Fault {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "trueup.key"), []byte(assertiontest.PEM(t, assertiontest.Key())), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Parse("trueup.yaml", []byte(file), dir, fileTypes, func(name string) (string, bool) {
		if strings.HasSuffix(name, "WEBHOOK_SECRET") {
			return whsec, true
		}
		if strings.HasSuffix(name, "BASE64") {
			return "c2VzYW1l", true
		}
		return "value-of-" + name, true
	})
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want at least the faults of a file without syncs", err)
	}
	var ours []config.Fault
	for _, f := range faults {
		if strings.HasPrefix(f.Path, "connections") {
			ours = append(ours, f)
		}
	}
	return ours
}

func TestTheExamplesOfTheDocumentationAreSound(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/connectors/http.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(doc, -1)
	if len(examples) < 4 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	for i, e := range examples {
		for _, f := range connections(t, string(e[1])) {
			t.Errorf("example %d, line %d: %s: %s; %s", i+1, f.Line, f.Path, f.Problem, f.Remedy)
		}
	}
}

func TestTheLinesForKnownToolsAreSound(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/connectors/http.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(doc), "### Lines for known tools")
	table, _, _ = strings.Cut(table, "\n## ")
	lines := regexp.MustCompile("`verify: \\{(.*?)\\}`").FindAllStringSubmatch(table, -1)
	if len(lines) < 20 {
		t.Fatalf("only %d lines were found", len(lines))
	}
	for _, l := range lines {
		secret := `secrets: ["0123456789abcdef0123456789abcdef"]`
		if strings.Contains(l[1], "ed25519") {
			secret = `public_keys: ["` + strings.Repeat("8b", 32) + `"]`
		}
		for _, f := range connections(t, "public_url: https://sync.example.com\nconnections:\n  tool:\n    type: http\n    base_url: https://tool.example.com\n    webhook:\n"+
			"      verify: {"+l[1]+", "+secret+"}\n      id: event.id\n      customer: event.customer\n      status: event.status\n") {
			t.Errorf("%s: %s: %s; %s", l[1], f.Path, f.Problem, f.Remedy)
		}
	}
	for _, l := range regexp.MustCompile("`handshake: (\\{.*?\\})`").FindAllStringSubmatch(table, -1) {
		for _, f := range connections(t, "connections:\n  tool:\n    type: http\n    base_url: https://tool.example.com\n    webhook:\n"+
			"      verify: {none: true}\n      handshake: "+l[1]+"\n      id: event.id\n      customer: event.customer\n      status: event.status\n") {
			t.Errorf("%s: %s: %s; %s", l[1], f.Path, f.Problem, f.Remedy)
		}
	}
}

func TestAFileBecomesTheSameSettingsAsTheCode(t *testing.T) {
	file := `
listen: 127.0.0.1:8080
database: trueup.db
connections:
  crm:
    type: http
    base_url: http://127.0.0.1:9002
    auth: {bearer: ` + token + `}
    webhook:
      verify: {scheme: standard-webhooks, secrets: [` + whsec + `]}
      events: body.events
      id: event.id
      customer: event.customer_id
      status: event.status
      occurred_at: event.occurred_at
    record:
      id: record.id
      status: record.status
      updated_at: record.updated_at
      updated_by: record.updated_by
      keys: {email: record.email, external_id: record.external_id}
    humans: "!record.updated_by.startsWith('api:')"
    find: {get: "/customers?{key}={value}", records: body.customers}
    read: {get: "/customers/{id}", record: body}
    write: {put: "/customers/{id}", body: {status: "{value}"}, if_match: record.etag}
    list: {get: "/customers?limit=2&after={cursor}", records: body.customers, next: body.next}
  other:
    type: http
    base_url: http://127.0.0.1:9003
    read: {get: "/customers/{id}"}
    record: {id: record.id, status: record.status}
syncs:
  customer-status:
    source: {connection: other}
    target: {connection: crm}
    match: [{source: id, target: id}]
    statuses: {active: {from: [active], to: Active}}
    mode: live
`
	c, err := config.Parse("trueup.yaml", []byte(file), t.TempDir(), fileTypes, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(full(), c.Connections["crm"].Settings); d != "" {
		t.Error(d)
	}
	if _, err := Open("crm", c.Connections["crm"], c.Connections["crm"].Settings.(*Settings), connector.Deps{}); err != nil {
		t.Error(err)
	}
}

func TestFaultsOfAFileStandAtTheirLines(t *testing.T) {
	got := connections(t, `connections:
  crm:
    type: http
    base_url: http://127.0.0.1:9002
    webhook:
      id: event.
      customer: event.customer_id
      statsu: event.status
    write: {put: "/customers/{id}", body: {status: "{vlaue}"}}
`)
	var lines []string
	for _, f := range got {
		lines = append(lines, f.Path)
	}
	for _, want := range []string{"connections.crm.webhook.id", "connections.crm.webhook.statsu", "connections.crm.webhook.verify", "connections.crm.write.body", "connections.crm.read"} {
		if !strings.Contains(strings.Join(lines, " "), want) {
			t.Errorf("no fault at %s; there are %v", want, lines)
		}
	}
}

func TestKeysOfListAndFindStandAtTheirLines(t *testing.T) {
	got := connections(t, `connections:
  crm:
    type: http
    base_url: http://127.0.0.1:9002
    record: {id: record.id, status: record.status, updated_at: record.at, keys: {email: record.email, phone: record.phone}}
    find:
      email: {post: "/search", body: {q: "{value}"}, records: body.data}
      phone: {get: "/find?p={vlaue}"}
      records: body.data
      postt: "/x"
      fax: {gett: "/x"}
    list:
      get: "/customers?after={cursor}&since={since}"
      next: body.next
      first: 1
      since_format: epoch
      overlap: 5
      next_urll: body.x
`)
	want := map[string]int{"connections.crm.find.phone.get": 8, "connections.crm.find.get": 6, "connections.crm.find.postt": 10, "connections.crm.find.fax.gett": 11,
		"connections.crm.list.first": 15, "connections.crm.list.since_format": 16, "connections.crm.list.overlap": 17, "connections.crm.list.next_urll": 18}
	for _, f := range got {
		if line, ok := want[f.Path]; ok && f.Line == line && f.Remedy != "" {
			delete(want, f.Path)
		}
	}
	if len(want) > 0 {
		t.Errorf("not reported: %v; reported: %v", want, got)
	}
}
