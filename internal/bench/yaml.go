package bench

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

// secret signs the webhooks of one run.
type secret struct {
	text string
	key  []byte
}

func newSecret() secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return secret{"whsec_" + base64.StdEncoding.EncodeToString(key), key}
}

const syncName = "customer-status"

// yaml is the trueup.yaml that joins the sample tools. Limits are off, since statuses
// change all the time here, and so are sweeps, which are measured when they are asked for.
const yaml = `listen: 127.0.0.1:0
database: %[1]q
connections:
  billing:
    type: http
    base_url: %[2]s/billing
    auth: {bearer: bench}
    webhook:
      verify: {scheme: standard-webhooks, secrets: [%[3]s]}
      id: event.id
      customer: event.data.id
      status: event.data.status
      occurred_at: event.occurred_at
    record: {id: record.id, status: record.status, keys: {customer_id: record.id, email: record.email}}
    read: {get: "/customers/{id}", record: body}
    list: {get: "/customers?limit=200&after={cursor}", records: body.customers, next: body.next}
%[4]s  crm:
    type: http
    base_url: %[2]s/crm
    auth: {bearer: bench}
    record: {id: record.id, status: record.status, keys: {external_id: record.external_id, email: record.email}}
    find: {get: "/contacts?{key}={value}", records: body.contacts}
    read: {get: "/contacts/{id}", record: body}
    write: {put: "/contacts/{id}", body: {status: "{value}"}, record: body}
    list: {get: "/contacts?limit=200&after={cursor}", records: body.contacts, next: body.next}
%[4]ssyncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: customer_id, target: external_id}]
    statuses:
      active: {from: [active], to: Active}
      paused: {from: [paused], to: Paused}
      churned: {from: [canceled], to: Churned}
    mode: live
    limits: off
    sweep: off
`

// almostNone is a rate limit under which next to nothing is carried: what is measured then
// is accepting alone.
const almostNone = "    rate_limit: {requests: 1, per: 1h}\n"

// configure writes the trueup.yaml of a place. more is added to each connection.
func (p *place) configure(t *tools, s secret, more string) (path string, err error) {
	path = filepath.Join(p.dir, "trueup.yaml")
	return path, os.WriteFile(path, fmt.Appendf(nil, yaml, p.dsn, t.url, s.text, more), 0o600)
}
