package httpconn

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestReadingARecordOfTheTarget(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", map[string]any{"external_id": 77})
	tool.add("c2", map[string]any{"status": nil, "updated_by": "api:trueup", "email": nil, "updated_at": nil, "etag": `W/"2"`})
	tool.add("c3", map[string]any{"status": missing, "updated_by": missing, "updated_at": missing, "email": " "})
	tool.add("c4", map[string]any{"status": 3, "updated_by": nil, "updated_at": 1749996400123})
	tool.add("c5", map[string]any{"status": false, "updated_at": "2025-06-15T14:06:40.5Z"})
	tool.add("a/b c?é", nil)
	target := connect(t, full(), tool).Target
	edited := now.Add(-time.Hour)
	want := []status.TargetRecord{
		{ID: "c1", Value: "Active", EditedAt: edited, Actor: status.ActorHuman, By: "user:42", Revision: `"1"`, Keys: map[string]string{"email": anna, "external_id": "77"}},
		{ID: "c2", Actor: status.ActorAutomation, By: "api:trueup", Revision: `W/"2"`},
		{ID: "c3", Revision: `"1"`},
		{ID: "c4", Value: "3", EditedAt: time.UnixMilli(1749996400123), Revision: `"1"`, Keys: map[string]string{"email": anna}},
		{ID: "c5", Value: "false", EditedAt: edited.Add(500 * time.Millisecond), Actor: status.ActorHuman, By: "user:42", Revision: `"1"`, Keys: map[string]string{"email": anna}},
		{ID: "a/b c?é", Value: "Active", EditedAt: edited, Actor: status.ActorHuman, By: "user:42", Revision: `"1"`, Keys: map[string]string{"email": anna}},
	}
	for _, w := range want {
		got, err := target.Read(t.Context(), w.ID)
		if err != nil {
			t.Errorf("%s: %v", w.ID, err)
			continue
		}
		if d := cmp.Diff(w, got, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); d != "" {
			t.Errorf("%s: %s", w.ID, d)
		}
	}
	_, err := target.Read(t.Context(), "nobody")
	wantKind(t, err, connector.Gone, connector.EffectNone)
	for _, id := range []string{"", ".", ".."} {
		_, err := target.Read(t.Context(), id)
		wantKind(t, err, connector.Refused, connector.EffectNone)
	}
}

func TestReadingACustomerOfTheSource(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", nil)
	tool.add("c2", map[string]any{"status": nil, "updated_at": ""})
	tool.add("c3", map[string]any{"status": missing})
	tool.add("c4", map[string]any{"status": ""})
	src := connect(t, full(), tool).Source
	want := []status.SourceRecord{
		{ID: "c1", Value: "Active", UpdatedAt: now.Add(-time.Hour), Keys: map[string]string{"email": anna}},
		{ID: "c2", NoStatus: true, Keys: map[string]string{"email": anna}},
		{ID: "c3", NoStatus: true, UpdatedAt: now.Add(-time.Hour), Keys: map[string]string{"email": anna}},
		{ID: "c4", UpdatedAt: now.Add(-time.Hour), Keys: map[string]string{"email": anna}},
	}
	for _, w := range want {
		got, err := src.Read(t.Context(), w.ID)
		if err != nil {
			t.Fatalf("%s: %v", w.ID, err)
		}
		if d := cmp.Diff(w, got); d != "" {
			t.Errorf("%s: %s", w.ID, d)
		}
	}
	_, err := src.Read(t.Context(), "nobody")
	wantKind(t, err, connector.Gone, connector.EffectNone)
}

func TestIntegerIDsBeyondTwoToThe53AreNotMixedUp(t *testing.T) {
	conn := connect(t, full(), jsonTool(`{"id":`+overTwo53+`,"status":"A"}`))
	if got, err := conn.Source.Read(t.Context(), overTwo53); err != nil || got.ID != overTwo53 {
		t.Errorf("got %+v, %v", got, err)
	}
	// The neighbour is the same number to a reader that uses floats.
	_, err := conn.Source.Read(t.Context(), "9007199254740992")
	wantKind(t, err, connector.Misconfigured, connector.EffectNone)
}

