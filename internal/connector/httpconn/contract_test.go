package httpconn

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

const delivery = `{"events":[{"id":"e1","customer_id":"c1","status":"Active","occurred_at":"2026-03-01T12:00:00Z"}]}`

const secondKey = "canary-second-key"

func harness(change func(s *Settings)) connectortest.Harness {
	return connectortest.Harness{
		Open: func(t *testing.T, base string, deps connector.Deps) connector.Connection {
			s := full()
			s.Headers = map[string]config.Secret{"X-Second-Key": secondKey}
			change(s)
			c, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: base, PublicURL: "https://sync.example.com", Timeout: 5 * time.Second}, s, deps)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		Secrets: []string{token, secondKey, whsec, whsec[len("whsec_"):], hmacKey},
		Now:     func() time.Time { return now },
	}
}

func TestTheConnectorKeepsTheContract(t *testing.T) {
	record := jsonTool(`{"id":"c1","status":"Active","email":"a@example.com","etag":"1","updated_at":1749996400,"updated_by":"u"}`)
	list := jsonTool(`{"customers":[{"id":"c1","status":"Active","updated_at":1749996400}],"next":""}`)
	two := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") == "" {
			jsonTool(`{"customers":[{"id":"c1","status":"A","updated_at":1749999990}],"next":"x"}`)(w, r)
			return
		}
		jsonTool(`{"customers":[{"id":"c2","status":"B","updated_at":1749999991}]}`)(w, r)
	})
	// A list is no record that could be gone: its address is wrong.
	noList := map[int]connector.FailureKind{404: connector.Misconfigured, 410: connector.Misconfigured}
	h := harness(func(*Settings) {})
	key, err := signature.StandardSecret(whsec)
	if err != nil {
		t.Fatal(err)
	}
	other, err := signature.StandardSecret(otherSec)
	if err != nil {
		t.Fatal(err)
	}
	h.Webhook = &connectortest.Webhook{Body: []byte(delivery), Now: now, Expires: true,
		Sign:      func(body []byte) http.Header { return signature.SignStandard(key, "msg_1", now, body) },
		SignWrong: func(body []byte) http.Header { return signature.SignStandard(other, "msg_1", now, body) },
	}
	h.Reads = []connectortest.Call{
		{Name: "read the source", Tool: record, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			return c.Source.Read(ctx, "c1")
		}},
		{Name: "read the target", Tool: record, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			return c.Target.Read(ctx, "c1")
		}},
		{Name: "find in the target", Tool: list, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			return c.Target.Find(ctx, "email", "find-canary@example.com")
		}, Except: map[int]connector.FailureKind{404: "", 410: ""}},
		{Name: "poll", Tool: two, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			events, _, _, err := c.Changes.Since(ctx, now.Add(-time.Minute).Format(time.RFC3339))
			return events, err
		}, Except: noList},
		{Name: "probe", Tool: list, Do: func(ctx context.Context, c connector.Connection) (any, error) {
			return c.Probe.Probe(ctx)
		}, Except: noList},
	}
	h.Writes = []connectortest.Call{{Name: "write", Tool: record, Do: func(ctx context.Context, c connector.Connection) (any, error) {
		return nil, written(c.Target.Write(ctx, status.TargetRecord{ID: "c1", Revision: "1"}, "Paused"))
	}}}
	kept := status.TargetRecord{ID: "c1", Value: "Active", Revision: "1"}
	h.Lies = []connectortest.Lie{{Name: "a write that is answered and not done", Tool: record, Record: kept, Value: "Paused"}}
	h.Polled = func(changes func() []connectortest.Change) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var records []string
			all := changes()
			slices.Reverse(all) // a list may be sorted by anything
			page, next := pageOf(all, r.URL.Query().Get("after"))
			for _, c := range page {
				records = append(records, fmt.Sprintf(`{"id":%q,"status":"Active","updated_at":%q}`, c.Customer, c.At.Format(time.RFC3339)))
			}
			jsonTool(fmt.Sprintf(`{"customers":[%s],"next":%q}`, strings.Join(records, ","), next))(w, r)
		}
	}
	h.Rows = "customers"
	h.Empty = func(w http.ResponseWriter, r *http.Request) {
		jsonTool(fmt.Sprintf(`{"customers":[],"next":%q}`, skipped+r.URL.Query().Get("after")))(w, r)
	}
	connectortest.Run(t, h)
}

// skipped begins the cursor of the page after an empty one.
const skipped = "~"

// pageOf is the page of a list that a cursor names, and the cursor of the next.
func pageOf(all []connectortest.Change, cursor string) (page []connectortest.Change, next string) {
	const size = 100
	from, _ := strconv.Atoi(strings.TrimPrefix(cursor, skipped))
	page = all[min(from, len(all)):min(from+size, len(all))]
	if from+size < len(all) {
		next = strconv.Itoa(from + size)
	}
	return page, next
}

func TestTheRecordInTheAnswerToAWriteKeepsTheContract(t *testing.T) {
	record := jsonTool(`{"id":"c1","status":"Active","email":"a@example.com","etag":"1","updated_at":1749996400,"updated_by":"u"}`)
	kept := status.TargetRecord{ID: "c1", Value: "Active", Revision: "1"}
	h := harness(func(s *Settings) { s.Write.Record = "body" })
	h.Writes = []connectortest.Call{{Name: "write", Tool: record, Do: func(ctx context.Context, c connector.Connection) (any, error) {
		return c.Target.Write(ctx, kept, "Paused")
	}}}
	h.Lies = []connectortest.Lie{{Name: "a write whose answer shows what was kept", Tool: record, Record: kept, Value: "Paused"}}
	connectortest.Run(t, h)
}

