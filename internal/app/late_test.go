package app_test

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/registry"
)

// What a sync says of its source's changes is what its file says.
func TestASyncSaysHowLateItsSourceCanBe(t *testing.T) {
	const (
		list     = "    list: {get: /all, records: body.rows}\n"
		dated    = "    record: {id: record.id, status: record.status, updated_at: record.at, keys: {email: record.email}}\n"
		webhook  = "    webhook: {verify: {scheme: header, name: X-Token, secrets: [hook-token]}, id: event.id, customer: event.customer}\n"
		ping     = "    webhook: {verify: {scheme: header, name: X-Token, secrets: [hook-token]}, ping: true}\n"
		other    = "  other: {source: {connection: billing, poll: 1m}, target: {connection: desk}, match: [{source: email, target: email}], statuses: {active: {from: [active], to: Active}}, mode: watch, limits: off, sweep: off}\n"
		asked    = ", and asked when Trueup starts"
		byRound  = "by the next comparison (every day) at the earliest"
		lost     = "a change whose webhook never comes"
		orAsLate = ", or as late as reading its list takes"
		undone   = ", and one that is undone within that time is never seen"
	)
	for name, tt := range map[string]struct{ source, sync, poll, want string }{
		"a webhook without a list":                          {webhook, "", "", "heard by webhook only: " + lost + " is never found"},
		"a webhook and a list":                              {webhook + dated + list, "", "", "heard by webhook" + asked + ": " + lost + " is found when Trueup next starts or " + byRound},
		"a list without times":                              {webhook + list, "", "", "heard by webhook only: " + lost + " is found " + byRound},
		"without a comparison":                              {webhook + dated + list, "    sweep: off\n", "", "heard by webhook" + asked + ": " + lost + " is found when Trueup next starts at the earliest"},
		"a comparison that only counts":                     {webhook + list, "    sweep: {every: 6h, repair: false}\n", "", "heard by webhook only: " + lost + " is found by the next comparison (every 6 hours) at the earliest; what a comparison finds is only counted, because repair is off"},
		"a poll":                                            {dated + list, "", ", poll: 5m", "asked every 5 minutes: a change can be 5 minutes late" + orAsLate + undone},
		"a poll and a webhook":                              {webhook + dated + list, "", ", poll: 5m", "heard by webhook, and asked every 5 minutes: " + lost + " can be 5 minutes late" + orAsLate},
		"another sync that asks the same source more often": {dated + list, other, ", poll: 5m", "asked every minute: a change can be 1 minute late" + orAsLate + undone},
		"a ping":            {ping + dated + list, "    sweep: off\n", "", "asked when a webhook says that something changed, and when Trueup starts: " + lost + " is found when Trueup next starts at the earliest"},
		"a ping and a poll": {ping + dated + list, "", ", poll: 2h", "asked when a webhook says that something changed, and every 2 hours: " + lost + " can be 2 hours late" + orAsLate + undone},
	} {
		t.Run(name, func(t *testing.T) {
			source := tt.source
			if !strings.Contains(source, "record:") {
				source += "    record: {id: record.id, status: record.status, keys: {email: record.email}}\n"
			}
			text := `
connections:
  billing:
    type: http
    base_url: http://127.0.0.1:1
    read: {get: "/customers/{id}"}
` + source + `  crm:
    type: http
    base_url: http://127.0.0.1:2
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    find: {get: "/records?{key}={value}", records: body.records}
    read: {get: "/records/{id}"}
    write: {put: "/records/{id}", body: {status: "{value}"}}
    list: {get: "/records", records: body.records}
  desk:
    type: http
    base_url: http://127.0.0.1:3
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    find: {get: "/records?{key}={value}", records: body.records}
    read: {get: "/records/{id}"}
    write: {put: "/records/{id}", body: {status: "{value}"}}
syncs:
  customer-status:
    source: {connection: billing` + tt.poll + `}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active], to: Active}}
    mode: watch
    limits: off
` + tt.sync
			cfg, err := config.Parse("trueup.yaml", []byte(text), t.TempDir(), registry.Types(), func(string) (string, bool) { return "", false })
			if err != nil {
				t.Fatal(err)
			}
			_, late, err := app.Capabilities(cfg)
			if err != nil || late["customer-status"] != "billing is "+tt.want {
				t.Errorf("%v\n got %s\nwant billing is %s", err, late["customer-status"], tt.want)
			}
		})
	}
}
