package httpconn

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/status"
)

// saying answers every call with one status, headers and body.
func saying(code int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

func readTarget(ctx context.Context, c connector.Connection) (any, error) {
	return c.Target.Read(ctx, "c1")
}

func readSource(ctx context.Context, c connector.Connection) (any, error) {
	return c.Source.Read(ctx, "c1")
}

func findTarget(ctx context.Context, c connector.Connection) (any, error) {
	return c.Target.Find(ctx, "email", anna)
}

func writeTarget(ctx context.Context, c connector.Connection) (any, error) {
	return c.Target.Write(ctx, status.TargetRecord{ID: "c1", Revision: "1"}, "Paused")
}

func listTarget(ctx context.Context, c connector.Connection) (any, error) {
	found, _, err := c.TargetList.List(ctx, "")
	return found, err
}

// withAnswers is every kind of answer that a tool gives in words of its own.
func withAnswers(s *Settings) {
	s.Answers = &Answers{
		RateLimited:  "code == 403 && body.error.code == 'REQUEST_LIMIT_EXCEEDED' || headers[?'x-limited'].orValue('') == 'yes'",
		Unauthorized: "code == 400 && body.error.code == 'INVALID_SESSION'",
		Gone:         "code == 403 && body.error.code == 'MODEL_NOT_FOUND' || code == 200 && body == []",
		Moved:        "type(body) == map && has(body.moved)",
		Refused:      "has(body.success) && body.success == false || code == 500 && body.error.code == 'BAD_FIELD'",
		Words:        "body.?message",
		Pause:        15 * time.Minute,
	}
}

func TestAnAnswerMeansWhatTheFileSays(t *testing.T) {
	const limit = `{"error":{"code":"REQUEST_LIMIT_EXCEEDED","message":"anna.canary@example.com"}}`
	const missing = `{"error":{"code":"MODEL_NOT_FOUND"}}`
	const no = `{"success":false,"message":"Field plan of Anna anna.canary@example.com (c1) is not one of the options, +49 171 canary"}`
	none, unknown := connector.EffectNone, connector.EffectUnknown
	h := harness(withAnswers)
	h.Verdicts = []connectortest.Verdict{
		{Name: "a 403 that means the day's limit", Tool: saying(403, limit), Do: readTarget, Want: connector.RateLimited, After: 15 * time.Minute, Says: "limit is reached"},
		{Name: "the same with Retry-After", Tool: saying(403, limit, "Retry-After", "17"), Do: writeTarget, Want: connector.RateLimited, Effect: none, After: 17 * time.Second},
		{Name: "a limit told by a header", Tool: saying(200, `{"id":"c1"}`, "X-Limited", "yes"), Do: findTarget, Want: connector.RateLimited, After: 15 * time.Minute},
		{Name: "a limit told on a web page", Tool: saying(503, `<html>anna.canary</html>`, "X-Limited", "yes"), Do: listTarget, Want: connector.RateLimited, After: 15 * time.Minute},
		{Name: "a 403 about something else", Tool: saying(403, `{"error":{"code":"FORBIDDEN"}}`), Do: readTarget, Want: connector.Unauthorized},
		{Name: "a 403 without JSON", Tool: saying(403, `anna.canary`, "Content-Type", "text/plain"), Do: readTarget, Want: connector.Unauthorized},
		{Name: "a 400 that means the session ended", Tool: saying(400, `{"error":{"code":"INVALID_SESSION"}}`), Do: listTarget, Want: connector.Unauthorized},
		{Name: "a 403 for a record that is not there", Tool: saying(403, missing), Do: readSource, Want: connector.Gone},
		{Name: "a write that found no row", Tool: saying(200, `[]`), Do: writeTarget, Want: connector.Gone, Effect: none},
		{Name: "a search that is told so is about no one record", Tool: saying(403, missing), Do: findTarget, Want: connector.Unauthorized},
		{Name: "a 200 that says no to a write", Tool: saying(200, no), Do: writeTarget, Want: connector.Refused, Effect: none,
			Says: "the tool refused the request: Field plan of … is not one of the options"},
		{Name: "a 200 that says no to a read", Tool: saying(200, no), Do: readTarget, Want: connector.Refused},
		{Name: "a 500 that says no may have had its effect", Tool: saying(500, `{"error":{"code":"BAD_FIELD"}}`), Do: writeTarget, Want: connector.Refused, Effect: unknown, Says: "BAD_FIELD"},
		{Name: "a page knows no record", Tool: saying(404, `<html>`), Do: readTarget, Want: connector.Transient},
		{Name: "a write whose answer does not fit", Tool: saying(200, `{"error":"anna.canary","success":"no"}`), Do: func(ctx context.Context, c connector.Connection) (any, error) {
			return nil, written(c.Target.Write(ctx, status.TargetRecord{ID: "c1", Revision: "1"}, "Paused"))
		}},
		{Name: "a write whose condition met no row", Tool: saying(200, `{"moved":true}`), Do: writeTarget, Want: connector.Moved, Effect: none},
		{Name: "a read is never too late", Tool: saying(200, `{"moved":true,"id":"c1","status":"A","updated_at":null,"updated_by":""}`), Do: readTarget},
		{Name: "a no to a write in letters that are not UTF-8", Tool: saying(200, "{\"success\":false,\"message\":\"ung\xfcltig\"}"), Do: writeTarget, Want: connector.Transient, Effect: unknown},
		{Name: "a no to a write that is said twice", Tool: saying(200, `{"success":false,"success":false}`, "Content-Type", "text/plain"), Do: writeTarget, Want: connector.Transient, Effect: unknown},
		{Name: "a write that is answered with a word", Tool: saying(200, `OK`, "Content-Type", "text/plain"), Do: writeTarget},
		{Name: "a write without an answer", Tool: saying(204, ``), Do: writeTarget},
	}
	connectortest.Run(t, h)
}

func TestAnExpressionAboutAnswersThatDoesNotFitIsNotABadCredential(t *testing.T) {
	s := full()
	s.Answers = &Answers{Refused: "body.ok.size() > 'canary'.size()"}
	conn := connect(t, s, saying(200, `{"ok":7}`))
	_, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1", Revision: "1"}, "Paused")
	if f := wantKind(t, err, connector.Misconfigured, connector.EffectUnknown); !strings.Contains(f.Detail, "answers.refused") {
		t.Errorf("%q names no key", f.Detail)
	}
	_, err = conn.Target.Read(t.Context(), "c1")
	wantKind(t, err, connector.Misconfigured, connector.EffectNone)
}

func TestARecordThatTheToolKeepsAsDeletedIsGone(t *testing.T) {
	change := func(s *Settings) { s.Record.Deleted = "record.?archived.orValue(false)" }
	const bin = `{"id":"c1","status":"Active","email":"` + anna + `","etag":"1","archived":true,"updated_at":1749996400,"updated_by":"u"}`
	const alive = `{"id":"c2","status":"Active","email":"` + anna + `","etag":"1","archived":false,"updated_at":1749996400,"updated_by":"u"}`
	h := harness(change)
	h.Verdicts = []connectortest.Verdict{
		{Name: "read in the target", Tool: saying(200, bin), Do: readTarget, Want: connector.Gone, Says: "reports that the record was deleted"},
		{Name: "read in the source", Tool: saying(200, bin), Do: readSource, Want: connector.Gone},
		{Name: "an expression that fails", Tool: saying(200, strings.Replace(bin, "true", `"anna.canary"`, 1)), Do: readTarget, Want: connector.Misconfigured, Says: "record.deleted"},
	}
	connectortest.Run(t, h)
	s := full()
	change(s)
	conn := connect(t, s, saying(200, `{"customers":[`+bin+`,`+alive+`]}`))
	found, err := conn.Target.Find(t.Context(), "email", anna)
	if err != nil || len(found) != 1 || found[0].ID != "c2" {
		t.Errorf("find: %+v, %v", found, err)
	}
	listed, _, err := conn.TargetList.List(t.Context(), "")
	if err != nil || len(listed) != 1 || listed[0].ID != "c2" {
		t.Errorf("target list: %+v, %v", listed, err)
	}
	sources, _, err := conn.SourceList.List(t.Context(), "")
	if err != nil || len(sources) != 1 || sources[0].ID != "c2" {
		t.Errorf("source list: %+v, %v", sources, err)
	}
}

func TestASearchThatIsReadByIDComparesWithTheIDAskedFor(t *testing.T) {
	s := full()
	s.Read = &Read{Get: "/customers?id={id}", Record: "body.rows.filter(r, string(r.id) == asked)[0]"}
	row := func(id string) string { return `{"id":` + id + `,"status":"Active","updated_at":null,"updated_by":""}` }
	cases := []struct {
		name, body string
		want       connector.FailureKind
	}{
		{"the row among others", `{"rows":[` + row("7") + `,` + row("70") + `]}`, ""},
		{"no row", `{"rows":[]}`, connector.Gone},
		{"only others", `{"rows":[` + row("70") + `]}`, connector.Gone},
		{"another shape", `{"data":[]}`, connector.Misconfigured},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := connect(t, s, saying(200, c.body))
			r, err := conn.Target.Read(t.Context(), "7")
			if c.want != "" {
				wantKind(t, err, c.want, connector.EffectNone)
			} else if err != nil || r.ID != "7" {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
	t.Run("asked is null where nobody asked by id", func(t *testing.T) {
		s := full()
		s.Record.Status = "asked == null ? record.status : asked + ' ' + record.status"
		body := `{"id":"c1","status":"A","customers":[{"id":"c1","status":"A"}]}`
		conn := connect(t, s, saying(200, body))
		listed, _, err := conn.SourceList.List(t.Context(), "")
		if err != nil || len(listed) != 1 || listed[0].Value != "A" {
			t.Errorf("list: %+v, %v", listed, err)
		}
		if r, err := conn.Source.Read(t.Context(), "c1"); err != nil || r.Value != "c1 A" {
			t.Errorf("read: %+v, %v", r, err)
		}
	})
}

func TestAnswersThatCannotBeAreFaults(t *testing.T) {
	cases := []struct {
		name   string
		change func(s *Settings)
		want   string
	}{
		{"nothing", func(s *Settings) { s.Answers = &Answers{} }, "answers"},
		{"no truth", func(s *Settings) { s.Answers = &Answers{Gone: "'gone'", Refused: "code + 1"} }, "answers.gone answers.refused"},
		{"no expression", func(s *Settings) { s.Answers = &Answers{Gone: "code =="} }, "answers.gone"},
		{"a name that is not known", func(s *Settings) { s.Answers = &Answers{Unauthorized: "record.x == 1"} }, "answers.unauthorized"},
		{"a pause without a limit", func(s *Settings) { s.Answers = &Answers{Gone: "code == 1", Pause: time.Minute} }, "answers.pause"},
		{"a pause that is too short", func(s *Settings) { s.Answers = &Answers{RateLimited: "code == 1", Pause: time.Millisecond} }, "answers.pause"},
		{"a pause that is too long", func(s *Settings) { s.Answers = &Answers{RateLimited: "code == 1", Pause: 2 * time.Hour} }, "answers.pause"},
		{"words without a refusal", func(s *Settings) { s.Answers = &Answers{Gone: "code == 1", Words: "body.message"} }, "answers.words"},
		{"deleted that is no truth", func(s *Settings) { s.Record.Deleted = "'yes'" }, "record.deleted"},
		{"deleted without read", func(s *Settings) {
			*s = Settings{Webhook: s.Webhook, Record: Record{Status: "event.s", Deleted: "record.gone"}}
		}, "record.deleted"},
		{"asked in a list", func(s *Settings) { s.List.Records = "body.filter(r, r.id == asked)" }, "list.records"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			c.change(s)
			refused(t, s, "https://crm.example.com", c.want)
		})
	}
}

func TestAToolIsQuotedWithoutNamingAnyone(t *testing.T) {
	sent := map[string]string{phID: "c1", phValue: "Paused", phStatus: "Paused"}
	cases := []struct{ said, want string }{
		{"INVALID_OPTION", "INVALID_OPTION"},
		{"The value is not one of the options.", "The value is not one of the options"},
		{"No contact anna.canary@example.com", "No contact …"},
		{"Contact Anna Canary Smith is unsubscribed", "Contact … is unsubscribed"},
		{"record c1 of account 0123-4567 is locked", "record … of account … is locked"},
		{"key canary-token is not valid", "key … is not valid"},
		{"<b>anna</b>", ""},
		{"Anna", ""},
		{"", ""},
		{strings.Repeat("word ", 100), strings.TrimSpace(strings.Repeat("word ", 24)) + " …"},
	}
	for _, c := range cases {
		if got := spoken(c.said, sent, []string{token, "canary-token"}); got != c.want {
			t.Errorf("%q is quoted as %q, want %q", c.said, got, c.want)
		}
	}
}

// FuzzSpoken quotes any text of a tool: nothing that was sent, no address, no
// number and nothing that is no word comes out, and it stays short.
func FuzzSpoken(f *testing.F) {
	for _, s := range []string{"Field plan is not one of the options", "anna.canary@example.com", "ANNA canarysecret", "1 2 3", "\xff\xfe", "a\u202eb", "İ ı ſ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		said := spoken(text, map[string]string{phID: "canaryid"}, []string{"canarysecret"})
		if len(said) > maxSpoken+45 || strings.ContainsAny(said, "@<>{}0123456789\n\t\x00") || strings.Contains(strings.ToLower(said), "canaryid") || strings.Contains(strings.ToLower(said), "canarysecret") {
			t.Fatalf("%q is quoted as %q", text, said)
		}
	})
}
