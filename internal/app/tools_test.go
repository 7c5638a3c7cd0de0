package app_test

import (
	"fmt"

	"trueup/internal/connector/httpconn/resttest"
)

const hookToken = "hook-token"

// configText is a sync between two such tools.
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
`, dsn, billing, resttest.TargetYAML(crm))
}