func TestAnAnswerThatDoesNotFitIsNotActedOn(t *testing.T) {
	cases := []struct {
		name, body string
		kind       connector.FailureKind
		says       string
	}{
		{"another record", `{"id":"c2","status":"A"}`, connector.Misconfigured, "another record"},
		{"an id that differs in case", `{"id":"C1","status":"A"}`, connector.Misconfigured, "another record"},
		{"no id", `{"status":"A"}`, connector.Misconfigured, "record.id: the id is missing"},
		{"null", `null`, connector.Gone, "without the record that was asked for"},
		{"a list", `[{"id":"c1"}]`, connector.Misconfigured, "read.record: the value is not a record"},
		{"a status that is an object", `{"id":"c1","status":{"anna.canary":1}}`, connector.Misconfigured, "record.status"},
		{"an unreadable time", `{"id":"c1","status":"A","updated_at":"anna.canary"}`, connector.Misconfigured, "record.updated_at"},
		{"a key that is a list", `{"id":"c1","status":"A","email":["anna.canary"]}`, connector.Misconfigured, "record.keys.email"},
		{"a key twice", `{"id":"c1","status":"A","status":"B"}`, connector.Misconfigured, "same key twice at byte 24"},
		{"keys that differ in case", `{"id":"c1","status":"A","Status":"B"}`, connector.Misconfigured, "letter case"},
		{"an empty body", ``, connector.Misconfigured, "empty body"},
		{"half a body", `{"id":"c1","status":"anna.canary`, connector.Transient, "ends too early"},
		{"two bodies", `{"id":"c1"}{"id":"c1"}`, connector.Misconfigured, "data after the end"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := connect(t, full(), jsonTool(c.body))
			_, err := conn.Source.Read(t.Context(), "c1")
			f := wantKind(t, err, c.kind, connector.EffectNone)
			if !strings.Contains(f.Detail, c.says) {
				t.Errorf("%q does not say %q", f.Detail, c.says)
			}
			_, err = conn.Target.Read(t.Context(), "c1")
			wantKind(t, err, c.kind, connector.EffectNone)
		})
	}
}

func TestWhoEditedIsUnknownUnlessHumansSaysSo(t *testing.T) {
	cases := []struct {
		name, humans, record string
		want                 status.Actor
		fails                bool
	}{
		{"a person", "record.by == 'p'", `"by":"p"`, status.ActorHuman, false},
		{"no person", "record.by == 'p'", `"by":"q"`, status.ActorAutomation, false},
		{"nobody is named", "record.by == 'p'", `"x":1`, status.ActorUnknown, false},
		{"null is named", "!record.by.startsWith('api:')", `"by":null`, status.ActorUnknown, false},
		{"a number is named", "!record.by.startsWith('api:')", `"by":5`, status.ActorUnknown, false},
		{"the tool says so itself", "record.human", `"human":true`, status.ActorHuman, false},
		{"the tool says null", "record.human", `"human":null`, status.ActorUnknown, false},
		{"no humans", "", `"by":"p"`, status.ActorUnknown, false},
		{"an expression that gives a text", "record.by", `"by":"p"`, status.ActorUnknown, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			s.Humans, s.Record.UpdatedBy, s.Write.IfMatch = c.humans, "", ""
			got, err := connect(t, s, jsonTool(`{"id":"c1","status":"A",`+c.record+`}`)).Target.Read(t.Context(), "c1")
			if c.fails {
				wantKind(t, err, connector.Misconfigured, connector.EffectNone)
				return
			}
			if err != nil || got.Actor != c.want {
				t.Errorf("got %q, %v", got.Actor, err)
			}
		})
	}
}

func TestFindReturnsEveryRecordWithTheKey(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", nil)
	tool.add("c2", nil)
	tool.add("c3", map[string]any{"email": "x+y &z@example.com"})
	target := connect(t, full(), tool).Target
	for _, c := range []struct {
		key, value, want string
	}{{"email", anna, "c1 c2"}, {"email", "x+y &z@example.com", "c3"}, {"email", "nobody@example.com", ""}, {"external_id", "5", ""}} {
		found, err := target.Find(t.Context(), c.key, c.value)
		var ids []string
		for _, r := range found {
			ids = append(ids, r.ID)
			if c.key == "email" && r.Keys["email"] != c.value {
				t.Errorf("%s has key %v", r.ID, r.Keys)
			}
		}
		if got := strings.Join(ids, " "); err != nil || got != c.want {
			t.Errorf("%s=%s: got %q, %v; want %q", c.key, c.value, got, err, c.want)
		}
	}
	_, err := target.Find(t.Context(), "phone", "5")
	if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, "phone is not among record.keys") {
		t.Errorf("got %q", f.Detail)
	}
}

