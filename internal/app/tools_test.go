package app_test

import (
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

const hookToken = "hook-token"

// configText is a sync between two such tools that writes, and compares them only
// when a test says so: its own mode, sweep and limits take the place of these.
func configText(dsn, billing, crm string) string {
	return fmt.Sprintf(`
listen: 127.0.0.1:0
database: %q
connections:
  billing:
    type: http
    base_url: %s
    auth: {bearer: `+resttest.Token+`}
    webhook:
      verify: {scheme: header, name: X-Token, secrets: [`+hookToken+`]}
      id: event.id
      customer: event.customer
      status: event.status
      occurred_at: event.at
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    read: {get: "/records/{id}", record: body}
  crm: %s
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses:
      active:  {from: [active], to: Active}
      paused:  {from: [paused], to: Paused}
      churned: {from: [canceled], to: Churned}
    mode: live
    sweep: off
    limits: off
`, dsn, billing, resttest.TargetYAML(crm))
}

// ownWords removes the mode and the sweep of configText where a test has added
// others.
func ownWords(text string) string {
	for _, line := range []string{"    mode: live\n", "    sweep: off\n", "    limits: off\n"} {
		key, _, _ := strings.Cut(line, ": ")
		if strings.Count(text, "\n"+key+": ") > strings.Count(text, "\n    statuses:") {
			text = strings.Replace(text, line, "", 1)
		}
	}
	return text
}
