package killtest

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// secret signs the webhooks.
var secret = []byte("a secret of this test, 32 bytes.")

// skew is how far the clocks may differ: they are one here, and a change of the
// source soon after an edit is to be carried.
const skew = "200ms"

// inDatabase is how the environment tells a node of its way to the database: the file
// is the same for all.
const inDatabase = "TRUEUP_KILL_DATABASE="

// settings is the configuration of one round.
func settings(source, target *resttest.Tool, careless bool, words int) string {
	crm := strings.Replace(resttest.TargetYAML(target.URL), "timeout: 25s", "timeout: 500ms", 1)
	if careless {
		crm = strings.Replace(crm, ", if_match: record.etag", "", 1)
	}
	var statuses strings.Builder
	for n := range words {
		fmt.Fprintf(&statuses, "      s%d: {from: [%s], to: %s}\n", n, word(n), want(n))
	}
	return fmt.Sprintf(`
listen: 127.0.0.1:0
database: ${TRUEUP_KILL_DATABASE}
connections:
  billing:
    type: http
    base_url: %s
    auth: {bearer: %s}
    webhook:
      verify: {scheme: standard-webhooks, secrets: [whsec_%s]}
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
    conflict: {clock_skew: %s}
    mode: live
    sweep: off
    limits: off
    statuses:
%s`, source.URL, resttest.Token, base64.StdEncoding.EncodeToString(secret), crm, skew, &statuses)
}

func word(n int) string { return fmt.Sprintf("state-%d", n) }
func want(n int) string { return fmt.Sprintf("State %d", n) }
