package gohighlevel

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

const (
	canaryToken  = "pit-canary-1111-2222-3333"
	canarySecret = "workflow-secret-0123456789"
	app          = "66aa00000000000000000001"
	location     = "L0cAt10nAbCdEfGhIjKl"
)

// tool answers by method and path, the same each time.
func tool(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.Method+" "+r.URL.Path]
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			body = `{"message":"Cannot ` + r.Method + `"}`
		}
		_, _ = w.Write([]byte(body))
	}
}

const (
	oneContact = `{"contact":{"id":"c1","locationId":"` + location + `","email":"find-canary@example.com","tags":["active"],"dateUpdated":"2026-11-20T11:00:00Z","customFields":[{"id":"f1","value":"Active"}]}}`
	paused     = `{"contact":{"id":"c1","locationId":"` + location + `","customFields":[{"id":"f1","value":"Paused"}]}}`
	oneField   = `{"customFields":[{"id":"f1","name":"Status","fieldKey":"contact.status","dataType":"SINGLE_OPTIONS","model":"contact","picklistOptions":["Active","Paused"]}]}`
	oneHit     = `{"contacts":[{"id":"c1","dateUpdated":1795173000000,"customFields":[{"id":"f1","value":"Active"}],"searchAfter":[1,"c1"]}],"total":1}`
	oneOpp     = `{"opportunities":[{"id":"o1","status":"open","contactId":"c1","pipelineId":"p1"}]}`
	opp        = `{"opportunity":{"id":"o1","status":"open","contactId":"c1","pipelineId":"p1","lastStatusChangeAt":"2026-11-20T11:00:00Z"}}`
)

func whole() http.HandlerFunc {
	return tool(map[string]string{
		"GET /contacts/c1":                             oneContact,
		"PUT /contacts/c1":                             paused,
		"POST /contacts/search":                        oneHit,
		"GET /locations/" + location + "/customFields": oneField,
		"GET /opportunities/search":                    oneOpp,
		"GET /opportunities/o1":                        opp,
		"PUT /opportunities/o1/status":                 `{"succeded":true}`,
		"POST /contacts/c1/tags":                       `{"tags":["vip","active","paused"]}`,
		"DELETE /contacts/c1/tags":                     `{"tags":["vip","paused"]}`,
		"GET /contacts/search/duplicate":               oneContact,
		"GET /opportunities/pipelines":                 `{"pipelines":[{"id":"p1","name":"Renewals"}]}`,
	})
}

// keeping answers as whole does, and every write is without effect.
func keeping() http.HandlerFunc {
	usual := whole()
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/contacts/c1":
			tool(map[string]string{"PUT /contacts/c1": oneContact})(w, r)
		case strings.HasSuffix(r.URL.Path, "/tags"):
			tool(map[string]string{r.Method + " " + r.URL.Path: `{"tags":["active"]}`})(w, r)
		default:
			usual(w, r)
		}
	}
}

func harness(use connector.Use, change ...func(*Settings)) connectortest.Harness {
	return connectortest.Harness{
		Open: func(t *testing.T, base string, deps connector.Deps) connector.Connection {
			s := &Settings{LocationID: location, Token: canaryToken}
			for _, c := range change {
				c(s)
			}
			deps.Use = use
			c, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, s, deps)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		Secrets: []string{canaryToken, canarySecret},
		Now:     func() time.Time { return testNow },
	}
}

// wrongAddress is for what names no record: when a list is not there, neither is
// HighLevel. A contact or an opportunity that was found and is gone when it is
// read is not found at all.
func wrongAddress(path string) map[int]connector.FailureKind {
	if strings.HasPrefix(path, "/contacts/c1") || strings.HasPrefix(path, "/opportunities/o1") {
		return nil
	}
	return map[int]connector.FailureKind{404: connector.Misconfigured, 410: connector.Misconfigured}
}

func foundAndGone(path string) map[int]connector.FailureKind {
	if except := wrongAddress(path); except != nil {
		return except
	}
	return map[int]connector.FailureKind{404: "", 410: ""}
}

type do = func(ctx context.Context, c connector.Connection) (any, error)

var (
	readSource do = func(ctx context.Context, c connector.Connection) (any, error) { return c.Source.Read(ctx, "c1") }
	readTarget do = func(ctx context.Context, c connector.Connection) (any, error) { return c.Target.Read(ctx, "c1") }
	findTarget do = func(ctx context.Context, c connector.Connection) (any, error) {
		return c.Target.Find(ctx, "email", "find-canary@example.com")
	}
	listSource do = func(ctx context.Context, c connector.Connection) (any, error) {
		r, _, err := c.SourceList.List(ctx, "")
		return r, err
	}
	listTarget do = func(ctx context.Context, c connector.Connection) (any, error) {
		r, _, err := c.TargetList.List(ctx, "")
		return r, err
	}
	poll do = func(ctx context.Context, c connector.Connection) (any, error) {
		events, _, _, err := c.Changes.Since(ctx, position{From: testNow}.String())
		return events, err
	}
	checkLive do = func(ctx context.Context, c connector.Connection) (any, error) { return c.Probe.Probe(ctx) }
)

