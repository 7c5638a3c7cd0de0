package httpconn

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// harmless is everything an error about a tool's data may say: where in the
// configuration and in which byte something is wrong, and sentences of ours.
// Nothing of the data can stand in it.
var harmless = regexp.MustCompile(`^(read the webhook: |read the stored event: |none of its \d+ events can be read; the first: |` +
	`the tool's answer does not fit the configuration: |the tool's answer cannot be read: |` +
	`the call was not made, because of the id or value it is about: |[a-z_]+(\.[a-z_]+)*: )*(` + strings.Join([]string{
	`the expression broke off`,
	`the expression does not fit the type of the value \(null, text, number, ...\)`,
	`the expression takes too much work`,
	`the expression cannot be computed from what the tool sent`,
	`the expression gives an? [A-Za-z_.()]+, which cannot be used here`,
	`the expression gives an object whose keys are not text`,
	`nested too deeply`, `the field is there twice, under names that differ only in letter case`,
	`the id is missing`, `the id is empty`, `the id is neither text nor a whole number`,
	`the id is a number that is not whole or too large to be exact`,
	`the value is neither text, nor a number, nor true or false`,
	`the value is longer than 512 bytes`, `the value contains a control character`,
	`the value is not a list`, `the list is missing`, `the value is not a record`, `the record is missing from the answer`,
	`the value is neither true nor false`,
	`the value is not a valid time: neither RFC 3339 text nor Unix seconds or milliseconds`,
	`the event is not a JSON object`, `the stored event is not a JSON object`, `the webhook-id header is missing`,
	`the tool answered with another record; check read.get and record.id`,
	`the tool answered with a web page instead of data`, `the tool answers without the record that was asked for`,
	`the list returned to an earlier page and would never end; check how the tool names its next page, and whether the connection reads that`,
	`the value is longer than 8192 bytes`,
	`no record of the list has a time, so no change could ever be seen; name another field, such as the time it was created`,
	`it contains more than \d+ events`,
	`empty body`, `invalid UTF-8 at byte \d+`, `half of a surrogate pair at byte \d+`, `not valid JSON at byte \d+`,
	`data after the end of the JSON value at byte \d+`, `the JSON ends too early at byte \d+: unexpected EOF`,
	`an object has (the same key twice|two keys that differ only in letter case) at byte \d+`,
	`nested deeper than 64 levels at byte \d+`, `a number is too large at byte \d+`,
}, "|") + `)( \(record (number \d+ of the page|[^\x00-\x1f\x7f]{1,512})\))?( \(HTTP \d+\))?$`)

func saysNothingOfTheData(t *testing.T, err error) {
	t.Helper()
	if !harmless.MatchString(err.Error()) {
		t.Fatalf("the error may quote the data: %q", err)
	}
}

// isSound holds a text that came out of a tool's data to what a database, an
// address and a page can hold.
func isSound(t *testing.T, text string) {
	t.Helper()
	if len(text) > 512 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Fatalf("%q came out", text)
	}
}

func isSaneTime(t *testing.T, at time.Time) {
	t.Helper()
	if !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999 || at.Location() != time.UTC) {
		t.Fatalf("the time %v came out", at)
	}
}

// isPlain holds the result of an expression to the types the package knows.
func isPlain(t *testing.T, v any, inside bool) {
	t.Helper()
	switch v := v.(type) {
	case string, bool, int64, uint64, float64, time.Time:
	case nil:
		if !inside {
			t.Fatal("nil came out, where absent was meant")
		}
	case absent:
		if inside {
			t.Fatal("absent came out inside a list or an object")
		}
	case []any:
		for _, item := range v {
			isPlain(t, item, true)
		}
	case map[string]any:
		for _, item := range v {
			isPlain(t, item, true)
		}
	default:
		t.Fatalf("a %T came out", v)
	}
}

// isID refuses an id that two records could share: an empty one, and a number
// that is no longer exact.
func isID(t *testing.T, e *expression, vars map[string]any, id string) {
	t.Helper()
	isSound(t, id)
	v, err := e.eval(vars)
	if err != nil || strings.TrimSpace(id) == "" {
		t.Fatalf("the id %q came out (%v)", id, err)
	}
	if number, ok := v.(float64); ok && (math.Abs(number) > 1<<53 || number != math.Trunc(number)) {
		t.Fatalf("the number %v is the id %q", number, id)
	}
}

