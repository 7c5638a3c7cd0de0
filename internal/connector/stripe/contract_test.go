package stripe

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/signature"
)

const otherSecret = "whsec_another"

func harness() connectortest.Harness {
	return connectortest.Harness{
		Open: func(t *testing.T, base string, deps connector.Deps) connector.Connection {
			c, err := Open("billing", config.Connection{Name: "billing", Type: Type, BaseURL: base, Timeout: 5 * time.Second},
				&Settings{APIKey: testKey, WebhookSecrets: []config.Secret{testSecret}}, deps)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		Secrets: []string{testKey, testSecret},
		Now:     func() time.Time { return testNow },
	}
}

// whole is a Stripe with a customer who left and one who never came, both of whom
// need their subscriptions to be listed, and with more events than a page has.
func whole(t *testing.T) http.HandlerFunc {
	f := newFake(t)
	f.customers = map[string]string{
		"cus_1": `{"id":"cus_1","object":"customer","email":"ada@example.com"}`,
		"cus_2": `{"id":"cus_2","object":"customer","email":"ben@example.com"}`,
	}
	f.subscriptions = []string{`{"id":"sub_1","object":"subscription","customer":"cus_1","status":"canceled","ended_at":1795000000}`}
	for i := range pageSize + 1 {
		f.addEvent("evt_"+strings.Repeat("i", i+1), "customer.updated", testNow.Add(-time.Minute))
	}
	return f.ServeHTTP
}

func TestTheConnectorKeepsTheContract(t *testing.T) {
	sign := func(secret string) func([]byte) http.Header {
		return func(body []byte) http.Header { return signature.SignStripe([]byte(secret), testNow, body) }
	}
	h := harness()
	h.Webhook = &connectortest.Webhook{Body: []byte(eventJSON("evt_1", "customer.subscription.updated", testNow)), Now: testNow,
		Sign: sign(testSecret), SignWrong: sign(otherSecret), Expires: true}
	// Stripe says that an object is missing by its code. A bare 404 is about the
	// path, and so about base_url.
	except := map[int]connector.FailureKind{404: connector.Misconfigured, 410: connector.Misconfigured}
	read := func(name string, do func(context.Context, connector.Connection) (any, error)) {
		h.Reads = append(h.Reads, connectortest.Call{Name: name, Tool: whole(t), Do: do, Except: except})
	}
	read("read the source", func(ctx context.Context, c connector.Connection) (any, error) { return c.Source.Read(ctx, "cus_1") })
	read("find in the source", func(ctx context.Context, c connector.Connection) (any, error) {
		return c.SourceFind.Find(ctx, "email", "ben@example.com")
	})
	read("list the source", func(ctx context.Context, c connector.Connection) (any, error) {
		records, _, err := c.SourceList.List(ctx, "")
		return records, err
	})
	read("poll", func(ctx context.Context, c connector.Connection) (any, error) {
		found, _, _, err := c.Changes.Since(ctx, unixText(testNow.Add(-5*time.Minute)))
		return found, err
	})
	read("probe", func(ctx context.Context, c connector.Connection) (any, error) { return c.Probe.Probe(ctx) })
	h.Polled = func(changes func() []connectortest.Change) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			f := &fake{t: t, clock: time.Now}
			for _, c := range changes() {
				event := eventJSON("evt_"+c.Customer, "customer.updated", c.At)
				f.events = slices.Insert(f.events, 0, strings.Replace(event, "cus_1", c.Customer, 1))
			}
			date := w.Header().Get("Date")
			f.clock = func() time.Time { at, _ := http.ParseTime(date); return at }
			f.ServeHTTP(w, r)
		}
	}
	h.Rows = "data"
	h.Empty = func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"object":"list","url":"/v1/events","has_more":true,"data":[]}`)
	}
	connectortest.Run(t, h)
}

// While a secret is rolled there are two, and a delivery may be signed with either.
func TestEachSecretOfARotationKeepsTheContract(t *testing.T) {
	for _, secrets := range [][]config.Secret{{testSecret, otherSecret}, {otherSecret, testSecret}} {
		for _, signed := range secrets {
			h := harness()
			h.Open = func(t *testing.T, base string, deps connector.Deps) connector.Connection {
				c, err := Open("billing", config.Connection{BaseURL: base}, &Settings{APIKey: testKey, WebhookSecrets: slices.Clone(secrets)}, deps)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			h.Secrets = append(h.Secrets, otherSecret)
			h.Webhook = &connectortest.Webhook{Body: []byte(eventJSON("evt_1", "customer.updated", testNow)), Now: testNow, Expires: true,
				Sign:      func(body []byte) http.Header { return signature.SignStripe([]byte(signed.Reveal()), testNow, body) },
				SignWrong: func(body []byte) http.Header { return signature.SignStripe([]byte("whsec_third"), testNow, body) }}
			connectortest.Run(t, h)
		}
	}
}
