package registry

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// environment holds what the examples ask for.
var environment = map[string]string{
	"STRIPE_API_KEY": "rk_test_canary1", "STRIPE_WEBHOOK_SECRET": "whsec_canary2", "CRM_TOKEN": "canary3",
	"CRM_WEBHOOK_SECRET": "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAx",
}

func lookup(name string) (string, bool) {
	value, ok := environment[name]
	return value, ok
}

const small = `database: trueup.db
connections:
  billing: {type: stripe, api_key: "${STRIPE_API_KEY}", webhook_secrets: ["${STRIPE_WEBHOOK_SECRET}"]}
  crm:
    type: http
    base_url: http://127.0.0.1:9002
    auth: {basic: {user: "${CRM_TOKEN}", password: x}}
    webhook: {verify: {scheme: hmac-sha256, secrets: ["${CRM_TOKEN}"], header: X-Sig, encoding: base64, timestamp_header: X-Time}, id: event.id, customer: event.c}
    record: {id: record.id, status: "record.?status.orValue('')"}
    read: {get: "/c/{id}"}
    write: {put: "/c/{id}", body: {status: "{value}"}}
syncs:
  s:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: id, target: id}]
    statuses: {active: {from: [active], to: Active}}
    ignore: [trialing, past_due, paused, unpaid, canceled, incomplete, incomplete_expired]
`

// FuzzFile reads any file as the configuration of the real connectors. What is
// accepted opens: a fault that trueup check cannot see would be met at the next
// start. What is refused is refused with faults that quote no secret.
func FuzzFile(f *testing.F) {
	f.Add([]byte(small))
	files := []string{"../../../docs/examples/trueup.yaml"}
	good, err := filepath.Glob("../../config/testdata/good/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, good...) {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, change := range []struct{ old, with string }{
		{"hmac-sha256", "header"}, {"X-Sig", `"X Sig"`}, {"X-Time", "x-sig"}, {"/c/{id}", "/c/{id}/../x"}, {"/c/{id}", "c"}, {"record.id", "record["},
		{"http://127.0.0.1:9002", "ftp://x"}, {"http://127.0.0.1:9002", `"http://\u007f"`}, {"rk_test", "pk_test"}, {"{status: \"{value}\"}", "{? [a] : b}"}, {"password: x", "password: \"a\\nb\""},
	} {
		f.Add([]byte(strings.ReplaceAll(small, change.old, change.with)))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte) {
		if strings.Contains(string(src), "_file") {
			return // a file of this machine
		}
		c, err := config.Parse("trueup.yaml", src, dir, Types(), lookup)
		if err != nil {
			var faults config.Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("an error that is no fault: %v", err)
			}
			for _, secret := range environment {
				if strings.Contains(err.Error(), secret) && !strings.Contains(string(src), secret) {
					t.Fatalf("a secret is in the faults: %v", err)
				}
			}
			return
		}
		for name, common := range c.Connections {
			conn, err := Open(common, connector.Deps{})
			if err != nil {
				t.Fatalf("the file is accepted and %s does not open: %v", name, err)
			}
			if conn.Name != name || conn.Type != common.Type {
				t.Fatalf("%s opens as %s of type %s", name, conn.Name, conn.Type)
			}
		}
		for name, s := range c.Syncs {
			if c.Connections[s.Source.Connection].Type == "" || c.Connections[s.Target.Connection].Type == "" {
				t.Fatalf("%s joins connections that are not there", name)
			}
		}
	})
}