// FuzzExpression evaluates any expression over any JSON. Whatever a
// configuration and a tool come up with, the result is of a type we know and
// fit to be stored, or the place in the configuration is named.
func FuzzExpression(f *testing.F) {
	for _, s := range []struct{ text, body string }{
		{`body.id`, `{"id":"c1"}`}, {`body.id`, `{"id":9007199254740993}`}, {`body.id`, `{"id":1e300}`}, {`body.id`, `{"id":null}`},
		{`body.a[0].b`, `{"a":[]}`}, {`body[?"x"]`, `{}`}, {`body.?x.?y.orValue("none")`, `{"x":{}}`}, {`optional.none()`, `{}`}, {`[optional.none(), dyn(null), body.?x]`, `{}`},
		{`body.items.filter(i, i.n > 1).map(i, i.n)`, `{"items":[{"n":1},{"n":2}]}`}, {`body.map(k, body[k])`, `{"a":[1]}`},
		{`timestamp(body.at)`, `{"at":"2026-03-01T12:00:00Z"}`}, {`timestamp("0001-01-01T00:00:00Z")`, `{}`}, {`duration("1h")`, `{}`},
		{`b"bytes"`, `{}`}, {`type(body)`, `{}`}, {`{1: 2}`, `{}`}, {`{"a": body}`, `[null]`}, {`[[[[body]]]]`, `{}`}, {`uint(7)`, `{}`},
		{`1.0/0.0`, `{}`}, {`body.s + body.s`, `{"s":"\u0000"}`}, {`body.s.split(",")`, `{"s":"a,b"}`}, {`body.s.replace("", body.s)`, `{"s":"aaaaaaaaaaaaaaaa"}`},
		{`body.all(a, body.all(b, body.all(c, body.all(d, a == b && c == d))))`, `[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]`},
		{`headers["x-id"]`, `{}`}, {`body.s.matches("(a+)+$")`, `{"s":"aaaaaaaaaaaaaaaaaaaaaaaab"}`}, {`body.s.format([body])`, `{"s":"%s %d"}`},
		{`body == body`, `1`}, {`dyn(null)`, `{}`}, {`has(body.x) ? body.x : "anna.canary@example.com"`, `{"x":"anna.canary@example.com"}`},
		{`"` + strings.Repeat("a", 513) + `"`, `{}`}, {`strings.quote(body.s)`, `{"s":"\u001f"}`}, {`int(body.s)`, `{"s":"anna.canary@example.com"}`},
	} {
		f.Add(s.text, []byte(s.body))
	}
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		e, problem := compileExpression("webhook.id", text, []string{varBody, varHeaders})
		if problem != "" {
			if e != nil || strings.Contains(problem, "\n") {
				t.Fatalf("%q: %q", text, problem)
			}
			return
		}
		decoded, err := strictjson.Decode(body)
		if err != nil {
			return
		}
		vars := map[string]any{varBody: decoded, varHeaders: map[string]any{"x-id": "h1"}}
		if v, err := e.eval(vars); err != nil {
			saysNothingOfTheData(t, err)
		} else {
			isPlain(t, v, false)
		}
		if id, err := e.id(vars); err != nil {
			saysNothingOfTheData(t, err)
		} else {
			isID(t, e, vars, id)
		}
		if text, ok, err := e.text(vars); err != nil {
			saysNothingOfTheData(t, err)
		} else if isSound(t, text); !ok && text != "" {
			t.Fatalf("there is no text and it is %q", text)
		}
		if at, err := e.time(vars); err != nil {
			saysNothingOfTheData(t, err)
		} else {
			isSaneTime(t, at)
		}
		if _, err := e.list(vars); err != nil {
			saysNothingOfTheData(t, err)
		}
		after, err := strictjson.Encode(decoded)
		before, _ := strictjson.Decode(body)
		if want, _ := strictjson.Encode(before); err != nil || !bytes.Equal(after, want) {
			t.Fatalf("the data was changed to %s", after)
		}
	})
}

// FuzzEvents guards that any body ends in events with an id and a customer or
// in an error, and that what is read can be read again from the stored event.
func FuzzEvents(f *testing.F) {
	for _, s := range []string{`{"events":[{"id":"e1","customer_id":"c1","status":"A","occurred_at":"2026-03-01T12:00:00Z"}]}`,
		`{"events":[{"id":1,"customer_id":9007199254740993,"status":null,"occurred_at":1772366400000},7,{}]}`, `{"events":{}}`, `[]`, `{"events":[{"id":1e30,"customer_id":"\u0000"}]}`,
		`{"Events":[{"id":"e1","customer_id":"c1"}]}`, `{"events":[{"id":"e1","ID":"e2","customer_id":"c1"}]}`, `{"events":[{"id":" ","customer_id":"c1"}]}`,
		`{"events":[{"id":"e1","customer_id":"c1","status":true,"occurred_at":-1}]}`, `{"events":[{"id":"\ud83d\ude00","customer_id":"c1","status":"\ufffd","occurred_at":"9999-12-31T23:59:59Z"}]}`,
		`{"events":[{"id":-0,"customer_id":1.0,"status":1e3,"occurred_at":0.4}]}`} {
		f.Add([]byte(s))
	}
	s := full()
	*s = Settings{Webhook: s.Webhook}
	conn, err := Open("crm", config.Connection{BaseURL: "http://127.0.0.1:1"}, s, connector.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		readings, err := conn.Receiver.Events(nil, body)
		if !bytes.Equal(given, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			saysNothingOfTheData(t, err)
			return
		}
		for _, r := range readings {
			if len(r.Event.Payload) == 0 {
				t.Fatal("an event has no payload")
			}
			if r.Err != nil {
				saysNothingOfTheData(t, r.Err)
				continue
			}
			if r.Event.ID == "" || r.Event.Customer == "" || (r.Skip != "") == r.Event.HasValue {
				t.Fatalf("read without id or customer: %+v", r)
			}
			for _, text := range []string{r.Event.ID, r.Event.Customer, r.Event.Value} {
				isSound(t, text)
			}
			isSaneTime(t, r.Event.OccurredAt)
			again, err := conn.EventSource.Record(r.Event.Payload)
			if err != nil {
				t.Fatalf("the stored event cannot be read: %v", err)
			}
			if again.ID != r.Event.Customer || again.Value != r.Event.Value || again.NoStatus == r.Event.HasValue || !again.UpdatedAt.Equal(r.Event.OccurredAt) {
				t.Fatalf("the stored event reads as %+v, the webhook as %+v", again, r.Event)
			}
		}
	})
}