func TestFindTellsNobodyFromAnAnswerThatDoesNotFit(t *testing.T) {
	found, err := connect(t, full(), http.NotFoundHandler()).Target.Find(t.Context(), "email", "x")
	if err != nil || len(found) != 0 {
		t.Errorf("a lookup that answers 404: got %v, %v", found, err)
	}
	for _, body := range []string{`{}`, `{"customers":null}`, `{"customers":{}}`, `{"customers":[{}]}`, `{"customers":[null]}`, `{"customers":["anna.canary"]}`} {
		_, err := connect(t, full(), jsonTool(body)).Target.Find(t.Context(), "email", "x")
		wantKind(t, err, connector.Misconfigured, connector.EffectNone)
	}
	s := full()
	s.Find = nil
	_, err = connect(t, s, newCRM(t)).Target.Find(t.Context(), "email", "x")
	wantKind(t, err, connector.Misconfigured, connector.EffectNone)
}

func TestWriteSetsTheStatusOfTheRecordThatWasRead(t *testing.T) {
	tool := newCRM(t)
	tool.add("a/b", nil)
	target := connect(t, full(), tool).Target
	record, err := target.Read(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Write(t.Context(), record, "Paused"); err != nil {
		t.Fatal(err)
	}
	if got := tool.field("a/b", "status"); got != "Paused" {
		t.Errorf("the tool has %v", got)
	}
	if last := tool.seen()[len(tool.seen())-1]; last != "PUT /api/customers/a%2Fb" {
		t.Errorf("the tool saw %s", last)
	}

	t.Run("and is refused when a person was faster", func(t *testing.T) {
		tool.set("a/b", "etag", `"theirs"`)
		wantKind(t, written(target.Write(t.Context(), record, "Churned")), connector.Moved, connector.EffectNone)
		if got := tool.field("a/b", "status"); got != "Paused" {
			t.Errorf("the tool has %v", got)
		}
	})
	t.Run("and is not tried without the revision that makes it safe", func(t *testing.T) {
		before := len(tool.seen())
		record.Revision = ""
		wantKind(t, written(target.Write(t.Context(), record, "Churned")), connector.Misconfigured, connector.EffectNone)
		if len(tool.seen()) != before {
			t.Error("the tool was called")
		}
	})
	t.Run("and is not tried for a record without an id", func(t *testing.T) {
		before := len(tool.seen())
		for _, id := range []string{"", ".."} {
			wantKind(t, written(target.Write(t.Context(), status.TargetRecord{ID: id, Revision: "1"}, "Churned")), connector.Refused, connector.EffectNone)
		}
		if len(tool.seen()) != before {
			t.Error("the tool was called")
		}
	})
}

func TestTheRevisionMayComeFromAHeaderOfTheAnswer(t *testing.T) {
	s := full()
	s.Write.IfMatch = "headers['x-version']"
	record, err := connect(t, s, jsonTool(`{"id":"c1","status":"A"}`)).Target.Read(t.Context(), "c1")
	if err != nil || record.Revision != "v7" {
		t.Errorf("got %q, %v", record.Revision, err)
	}
}

func TestEachWayToWriteReachesTheTool(t *testing.T) {
	cases := []struct {
		name  string
		write Write
		want  string
	}{
		{"put", Write{Put: "/customers/{id}", Body: map[string]any{"status": "{value}"}}, `PUT /api/customers/c%2F1 application/json {"status":"On \"hold\""}`},
		{"patch with a list of operations", Write{Patch: "/customers/{id}", Body: []any{map[string]any{"op": "replace", "path": "/status", "value": "{status}"}}},
			`PATCH /api/customers/c%2F1 application/json [{"op":"replace","path":"/status","value":"On \"hold\""}]`},
		{"post with the id in the body", Write{Post: "/set", Body: map[string]any{"id": "{id}", "set": map[string]any{"status": "{value}", "by": "trueup", "n": int64(1)}}},
			`POST /api/set application/json {"id":"c/1","set":{"by":"trueup","n":1,"status":"On \"hold\""}}`},
		{"a body that is one text", Write{Put: "/customers/{id}/status", Body: "{value}"}, `PUT /api/customers/c%2F1/status application/json "On \"hold\""`},
		{"the value in the address and no body", Write{Post: "/customers/{id}/status/{value}?by=a&v={value}"}, `POST /api/customers/c%2F1/status/On%20%22hold%22?by=a&v=On%20%22hold%22  `},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got string
			s := full()
			s.Write = &c.write
			conn := connect(t, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body)
				w.WriteHeader(http.StatusNoContent)
			}))
			if err := written(conn.Target.Write(t.Context(), status.TargetRecord{ID: "c/1"}, `On "hold"`)); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOnlyAnAnswerThatProvesItIsAWrite(t *testing.T) {
	plain := func(status int, contentType, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	cases := []struct {
		name   string
		answer func(http.ResponseWriter)
		kind   connector.FailureKind // "" is proof
		effect connector.Effect
	}{
		{"200 with JSON", plain(200, "application/json", `{"ok":true}`), "", ""},
		{"200 with vendor JSON", plain(200, "application/vnd.api+json", `{"ok":true}`), "", ""},
		{"200 with nothing", plain(200, "application/json", ``), "", ""},
		{"200 with text", plain(200, "text/plain", `OK`), "", ""},
		{"201 with JSON", plain(201, "application/json", `{}`), "", ""},
		{"204", func(w http.ResponseWriter) { w.WriteHeader(204) }, "", ""},
		{"200 with half of its JSON", plain(200, "application/json", `{"ok":`), connector.Transient, connector.EffectUnknown},
		{"200 with a word called JSON", plain(200, "application/json", `OK`), connector.Transient, connector.EffectUnknown},
		{"200 with a page", plain(200, "text/html", `<html>anna.canary</html>`), connector.Misconfigured, connector.EffectUnknown},
		{"a redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "/login"); w.WriteHeader(303) }, connector.Misconfigured, connector.EffectUnknown},
		{"500", plain(500, "application/json", `{"error":"anna.canary"}`), connector.Transient, connector.EffectUnknown},
		{"503", plain(503, "text/plain", ``), connector.Transient, connector.EffectUnknown},
		{"429", plain(429, "application/json", `{}`), connector.RateLimited, connector.EffectNone},
		{"401", plain(401, "application/json", `{}`), connector.Unauthorized, connector.EffectNone},
		{"422", plain(422, "application/json", `{"error":{"code":"bad_option"}}`), connector.Refused, connector.EffectNone},
		{"409", plain(409, "application/json", `{}`), connector.Moved, connector.EffectNone},
		{"a connection closed in the middle", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
			panic(http.ErrAbortHandler)
		}, connector.Transient, connector.EffectUnknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tool := newCRM(t)
			tool.add("c1", nil)
			tool.answerWrite = c.answer
			err := written(connect(t, full(), tool).Target.Write(t.Context(), status.TargetRecord{ID: "c1", Revision: `"1"`}, "Paused"))
			if tool.field("c1", "status") != "Paused" {
				t.Fatal("the fake did not write")
			}
			if c.kind == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			f := wantKind(t, err, c.kind, c.effect)
			if c.kind == connector.RateLimited && f.RetryAfter != 5*time.Second {
				t.Errorf("RetryAfter is %v", f.RetryAfter)
			}
		})
	}
}

