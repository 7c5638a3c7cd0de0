package makecom

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// The operations of a scenario.
const (
	OpPing  = "ping"
	OpFind  = "find"
	OpRead  = "read"
	OpWrite = "write"
	OpList  = "list"
)

// goodFor is how long a request may be carried out. It is far longer than a
// call takes, so that two clocks may differ, and far shorter than the time for
// which the path keeps a write in mind whose effect it does not know.
const goodFor = 2 * time.Minute

// The keys of a request. What goes into an address comes percent-encoded as
// well, and what goes into JSON comes as a JSON text with its quotes, because a
// scenario can only paste.
const (
	keyOp         = "op"
	keyRequestID  = "request_id"
	keyNotAfter   = "not_after"
	keyField      = "field"
	keyID         = "id"
	keyIDURL      = "id_url"
	keyStatus     = "status"
	keyStatusJSON = "status_json"
	keyPrevious   = "previous"
	keyKey        = "key"
	keyValue      = "value"
	keyCursor     = "cursor"
	keyCursorURL  = "cursor_url"
	keyLimit      = "limit"
)

// ask sends one request and returns the answer of the scenario to it.
func (s *scenario) ask(ctx context.Context, op string, with map[string]any) (answer, error) {
	write := op == OpWrite
	id := s.newID()
	request := map[string]any{keyOp: op, keyRequestID: id, keyNotAfter: s.now().Add(goodFor).Unix()}
	if s.field != "" {
		request[keyField] = s.field
	}
	for k, v := range with {
		request[k] = v
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "the request cannot be encoded as JSON", Err: err}
	}
	ctx, words := listening(ctx)
	got, err := s.rest.Do(ctx, rest.Request{Method: http.MethodPost, Path: s.path, Body: body, ContentType: "application/json", Write: write})
	if err != nil {
		return nil, explain(err, *words)
	}
	if *words == saysAccepted {
		return nil, explain(unproved(write, got.Status, connector.Misconfigured, ""), *words)
	}
	return readAnswer(got, id, write)
}

// readAnswer reads what a scenario says to the request with the id.
func readAnswer(got rest.Response, id string, write bool) (answer, error) {
	v, err := strictjson.Decode(got.Body)
	if err != nil {
		kind := connector.Misconfigured
		if errors.Is(err, io.ErrUnexpectedEOF) && len(got.Body) > 0 {
			kind = connector.Transient
		}
		f := unproved(write, got.Status, kind, "the scenario's answer cannot be read: "+err.Error()+
			"; a text pasted into JSON needs base64(), as in the blueprints of trueup export make")
		f.Err = err
		return nil, f
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, unproved(write, got.Status, connector.Misconfigured, "the scenario's answer is not a JSON object")
	}
	a := answer(object)
	if said, _ := a["request_id"].(string); said != id {
		return nil, unproved(write, got.Status, connector.Misconfigured,
			"the scenario's answer does not repeat the request's request_id, so it may belong to another request; map request_id into the Webhook response")
	}
	switch said, isBool := a["ok"].(bool); {
	case !isBool:
		return nil, unproved(write, got.Status, connector.Misconfigured, "the scenario's answer has no ok: true or false")
	case !said:
		return nil, a.failure(write, got.Status)
	}
	return a, nil
}

// unproved is an answer that proves neither that something was written nor that
// nothing was.
func unproved(write bool, status int, kind connector.FailureKind, detail string) *connector.Failure {
	return &connector.Failure{Kind: kind, Effect: effectOf(write), Status: status, Detail: detail}
}

func effectOf(write bool) connector.Effect {
	if write {
		return connector.EffectUnknown
	}
	return connector.EffectNone
}

// percent encodes a text for any place in an address.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// quoted is a text as JSON, with its quotes.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string has no error
	}
	return string(b)
}