func TestTheConnectorKeepsTheContract(t *testing.T) {
	for field, values := range map[string][]string{"status": {"Active", "Paused"}, "tags": {"Active", "Paused"}, "opportunity.status": {"open", "won"}} {
		t.Run("with the field "+field, func(t *testing.T) {
			h := harness(connector.Use{Field: field, Values: values, Target: true}, func(s *Settings) { s.Pipeline = "Renewals" })
			call := func(name string, what do, except func(string) map[int]connector.FailureKind) connectortest.Call {
				return connectortest.Call{Name: name, Tool: whole(), Do: what, ReadsByPost: true, ExceptFor: except}
			}
			gone := wrongAddress
			if field == "opportunity.status" {
				// Without its opportunity the contact has no status.
				gone = func(path string) map[int]connector.FailureKind {
					if strings.HasPrefix(path, "/opportunities/o1") {
						return map[int]connector.FailureKind{404: "", 410: ""}
					}
					return wrongAddress(path)
				}
			}
			h.Reads = []connectortest.Call{call("read the source", readSource, gone), call("read the target", readTarget, gone),
				call("find in the target", findTarget, foundAndGone), call("list the source", listSource, wrongAddress),
				call("list the target", listTarget, wrongAddress), call("probe", checkLive, foundAndGone)}
			if field != "opportunity.status" {
				h.Reads = append(h.Reads, call("poll", poll, wrongAddress))
			}
			record := status.TargetRecord{ID: "c1", Value: values[0], Keys: map[string]string{"opportunity_id": "o1"}}
			h.Writes = []connectortest.Call{{Name: "write", Tool: whole(), ExceptFor: wrongAddress, Do: func(ctx context.Context, c connector.Connection) (any, error) {
				return nil, written(c.Target.Write(ctx, record, values[1]))
			}}}
			h.Lies = []connectortest.Lie{{Name: "a write that is answered and not done", Tool: keeping(), Record: record, Value: values[1]}}
			connectortest.Run(t, h)
		})
	}
}

// A private integration has no webhooks: its changes are polled.
func TestPollingKeepsTheContract(t *testing.T) {
	h := harness(connector.Use{Field: "status"})
	h.Polled = func(changes func() []connectortest.Change) http.HandlerFunc {
		usual := whole()
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/contacts/search" {
				usual(w, r)
				return
			}
			var asked struct {
				PageLimit   int
				SearchAfter []int
				Sort        []sorting
				Filters     []struct{ Value struct{ GTE, LTE time.Time } }
			}
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			rows := []map[string]any{}
			for n, c := range changes() {
				if len(asked.Filters) > 0 {
					if within := asked.Filters[0].Value; c.At.Before(within.GTE) || !within.LTE.IsZero() && c.At.After(within.LTE) {
						continue
					}
				}
				if asked.Sort[0].Direction == "asc" && len(asked.SearchAfter) > 0 && n <= asked.SearchAfter[0] {
					continue
				}
				rows = append(rows, map[string]any{"id": c.Customer, "dateUpdated": c.At, "searchAfter": []int{n}})
			}
			if asked.Sort[0].Direction == "desc" {
				slices.Reverse(rows)
			}
			body, err := json.Marshal(map[string]any{"contacts": rows[:min(len(rows), asked.PageLimit)]})
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}
	}
	h.Rows, h.Empty = "contacts", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"contacts":[]}`)
	}
	connectortest.Run(t, h)
}

func delivery(change func(map[string]any)) []byte {
	body := map[string]any{"type": "ContactUpdate", "locationId": location, "appId": app, "versionId": app, "id": "c1",
		"email": "ada@example.com", "webhookId": "11111111-2222-4333-8444-555555555555", "timestamp": "2026-11-20T11:59:59.123Z"}
	if change != nil {
		change(body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return text
}

func TestTheWebhooksOfAnAppKeepTheContract(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := harness(connector.Use{}, func(s *Settings) {
		s.Webhook = &Webhook{AppID: app, PublicKeys: []string{base64.StdEncoding.EncodeToString(public)}}
	})
	h.Webhook = &connectortest.Webhook{Body: delivery(nil), Now: testNow,
		Sign:      func(body []byte) http.Header { return signature.SignEd25519(signed, private, body) },
		SignWrong: func(body []byte) http.Header { return signature.SignEd25519(signed, other, body) },
	}
	connectortest.Run(t, h)
}

func TestTheWebhooksOfAWorkflowKeepTheContract(t *testing.T) {
	header := func(name, value string) func([]byte) http.Header {
		return func([]byte) http.Header { return http.Header{name: {value}} }
	}
	for place, name := range map[string]string{"in a header": "X-Trueup-Secret", "in the address": connector.PathSecret} {
		t.Run(place, func(t *testing.T) {
			h := harness(connector.Use{}, func(s *Settings) {
				s.Webhook = &Webhook{Workflow: &Workflow{Secrets: []config.Secret{canarySecret}}}
			})
			h.Webhook = &connectortest.Webhook{Body: []byte(workflowBody), Now: testNow, BodyNotCovered: true,
				Sign: header(name, canarySecret), SignWrong: header(name, strings.Repeat("x", 24))}
			connectortest.Run(t, h)
		})
	}
}

const workflowBody = `{"contact_id":"c1","first_name":"Ada","tags":"vip,paused","location":{"id":"` + location + `","name":"Example Gym"},"workflow":{"id":"w1","name":"Status changed"},"customData":{"status":"Paused"}}`

// written is the error of a write, whatever its answer shows.
func written(_ *status.TargetRecord, err error) error { return err }