func TestAWriteThatIsGivenUpAfterItHappenedIsUnknown(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", nil)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	tool.answerWrite = func(http.ResponseWriter) { cancel(); <-release }
	conn := connect(t, full(), tool)
	t.Cleanup(func() { close(release) })
	wantKind(t, written(conn.Target.Write(ctx, status.TargetRecord{ID: "c1", Revision: `"1"`}, "Paused")), connector.Transient, connector.EffectUnknown)
}

func TestEachKindOfAuthReachesTheTool(t *testing.T) {
	cases := []struct {
		name         string
		auth         *Auth
		header, want string
	}{
		{"bearer", &Auth{Bearer: token}, "Authorization", "Bearer " + token},
		{"header", &Auth{Header: &HeaderAuth{Name: "x-api-key", Value: token}}, "X-Api-Key", token},
		{"basic", &Auth{Basic: &BasicAuth{User: "user", Password: "pass:word"}}, "Authorization", "Basic dXNlcjpwYXNzOndvcmQ="},
		{"basic without a password", &Auth{Basic: &BasicAuth{User: "key"}}, "Authorization", "Basic a2V5Og=="},
		{"none", nil, "Authorization", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			s.Auth = c.auth
			conn := connect(t, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get(c.header); got != c.want {
					t.Errorf("%s is %q, want %q", c.header, got, c.want)
				}
				jsonTool(`{"id":"c1","status":"A"}`)(w, r)
			}))
			if _, err := conn.Source.Read(t.Context(), "c1"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheTimeoutOfTheConnectionIsKept(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	conn, err := Open("crm", config.Connection{BaseURL: server.URL, Timeout: 20 * time.Millisecond}, full(), connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Source.Read(t.Context(), "c1")
	wantKind(t, err, connector.Transient, connector.EffectNone)
}