type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// FuzzAnswers reads any answer of a tool as a source's record, as a target's,
// as a search and as a list: nothing comes out that is about somebody else or
// cannot be stored, and no error quotes the answer.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"id":"c1","status":"Active","updated_at":"2026-03-01T12:00:00Z","updated_by":"user:42","email":"anna.canary@example.com","etag":"\"1\""}`,
		`{"id":"c2","status":"Active"}`, `{"id":"c1","status":["anna.canary@example.com"]}`, `{"id":"c1","STATUS":"Active","status":"Paused"}`,
		`{"customers":[{"id":"c1","status":"Active","email":"anna.canary@example.com"},{"id":7,"status":null}],"next":"c1"}`,
		`{"customers":{},"next":{}}`, `{"customers":[],"next":""}`, `{"customers":[7]}`, `<html>anna.canary</html>`, `{"id":"c1"`, ``, `null`, `{"id":"c1","updated_by":null}`,
		`{"customers":[{"id":"c1","status":"A","updated_at":"2999-01-01T00:00:00Z"},{"id":"c2","status":"B","updated_at":1749999000}]}`,
		`{"id":"c1","status":"","updated_at":"anna.canary@example.com"}`,
	} {
		f.Add([]byte(s))
	}
	var answer []byte
	deps := connector.Deps{Now: func() time.Time { return now }, HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(answer)), Request: r}, nil
	})}}
	conn, err := Open("crm", config.Connection{BaseURL: "http://127.0.0.1:1"}, full(), deps)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer = body
		failed := func(err error) bool {
			if err == nil {
				return false
			}
			var fail *connector.Failure
			if !errors.As(err, &fail) || fail.Effect != connector.EffectNone {
				t.Fatalf("a read fails with %#v", err)
			}
			saysNothingOfTheData(t, err)
			return true
		}
		if r, err := conn.Source.Read(t.Context(), "c1"); !failed(err) {
			if r.ID != "c1" || r.NoStatus && r.Value != "" {
				t.Fatalf("asked for c1, got %+v", r)
			}
			isSound(t, r.Value)
			isSaneTime(t, r.UpdatedAt)
		}
		if r, err := conn.Target.Read(t.Context(), "c1"); !failed(err) {
			holdsTarget(t, r)
			if r.ID != "c1" {
				t.Fatalf("asked for c1, got %+v", r)
			}
		}
		if found, err := conn.Target.Find(t.Context(), "email", "x@example.com"); !failed(err) {
			for _, r := range found {
				holdsTarget(t, r)
			}
		}
		cursor := now.Add(-time.Hour).Format(time.RFC3339Nano)
		changed, next, more, err := conn.Changes.Since(t.Context(), cursor)
		if failed(err) {
			return
		}
		at, err := time.Parse(time.RFC3339Nano, next)
		if w, ok := connector.WalkOf(next); more {
			if at, err = w.From, nil; !ok || w.Cursor == "" || w.Newest.After(now) {
				t.Fatalf("the walk goes on at %s", next)
			}
		}
		if err != nil || at.After(now) {
			t.Fatalf("the position went from %s to %s", cursor, next)
		}
		for _, r := range changed {
			// It may go back, to the newest time that the list has: a tool's clock may have been
			// corrected.
			if r.Err == nil && at.Before(now.Add(-time.Hour)) && r.Event.OccurredAt.After(at) && !r.Event.OccurredAt.After(now) {
				t.Fatalf("the position went from %s back to %s, and %s changed at %s", cursor, next, r.Event.Customer, r.Event.OccurredAt)
			}
			if r.Event.ID == "" || r.Err == nil && r.Event.Customer == "" || len(r.Event.Payload) == 0 {
				t.Fatalf("read %+v", r)
			}
			if r.Err != nil {
				saysNothingOfTheData(t, r.Err)
			}
		}
	})
}

func holdsTarget(t *testing.T, r status.TargetRecord) {
	t.Helper()
	for _, text := range []string{r.ID, r.Value, r.By, r.Revision, r.Keys["email"], r.Keys["external_id"]} {
		isSound(t, text)
	}
	isSaneTime(t, r.EditedAt)
	if r.ID == "" || r.Actor != status.ActorUnknown && r.Actor != status.ActorHuman && r.Actor != status.ActorAutomation {
		t.Fatalf("read %+v", r)
	}
}
