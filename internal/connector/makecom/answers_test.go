package makecom

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// says answers every request so; ID in the body becomes the request's id.
func says(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request asked
		json.NewDecoder(r.Body).Decode(&request)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		io.WriteString(w, strings.ReplaceAll(body, "ID", request.text("request_id")))
	}
}

// The table of what an answer means: of a read, of a write, and whether the
// write may have happened.
func TestWhatAnAnswerMeans(t *testing.T) {
	const (
		none, unknown = connector.EffectNone, connector.EffectUnknown
		text          = "text/plain; charset=utf-8"
		js            = "application/json"
	)
	tests := []struct {
		name, contentType string
		code              int
		body              string
		read, write       connector.FailureKind // "" is success
		effect            connector.Effect
		says              string
	}{
		{"written and proved", js, 200, `{"ok":true,"request_id":"ID","id":"rec_1","value":"Paused"}`, "", "", none, ""},
		{"written, with a text in base64", js, 200, `{"ok":true,"request_id":"ID","id_base64":"cmVjXzE=","value_base64":"UGF1c2Vk"}`, "", "", none, ""},
		{"written, as any content type", text, 201, `{"ok":true,"request_id":"ID","id":"rec_1","value":"Paused"}`, "", "", none, ""},
		{"only queued", text, 200, "Accepted", connector.Misconfigured, connector.Misconfigured, unknown, "switched off"},
		{"only queued, with a line break", text, 200, "Accepted\n", connector.Misconfigured, connector.Misconfigured, unknown, "switched off"},
		{"only queued, labelled as a page", "text/html", 200, "Accepted", connector.Misconfigured, connector.Misconfigured, unknown, "switched off"},
		{"queued by something newer", text, 202, "Accepted", connector.Misconfigured, connector.Misconfigured, unknown, "Sequential processing"},
		{"the queue is full", text, 400, "Queue is full", connector.Transient, connector.Transient, none, "queue of the Make webhook is full"},
		{"another 400", text, 400, "Validation failed for 1 parameter(s).", connector.Misconfigured, connector.Misconfigured, none, "data structure"},
		{"too many requests", text, 429, "Too many requests", connector.RateLimited, connector.RateLimited, none, "limit"},
		{"the webhook is gone", text, 410, "Webhook not found.", connector.Misconfigured, connector.Misconfigured, none, "no webhook at this address"},
		{"the webhook is disabled", text, 410, "Gone", connector.Misconfigured, connector.Misconfigured, none, "no webhook at this address"},
		{"no such path", text, 404, "There is no scenario listening for this webhook.", connector.Misconfigured, connector.Misconfigured, none, "no webhook at this address"},
		{"a wrong key", text, 401, "Unauthorized", connector.Unauthorized, connector.Unauthorized, none, "API key"},
		{"a key that is not enough", js, 403, `{"error":"Forbidden"}`, connector.Unauthorized, connector.Unauthorized, none, "API key"},
		{"the scenario failed", text, 500, "Scenario failed to complete.", connector.Transient, connector.Transient, unknown, "error handler"},
		{"the gateway failed", text, 502, "Bad Gateway", connector.Transient, connector.Transient, unknown, ""},
		{"a page", "text/html", 200, "<html>Make is under maintenance</html>", connector.Misconfigured, connector.Misconfigured, unknown, "web page"},
		{"a redirect", text, 302, "", connector.Misconfigured, connector.Misconfigured, unknown, "redirect"},
		{"nothing", js, 200, "", connector.Misconfigured, connector.Misconfigured, unknown, "cannot be read"},
		{"a text pasted without escaping", js, 200, `{"ok":true,"request_id":"ID","id":"rec_1","value":"the "best" one"}`, connector.Misconfigured, connector.Misconfigured, unknown, "base64()"},
		{"half an answer", js, 200, `{"ok":true,"request_id":"ID"`, connector.Transient, connector.Transient, unknown, "ends too early"},
		{"a list", js, 200, `[{"ok":true,"request_id":"ID"}]`, connector.Misconfigured, connector.Misconfigured, unknown, "not a JSON object"},
		{"another request's answer", js, 200, `{"ok":true,"request_id":"somebody else's","id":"rec_1","value":"Paused"}`, connector.Misconfigured, connector.Misconfigured, unknown, "request_id"},
		{"nobody's answer", js, 200, `{"ok":true,"id":"rec_1","value":"Paused"}`, connector.Misconfigured, connector.Misconfigured, unknown, "request_id"},
		{"another request's refusal", js, 200, `{"ok":false,"request_id":"x","error":"not_found"}`, connector.Misconfigured, connector.Misconfigured, unknown, "request_id"},
		{"neither yes nor no", js, 200, `{"request_id":"ID","ok":"true","id":"rec_1","value":"Paused"}`, connector.Misconfigured, connector.Misconfigured, unknown, "ok: true or false"},
		{"a key twice", js, 200, `{"ok":false,"ok":true,"request_id":"ID","id":"rec_1","value":"Paused"}`, connector.Misconfigured, connector.Misconfigured, unknown, "cannot be read"},
		{"no such record", js, 200, `{"ok":false,"request_id":"ID","error":"not_found"}`, connector.Gone, connector.Gone, none, "no such record"},
		{"refused", js, 200, `{"ok":false,"request_id":"ID","error":"refused"}`, connector.Refused, connector.Refused, none, "refused"},
		{"moved", js, 200, `{"ok":false,"request_id":"ID","error":"moved"}`, connector.Transient, connector.Moved, none, ""},
		{"busy", js, 200, `{"ok":false,"request_id":"ID","error":"busy"}`, connector.RateLimited, connector.RateLimited, none, "limit"},
		{"the tool's login", js, 200, `{"ok":false,"request_id":"ID","error":"unauthorized"}`, connector.Unauthorized, connector.Unauthorized, none, "renew it in Make"},
		{"too late", js, 200, `{"ok":false,"request_id":"ID","error":"expired"}`, connector.Transient, connector.Transient, none, "too late"},
		{"an operation it does not have", js, 200, `{"ok":false,"request_id":"ID","error":"unsupported"}`, connector.Misconfigured, connector.Misconfigured, none, "no route"},
		{"a step failed", js, 200, `{"ok":false,"request_id":"ID","error":"failed"}`, connector.Transient, connector.Transient, unknown, "step of the scenario failed"},
		{"an error nobody knows", js, 200, `{"ok":false,"request_id":"ID","error":"ana@example.com"}`, connector.Transient, connector.Transient, unknown, "step of the scenario failed"},
		{"no error at all", js, 200, `{"ok":false,"request_id":"ID"}`, connector.Transient, connector.Transient, unknown, "step of the scenario failed"},
		{"the tool's 404", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":404}`, connector.Gone, connector.Gone, none, "no such record"},
		{"the tool's 429", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":429}`, connector.RateLimited, connector.RateLimited, none, "behind Make"},
		{"the tool's 401", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":401}`, connector.Unauthorized, connector.Unauthorized, none, "renew them in Make"},
		{"the tool's 412", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":412}`, connector.Refused, connector.Moved, none, ""},
		{"the tool's 422", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":422}`, connector.Refused, connector.Refused, none, "behind Make"},
		{"the tool's 503", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":503}`, connector.Transient, connector.Transient, unknown, "behind Make"},
		{"the tool's redirect", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":301}`, connector.Misconfigured, connector.Misconfigured, unknown, "HTTP module"},
		{"the tool's success as an error", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error","tool_status":200}`, connector.Misconfigured, connector.Misconfigured, unknown, "filters"},
		{"a tool's error without a status", js, 200, `{"ok":false,"request_id":"ID","error":"tool_error"}`, connector.Transient, connector.Transient, unknown, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := opened(t, says(tt.code, tt.contentType, tt.body))
			_, err := c.Target.Read(t.Context(), "rec_1")
			check(t, "read", err, tt.read, none, tt.says)
			_, err = c.Source.Read(t.Context(), "rec_1")
			check(t, "read in the source", err, tt.read, none, tt.says)
			err = written(c.Target.Write(t.Context(), status.TargetRecord{ID: "rec_1"}, "Paused"))
			check(t, "write", err, tt.write, tt.effect, tt.says)
		})
	}
}

func check(t *testing.T, what string, err error, kind connector.FailureKind, effect connector.Effect, says string) {
	t.Helper()
	if kind == "" {
		if err != nil {
			t.Errorf("the %s fails: %v", what, err)
		}
		return
	}
	if err == nil {
		t.Errorf("the %s succeeds", what)
		return
	}
	f := connector.FailureOf(err)
	if f.Kind != kind || f.Effect != effect || !strings.Contains(f.Detail, says) {
		t.Errorf("the %s is %s with effect %s: %q; want %s, %s, %q", what, f.Kind, f.Effect, f.Detail, kind, effect, says)
	}
	if strings.Contains(err.Error(), "ana@") || strings.Contains(f.Code, "@") {
		t.Errorf("the %s shows what the scenario sent: %v", what, err)
	}
}

func TestAReadThatIsNotAsItShouldBeIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		`"id":"rec_2","value":"Active"`:                                      "a record other than",
		`"value":"Active"`:                                                   "id is missing",
		`"id":"","value":"Active"`:                                           "id is missing",
		`"id":7,"value":"Active"`:                                            "id is not a text",
		`"id":"rec_1"`:                                                       "value is missing",
		`"id":"rec_1","value":7`:                                             "value is not a text",
		`"id":"rec_1","value":"a","value_base64":"YQ=="`:                     "appears twice",
		`"id":"rec_1","value_base64":"*"`:                                    "not the base64",
		`"id":"rec_1","value_base64":"/w=="`:                                 "not the base64 of a text",
		`"id":"rec_1","value_base64":7`:                                      "not a text",
		`"id":"rec_1","value":"","changed_at":"yesterday"`:                   "changed_at is not a time",
		`"id":"rec_1","value":"","changed_at":"0001-01-01T00:00:00Z"`:        "changed_at is not a time",
		`"id":"rec_1","value":"","changed_by":{}`:                            "changed_by is not a text",
		`"id":"rec_1","value":"","keys":[]`:                                  "keys is not an object",
		`"id":"rec_1","value":"","keys":{"email":["ana@example.com"]}`:       "a value of keys",
		`"id":"rec_1","value":"","keys":{"email":"a","email_base64":"YQ=="}`: "a value of keys",
	} {
		c := opened(t, says(200, "application/json", `{"ok":true,"request_id":"ID",`+body+`}`))
		_, err := c.Target.Read(t.Context(), "rec_1")
		check(t, "read of "+body, err, connector.Misconfigured, connector.EffectNone, want)
	}
}

func TestAFindThatIsNotAsItShouldBeIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		`"ids":"rec_1"`:                              "count",
		`"ids":"rec_1","count":"1"`:                  "count",
		`"ids":"rec_1","count":2`:                    "aggregator",
		`"ids":"a,b","count":1`:                      "aggregator",
		`"ids":"","count":1`:                         "aggregator",
		`"ids":["a"],"count":1`:                      "ids is not a text",
		`"ids":"a,,b","count":3`:                     "empty",
		`"ids":"1,2,3,4,5,6,7,8,9,10,11","count":11`: "more than 10",
	} {
		c := opened(t, says(200, "application/json", `{"ok":true,"request_id":"ID",`+body+`}`))
		_, err := c.Target.Find(t.Context(), "email", "ana@example.com")
		check(t, "find of "+body, err, connector.Misconfigured, connector.EffectNone, want)
	}
}

func TestAWriteOfAnotherValueIsNoProof(t *testing.T) {
	c := opened(t, says(200, "application/json", `{"ok":true,"request_id":"ID","value":"Active"}`))
	shown, err := c.Target.Write(t.Context(), status.TargetRecord{ID: "rec_1"}, "Paused")
	if err != nil || shown == nil || shown.Value != "Active" {
		t.Errorf("the answer shows %+v, %v; it says Active", shown, err)
	}
}
