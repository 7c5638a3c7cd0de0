package makecom

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

const delivery = `{"event_id":"e1","customer":"c1","status":"Active","changed_at":"2026-03-01T11:59:00Z","keys":{"email":"a@example.com"}}`

func harness(verify Verify) connectortest.Harness {
	return connectortest.Harness{
		Open: func(t *testing.T, base string, deps connector.Deps) connector.Connection {
			s := testSettings()
			s.Webhook.Verify = verify
			c, err := Open("tool", config.Connection{Name: "tool", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, s, deps)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		Secrets: []string{testKey, testSecret, testHook[1:], whsec, whsec[len("whsec_"):]},
		Now:     func() time.Time { return now },
	}
}

func TestTheConnectorKeepsTheContract(t *testing.T) {
	static := func(value string) func([]byte) http.Header {
		return func([]byte) http.Header { return http.Header{"X-Trueup-Key": {value}} }
	}
	h := harness(testSettings().Webhook.Verify)
	h.Webhook = &connectortest.Webhook{Body: []byte(delivery), Now: now, BodyNotCovered: true, Sign: static(testSecret), SignWrong: static("x")}
	// A status of Make's own is about the webhook and never about a record.
	read := map[int]connector.FailureKind{}
	for _, code := range []int{400, 404, 410, 412, 422} {
		read[code] = connector.Misconfigured
	}
	write := map[int]connector.FailureKind{409: connector.Misconfigured}
	for code, kind := range read {
		write[code] = kind
	}
	call := func(name string, do func(context.Context, connector.Connection) (any, error)) connectortest.Call {
		return connectortest.Call{Name: name, Tool: good(t), Do: do, Except: read, ReadsByPost: true}
	}
	h.Reads = []connectortest.Call{
		call("read the source", func(ctx context.Context, c connector.Connection) (any, error) { return c.Source.Read(ctx, "c1") }),
		call("read the target", func(ctx context.Context, c connector.Connection) (any, error) { return c.Target.Read(ctx, "c1") }),
		call("find in the target", func(ctx context.Context, c connector.Connection) (any, error) {
			return c.Target.Find(ctx, "email", "find-canary@example.com")
		}),
		call("list the target", func(ctx context.Context, c connector.Connection) (any, error) {
			found, _, err := c.TargetList.List(ctx, "")
			return found, err
		}),
		call("list the source", func(ctx context.Context, c connector.Connection) (any, error) {
			found, _, err := c.SourceList.List(ctx, "")
			return found, err
		}),
		call("probe", func(ctx context.Context, c connector.Connection) (any, error) { return c.Probe.Probe(ctx) }),
	}
	h.Writes = []connectortest.Call{{Name: "write", Tool: good(t), Except: write, Do: func(ctx context.Context, c connector.Connection) (any, error) {
		return nil, written(c.Target.Write(ctx, status.TargetRecord{ID: "c1"}, "Paused"))
	}}}
	// What good answers to a write says no value, and what it reads is Active.
	record := status.TargetRecord{ID: "c1", Value: "Active"}
	h.Lies = []connectortest.Lie{{Name: "a write that is answered and not done", Tool: good(t), Record: record, Value: "Paused"},
		{Name: "a write whose answer says what it kept", Tool: keeping(t), Record: record, Value: "Paused"}}
	connectortest.Run(t, h)
}

func TestASignatureKeepsTheContract(t *testing.T) {
	sign := func(secret, id string) func([]byte) http.Header {
		key, err := signature.StandardSecret(secret)
		if err != nil {
			t.Fatal(err)
		}
		return func(body []byte) http.Header { return signature.SignStandard(key, id, now, body) }
	}
	h := harness(Verify{Scheme: SchemeStandard, Secrets: []config.Secret{whsec}})
	h.Webhook = &connectortest.Webhook{Body: []byte(delivery), Now: now, Sign: sign(whsec, "msg_1"), SignWrong: sign(otherWhsec, "msg_1")}
	connectortest.Run(t, h)
}

// Make keeps a request that failed and sends it again as it was.
func TestASignatureIsGoodForADayAndNotLonger(t *testing.T) {
	key, err := signature.StandardSecret(whsec)
	if err != nil {
		t.Fatal(err)
	}
	h := signature.SignStandard(key, "msg_1", now, []byte(delivery))
	scheme, err := Verify{Scheme: SchemeStandard, Secrets: []config.Secret{whsec}}.open()
	if err != nil {
		t.Fatal(err)
	}
	for later, want := range map[time.Duration]bool{0: true, 4 * time.Minute: true, 23 * time.Hour: true, 24 * time.Hour: true,
		24*time.Hour + time.Second: false, 365 * 24 * time.Hour: false, -4 * time.Minute: true, -6 * time.Minute: false} {
		if err := scheme.Verify(h, []byte(delivery), now.Add(later)); (err == nil) != want {
			t.Errorf("%v later the verdict is %v", later, err)
		}
	}
	for name, bad := range map[string]http.Header{
		"a changed time":      with(h, "Webhook-Timestamp", "1772366399"),
		"two times":           with(h, "Webhook-Timestamp", h.Get("Webhook-Timestamp"), h.Get("Webhook-Timestamp")),
		"a time that is none": with(h, "Webhook-Timestamp", "-5"),
		"another id":          with(h, "Webhook-Id", "msg_2"),
	} {
		if scheme.Verify(bad, []byte(delivery), now.Add(time.Hour)) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[name] = values
	return h
}

// written is the error of a write, whatever its answer shows.
func written(_ *status.TargetRecord, err error) error { return err }