func TestEachSchemeKeepsTheContract(t *testing.T) {
	shape := signature.HMAC{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Hex, Prefix: "sha256="}}
	timed := signature.HMAC{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Base64, TimestampHeader: "X-Time"}}
	static := func(value string) func([]byte) http.Header {
		return func([]byte) http.Header { return http.Header{"X-Token": {value}} }
	}
	sha1 := signature.HMAC{Algorithm: signature.SHA1, Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Hex, Prefix: "sha1="}}
	listed := signature.HMAC{Algorithm: signature.SHA512, Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Hex, Format: "ts={timestamp};h1={signature}",
		Unit: signature.Millis, Signed: "{timestamp}:{body}"}}
	addressed := signature.HMAC{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Base64, TimestampHeader: "X-Time", Unit: signature.ISO,
		Signed: "{method}{url}{body}{timestamp}", MethodHeader: connector.RequestMethod, URLHeader: connector.RequestURL}}
	sign := func(shape signature.HMAC, key string) func([]byte) http.Header {
		return func(body []byte) http.Header {
			h := http.Header{}
			if shape.URLHeader != "" {
				h = http.Header{connector.RequestMethod: {"POST"}, connector.RequestURL: {"https://sync.example.com/hooks/crm"}}
			}
			shape.Sign(h, []byte(key), now, body)
			return h
		}
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	signed := func(key ed25519.PrivateKey) func([]byte) http.Header {
		return func(body []byte) http.Header {
			h := http.Header{}
			signature.Ed25519{Shape: signature.Shape{Header: "X-Sig", Encoding: signature.Hex, TimestampHeader: "X-Time", Signed: "{timestamp}{body}"}}.Sign(h, key, now, body)
			return h
		}
	}
	basic := func(password string) func([]byte) http.Header {
		return func([]byte) http.Header { return signature.SignBasic("hooks", password) }
	}
	address := func(secret string) func([]byte) http.Header {
		return func([]byte) http.Header { return http.Header{connector.PathSecret: {secret}} }
	}
	secrets := []config.Secret{hmacKey}
	cases := []struct {
		name    string
		verify  Verify
		webhook connectortest.Webhook
	}{
		{"hmac", Verify{Scheme: schemeHMAC256, Header: "X-Sig", Prefix: "sha256=", Secrets: secrets},
			connectortest.Webhook{Sign: sign(shape, hmacKey), SignWrong: sign(shape, "x")}},
		{"hmac with a time", Verify{Scheme: schemeHMAC256, Header: "X-Sig", Encoding: "base64", TimestampHeader: "X-Time", Secrets: secrets},
			connectortest.Webhook{Sign: sign(timed, hmacKey), SignWrong: sign(timed, "x"), Expires: true}},
		{"a static header", Verify{Scheme: schemeHeader, Name: "X-Token", Secrets: secrets},
			connectortest.Webhook{Sign: static(hmacKey), SignWrong: static("x"), BodyNotCovered: true}},
		{"hmac with SHA-1", Verify{Scheme: schemeHMAC, Algorithm: "sha1", Header: "X-Sig", Prefix: "sha1=", Secrets: secrets},
			connectortest.Webhook{Sign: sign(sha1, hmacKey), SignWrong: sign(sha1, "x")}},
		{"hmac with both in one header", Verify{Scheme: schemeHMAC, Algorithm: "sha512", Header: "X-Sig", Format: "ts={timestamp};h1={signature}", TimestampUnit: "ms",
			Signed: "{timestamp}:{body}", Secrets: secrets}, connectortest.Webhook{Sign: sign(listed, hmacKey), SignWrong: sign(listed, "x"), Expires: true}},
		{"hmac over method and address", Verify{Scheme: schemeHMAC, Header: "X-Sig", Encoding: "base64", TimestampHeader: "X-Time", TimestampUnit: "iso",
			Signed: "{method}{url}{body}{timestamp}", Secrets: secrets}, connectortest.Webhook{Sign: sign(addressed, hmacKey), SignWrong: sign(addressed, "x"), Expires: true}},
		{"ed25519 over a time", Verify{Scheme: schemeEd25519, Header: "X-Sig", TimestampHeader: "X-Time", Signed: "{timestamp}{body}", PublicKeys: []string{hex.EncodeToString(public)}},
			connectortest.Webhook{Sign: signed(private), SignWrong: signed(other), Expires: true}},
		{"basic", Verify{Scheme: schemeBasic, User: "hooks", Secrets: secrets}, connectortest.Webhook{Sign: basic(hmacKey), SignWrong: basic("x"), BodyNotCovered: true}},
		{"a secret in the address", Verify{Scheme: schemePath, Secrets: secrets}, connectortest.Webhook{Sign: address(hmacKey), SignWrong: address("x"), BodyNotCovered: true}},
		{"none", Verify{None: true}, connectortest.Webhook{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := harness(func(s *Settings) { s.Webhook.Verify = c.verify })
			c.webhook.Body, c.webhook.Now = []byte(delivery), now
			h.Webhook = &c.webhook
			connectortest.Run(t, h)
		})
	}
}

// written is the error of a write, whatever its answer shows.
func written(_ *status.TargetRecord, err error) error { return err }
