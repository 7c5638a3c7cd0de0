package httpconn

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
	"github.com/trueup-sync/trueup/internal/status"
)

// sent is one call that a tool was sent.
type sent struct{ Method, Path, Type, Body, IfMatch, Since string }

// recorder answers reads with one record and keeps what writes were sent.
type recorder struct {
	mu     sync.Mutex
	record string
	calls  []sent
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method != http.MethodGet {
		r.calls = append(r.calls, sent{q.Method, q.RequestURI, q.Header.Get("Content-Type"), string(body), q.Header.Get("If-Match"), q.Header.Get("If-Unmodified-Since")})
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, r.record)
}

// writes reads the record c1 of a tool and writes a value to it.
func writes(t *testing.T, change func(s *Settings), record, value string) ([]sent, error) {
	t.Helper()
	s := full()
	s.Write = &Write{}
	change(s)
	tool := &recorder{record: record}
	conn := connect(t, s, tool)
	r, err := conn.Target.Read(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Target.Write(t.Context(), r, value)
	return tool.calls, err
}

const aRecord = `{"id":"c1","status":"Active","version":7,"stamp":"2026-01-02T03:04:05.678Z","updated_at":"2026-01-02T03:04:05.678Z","updated_by":"u"}`

func TestAWriteSendsWhatTheToolTakes(t *testing.T) {
	const js, form = "application/json", "application/x-www-form-urlencoded"
	words := map[string]any{"Active": int64(12), "Paused": 13.5, "On": true, "None": nil, "Text": "opt_7", "Many": []any{int64(5)}}
	body := map[string]any{"fields": []any{"{value}"}, "note": "was {previous}", "was": "{previous}"}
	patch := func(w Write) func(*Settings) {
		return func(s *Settings) { w.Patch = "/customers/{id}"; s.Write = &w }
	}
	with := func(options map[string]any, then func(*Settings)) func(*Settings) {
		return func(s *Settings) { s.Options = options; then(s) }
	}
	cases := []struct {
		name   string
		change func(s *Settings)
		value  string
		want   sent
	}{
		{"a word as it is", patch(Write{Body: body}), "Paused", sent{"PATCH", "/api/customers/c1", js, `{"fields":["Paused"],"note":"was Active","was":"Active"}`, "", ""}},
		{"a number", with(words, patch(Write{Body: map[string]any{"f": "{value}", "was": "{previous}"}})), "Paused", sent{"PATCH", "/api/customers/c1", js, `{"f":13.5,"was":12}`, "", ""}},
		{"true", with(words, patch(Write{Body: map[string]any{"f": "{status}"}})), "On", sent{"PATCH", "/api/customers/c1", js, `{"f":true}`, "", ""}},
		{"null", with(words, patch(Write{Body: map[string]any{"f": "{value}"}})), "None", sent{"PATCH", "/api/customers/c1", js, `{"f":null}`, "", ""}},
		{"an id", with(words, patch(Write{Body: map[string]any{"f": "{value}"}})), "Text", sent{"PATCH", "/api/customers/c1", js, `{"f":"opt_7"}`, "", ""}},
		{"an item of a list", with(words, patch(Write{Body: map[string]any{"f": "{value}"}})), "Many", sent{"PATCH", "/api/customers/c1", js, `{"f":[5]}`, "", ""}},
		{"in a path", with(map[string]any{"Paused": int64(13)}, func(s *Settings) { s.Write = &Write{Post: "/customers/{id}/to/{value}"} }), "Paused", sent{"POST", "/api/customers/c1/to/13", "", "", "", ""}},
		{"a form", patch(Write{Format: formatForm, Body: map[string]any{"customer[cf]": "{value}", "n": int64(3), "x": nil}}), "A&B ü", sent{"PATCH", "/api/customers/c1", form, "customer%5Bcf%5D=A%26B+%C3%BC&n=3&x=", "", ""}},
		{"a form beside a Content-Type", func(s *Settings) {
			patch(Write{Format: formatForm, Body: map[string]any{"a": "{value}"}})(s)
			s.Headers = map[string]config.Secret{"Content-Type": "application/vnd.api+json"}
		}, "B", sent{"PATCH", "/api/customers/c1", form, "a=B", "", ""}},
		{"if_match", patch(Write{Body: map[string]any{"f": "{value}"}, IfMatch: "string(record.version)"}), "B", sent{"PATCH", "/api/customers/c1", js, `{"f":"B"}`, "7", ""}},
		{"if_unmodified_since", patch(Write{Body: map[string]any{"f": "{value}"}, IfUnmodifiedSince: "record.stamp"}), "B", sent{"PATCH", "/api/customers/c1", js, `{"f":"B"}`, "", "Fri, 02 Jan 2026 03:04:05 GMT"}},
		{"a version in the body keeps its type", patch(Write{Body: map[string]any{"f": "{value}", "version": "{revision}"}, Revision: "record.version"}), "B", sent{"PATCH", "/api/customers/c1", js, `{"f":"B","version":7}`, "", ""}},
		{"a version that is a text", patch(Write{Body: map[string]any{"f": "{value}", "safe": "{revision}"}, Revision: "record.stamp"}), "B", sent{"PATCH", "/api/customers/c1", js, `{"f":"B","safe":"2026-01-02T03:04:05.678Z"}`, "", ""}},
		{"a version in the address", func(s *Settings) {
			s.Write = &Write{Patch: "/customers?id=eq.{id}&version=eq.{revision}", Body: map[string]any{"f": "{value}"}, Revision: "record.version"}
		}, "B", sent{"PATCH", "/api/customers?id=eq.c1&version=eq.7", js, `{"f":"B"}`, "", ""}},
		{"the time in the body", patch(Write{Body: map[string]any{"f": "{value}", "at": "{updated_at}"}}), "B", sent{"PATCH", "/api/customers/c1", js, `{"at":"2026-01-02T03:04:05.678Z","f":"B"}`, "", ""}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := writes(t, c.change, aRecord, c.value)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]sent{c.want}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNothingIsWrittenWithoutItsCondition(t *testing.T) {
	for name, w := range map[string]Write{
		"write.if_match":            {IfMatch: "record.?none", Body: map[string]any{"f": "{value}"}},
		"write.if_unmodified_since": {IfUnmodifiedSince: "record.?none", Body: map[string]any{"f": "{value}"}},
		"write.revision":            {Revision: "record.?none", Body: map[string]any{"f": "{value}", "v": "{revision}"}},
		"record.updated_at":         {Body: map[string]any{"f": "{value}", "v": "{updated_at}"}},
	} {
		w.Patch = "/customers/{id}"
		got, err := writes(t, func(s *Settings) { s.Write = &w }, `{"id":"c1","status":"Active","updated_at":null,"updated_by":"u"}`, "B")
		if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, name) || len(got) > 0 {
			t.Errorf("%s: %v, sent %v", name, err, got)
		}
	}
	got, err := writes(t, func(s *Settings) {
		s.Options = map[string]any{"Active": int64(1)}
		s.Write = &Write{Patch: "/customers/{id}", Body: map[string]any{"f": "{value}"}}
	}, aRecord, "Unknown")
	if wantKind(t, err, connector.Refused, connector.EffectNone); len(got) > 0 {
		t.Errorf("a word without a value is sent: %v", got)
	}
}

func TestWhatTheToolGivesBecomesAWord(t *testing.T) {
	options := map[string]any{"Active": int64(12), "Churned": "opt_9", "Off": false, "None": nil, "Several": []any{int64(5)}}
	for given, want := range map[string]string{
		`12`: "Active", `12.0`: "Active", `"12"`: "Active", `"opt_9"`: "Churned", `false`: "Off", `null`: "None", `[5]`: "Several", `5`: "Several", `[12]`: "Active",
		`99`: "99", `"Paused"`: "Paused", `[12,"opt_9"]`: "Active + Churned", `["opt_9",12]`: "Active + Churned", `[12,99]`: "99 + Active", `[]`: "",
	} {
		s := full()
		s.Options = options
		conn := connect(t, s, saying(200, `{"id":"c1","status":`+given+`,"updated_at":null,"updated_by":"u"}`))
		r, err := conn.Target.Read(t.Context(), "c1")
		if err != nil || r.Value != want {
			t.Errorf("%s is read as %q, %v; want %q", given, r.Value, err, want)
		}
		src, err := conn.Source.Read(t.Context(), "c1")
		if err != nil || src.Value != want || src.NoStatus != (want == "") {
			t.Errorf("%s is read in the source as %+v, %v; want %q", given, src, err, want)
		}
	}
	s := full()
	s.Options = options
	got, err := connect(t, s, http.NotFoundHandler()).Receiver.Events(http.Header{"Webhook-Id": {"m"}}, []byte(`{"events":[{"id":"e","customer_id":"c","status":12}]}`))
	if err != nil || len(got) != 1 || got[0].Event.Value != "Active" {
		t.Errorf("an event: %+v, %v", got, err)
	}
}

func TestOptionsThatTheToolListsAreComparedBeforeAWrite(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	listed := []string{"Active", "Paused"}
	s := full()
	s.Write.IfMatch = ""
	s.Options = map[string]any{"get": "/fields/7", "values": "body.options.map(o, o.label)"}
	conn := connect(t, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/api/fields/7" {
			asked++
			var all []map[string]string
			for _, o := range listed {
				all = append(all, map[string]string{"label": o})
			}
			reply(w, 200, map[string]any{"options": all})
			return
		}
		reply(w, 200, map[string]any{"id": "c1", "status": "Active"})
	}))
	if !conn.Knows.OptionList || conn.Options == nil {
		t.Fatal("the options cannot be listed")
	}
	for range 3 {
		if _, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Paused"); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("the options are asked for %d times for three writes", asked)
	}
	_, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Renamed")
	if f := wantKind(t, err, connector.Refused, connector.EffectNone); !strings.Contains(f.Detail, `"Active", "Paused"`) {
		t.Errorf("%q does not list the options", f.Detail)
	}
	all, err := conn.Options.Options(t.Context())
	if err != nil || !slices.Equal(all, listed) {
		t.Errorf("options %v, %v", all, err)
	}
}

// tagged is a tool that keeps tags, one call each.
type tagged struct {
	mu   sync.Mutex
	tags []string
	log  []string
	fail string // the call that fails once
}

func (g *tagged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	call := r.Method + " " + r.URL.Path
	if r.Method != http.MethodGet {
		g.log = append(g.log, call)
		if g.fail != "" && strings.HasPrefix(call, g.fail) {
			g.fail = ""
			reply(w, 503, nil)
			return
		}
	}
	switch r.Method {
	case http.MethodPost:
		var in struct{ Tag string }
		json.NewDecoder(r.Body).Decode(&in)
		g.tags = append(g.tags, in.Tag)
	case http.MethodDelete:
		tag := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		g.tags = slices.DeleteFunc(g.tags, func(t string) bool { return t == tag })
	}
	reply(w, 200, map[string]any{"id": "c1", "tags": g.tags, "updated_by": "u"})
}

func withTags(s *Settings) {
	s.Record.Status, s.Record.UpdatedAt = "record.tags", ""
	s.Write = &Write{Add: &Step{Post: "/customers/{id}/tags", Body: map[string]any{"tag": "{value}"}}, Remove: &Step{Delete: "/customers/{id}/tags/{previous}"}}
}

var tagWords = []string{"Active", "Churned", "Paused"}

func openTags(t *testing.T, g http.Handler) connector.Connection {
	t.Helper()
	s := full()
	withTags(s)
	return connectFor(t, s, g, connector.Use{Target: true, Values: tagWords})
}

func TestTagsAreAddedAndThenRemoved(t *testing.T) {
	cases := []struct {
		name         string
		tags         []string
		read, value  string
		log, between []string
		left         string
	}{
		{"from one to another", []string{"vip", "Active"}, "Active", "Paused", []string{"POST /api/customers/c1/tags", "DELETE /api/customers/c1/tags/Active"}, []string{"Active + Paused"}, "vip Paused"},
		{"from none", []string{"vip"}, "", "Paused", []string{"POST /api/customers/c1/tags"}, nil, "vip Paused"},
		{"half done before", []string{"Active", "Paused"}, "Active + Paused", "Paused", []string{"DELETE /api/customers/c1/tags/Active"}, nil, "Paused"},
		{"from two", []string{"Churned", "Active"}, "Active + Churned", "Paused", []string{"POST /api/customers/c1/tags", "DELETE /api/customers/c1/tags/Active", "DELETE /api/customers/c1/tags/Churned"},
			[]string{"Active + Churned + Paused", "Churned + Paused"}, "Paused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := &tagged{tags: c.tags}
			conn := openTags(t, g)
			r, err := conn.Target.Read(t.Context(), "c1")
			if err != nil || r.Value != c.read {
				t.Fatalf("read %q, %v", r.Value, err)
			}
			between := conn.Target.(connector.Stepwise).Between(c.read, c.value)
			if d := cmp.Diff(c.between, between); d != "" {
				t.Error(d)
			}
			shown, err := conn.Target.Write(t.Context(), r, c.value)
			if err != nil || shown != nil {
				t.Fatalf("%+v, %v", shown, err)
			}
			if d := cmp.Diff(c.log, g.log); d != "" {
				t.Error(d)
			}
			if got := strings.Join(g.tags, " "); got != c.left {
				t.Errorf("left %s", got)
			}
			if r, err = conn.Target.Read(t.Context(), "c1"); err != nil || r.Value != c.value {
				t.Errorf("read after it: %q, %v", r.Value, err)
			}
		})
	}
}

func TestATagThatSomebodySetMeanwhileIsNotTakenAway(t *testing.T) {
	g := &tagged{tags: []string{"Churned"}}
	_, err := openTags(t, g).Target.Write(t.Context(), status.TargetRecord{ID: "c1", Value: "Active"}, "Paused")
	if wantKind(t, err, connector.Moved, connector.EffectNone); len(g.log) > 0 {
		t.Errorf("sent %v", g.log)
	}
}

func TestASecondCallThatFailsLeavesBothTagsToBeSeen(t *testing.T) {
	g := &tagged{tags: []string{"Active"}, fail: "DELETE"}
	conn := openTags(t, g)
	_, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1", Value: "Active"}, "Paused")
	wantKind(t, err, connector.Transient, connector.EffectUnknown)
	r, err := conn.Target.Read(t.Context(), "c1")
	if err != nil || !slices.Contains(conn.Target.(connector.Stepwise).Between("Active", "Paused"), r.Value) {
		t.Errorf("read %q, %v", r.Value, err)
	}
}

func TestAWriteInStepsKeepsTheContract(t *testing.T) {
	h := connectortest.Harness{
		Open: func(t *testing.T, base string, deps connector.Deps) connector.Connection {
			s := full()
			withTags(s)
			deps.Use = connector.Use{Target: true, Values: tagWords}
			c, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, s, deps)
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		Secrets: []string{token}, Now: func() time.Time { return now },
	}
	record := jsonTool(`{"id":"c1","tags":["Active"],"updated_by":"u"}`)
	h.Writes = []connectortest.Call{{Name: "tags", Tool: record, Do: func(ctx context.Context, c connector.Connection) (any, error) {
		return nil, written(c.Target.Write(ctx, status.TargetRecord{ID: "c1", Value: "Active"}, "Paused"))
	}}}
	h.Lies = []connectortest.Lie{{Name: "tags that are not changed", Tool: record, Record: status.TargetRecord{ID: "c1", Value: "Active"}, Value: "Paused"}}
	connectortest.Run(t, h)
}

func TestWritesThatCannotBeAreFaults(t *testing.T) {
	flat := map[string]any{"f": "{value}"}
	cases := []struct {
		name   string
		change func(s *Settings)
		want   string
	}{
		{"an unknown format", func(s *Settings) { s.Write.Format = "xml" }, "write.format"},
		{"a form of objects", func(s *Settings) {
			s.Write.Format, s.Write.Body = formatForm, map[string]any{"a": map[string]any{"b": "{value}"}}
		}, "write.body"},
		{"a form of a list", func(s *Settings) { s.Write.Format, s.Write.Body = formatForm, []any{"{value}"} }, "write.body"},
		{"two conditions", func(s *Settings) { s.Write.IfUnmodifiedSince = "record.updated_at" }, "write"},
		{"a revision without a place", func(s *Settings) { s.Write.IfMatch, s.Write.Revision = "", "record.v" }, "write.revision"},
		{"a place without a revision", func(s *Settings) { s.Write.Body = map[string]any{"f": "{value}", "v": "{revision}"} }, "write.revision"},
		{"a time without updated_at", func(s *Settings) {
			s.Record.UpdatedAt, s.Write.Body = "", map[string]any{"f": "{value}", "v": "{updated_at}"}
		}, "record.updated_at"},
		{"a bad condition", func(s *Settings) { s.Write.IfMatch, s.Write.IfUnmodifiedSince = "", "(" }, "write.if_unmodified_since"},
		{"add without remove", func(s *Settings) { s.Write = &Write{Add: &Step{Post: "/c/{id}/tags", Body: flat}} }, "write.remove"},
		{"remove without add", func(s *Settings) { s.Write = &Write{Remove: &Step{Delete: "/c/{id}/{previous}"}} }, "write.add"},
		{"add beside put", func(s *Settings) { withTags(s); s.Write.Put, s.Write.Body = "/c/{id}", flat }, "write"},
		{"add with a condition", func(s *Settings) { withTags(s); s.Write.IfMatch = "record.etag" }, "write.if_match"},
		{"add without a word", func(s *Settings) { withTags(s); s.Write.Add.Body = nil }, "write.add.body"},
		{"remove of the new word", func(s *Settings) { withTags(s); s.Write.Remove.Delete = "/c/{id}/{value}" }, "write.remove.delete"},
		{"two methods", func(s *Settings) { withTags(s); s.Write.Add.Put = "/c/{id}" }, "write.add"},
		{"options that are a list", func(s *Settings) { s.Options = []any{"a"} }, "options"},
		{"no options", func(s *Settings) { s.Options = map[string]any{} }, "options"},
		{"two words for one value", func(s *Settings) { s.Options = map[string]any{"A": int64(1), "B": "1"} }, "options.B"},
		{"an option that is an object", func(s *Settings) { s.Options = map[string]any{"A": map[string]any{"id": 1}} }, "options.A"},
		{"an option that is two", func(s *Settings) { s.Options = map[string]any{"A": []any{1, 2}} }, "options.A"},
		{"an empty word", func(s *Settings) { s.Options = map[string]any{" ": 1} }, "options. "},
		{"null inside a text", func(s *Settings) {
			s.Options, s.Write.Body = map[string]any{"A": nil}, map[string]any{"f": "to {value}"}
		}, "options.A"},
		{"null in the path that takes a word away", func(s *Settings) {
			withTags(s)
			s.Options = map[string]any{"A": nil, "B": 1}
		}, "options.A"},
		{"get without values", func(s *Settings) { s.Options = map[string]any{"get": "/fields"} }, "options.values"},
		{"values without get", func(s *Settings) { s.Options = map[string]any{"values": "body"} }, "options.get"},
		{"get beside words", func(s *Settings) { s.Options = map[string]any{"get": "/fields", "values": "body", "A": 1} }, "options.A"},
		{"get of another host", func(s *Settings) { s.Options = map[string]any{"get": "https://x.example", "values": "body"} }, "options.get"},
		{"values that are no expression", func(s *Settings) { s.Options = map[string]any{"get": "/fields", "values": "("} }, "options.values"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			c.change(s)
			refused(t, s, "https://crm.example.com", c.want)
		})
	}
}

func TestKnowledgeOfWritesFollowsTheSettings(t *testing.T) {
	cases := []struct {
		change              func(w *Write)
		conditional, listed bool
	}{
		{func(w *Write) { w.IfMatch = "" }, false, false},
		{func(w *Write) { w.IfMatch, w.IfUnmodifiedSince = "", "record.updated_at" }, true, false},
		{func(w *Write) {
			w.IfMatch, w.Revision, w.Put = "", "record.etag", "/customers/{id}?v={revision}"
		}, true, false},
		{func(w *Write) {
			w.IfMatch, w.Body = "", map[string]any{"a": "{value}", "b": map[string]any{"c": "{updated_at}"}}
		}, true, false},
	}
	for i, c := range cases {
		s := full()
		c.change(s.Write)
		if k := connectTo(t, s, "http://127.0.0.1:1").Knows; k.ConditionalWrite != c.conditional || k.OptionList != c.listed {
			t.Errorf("%d: %+v", i, k)
		}
	}
	set := (&Settings{Options: map[string]any{"B": 1, "A": 2}}).ClosedSet(config.Side{Target: true})
	if !slices.Equal(set.Values, []string{"A", "B"}) {
		t.Errorf("closed set %v", set)
	}
	for _, open := range []config.ClosedSet{(&Settings{}).ClosedSet(config.Side{Target: true}), (&Settings{Options: map[string]any{"A": 2}}).ClosedSet(config.Side{}),
		(&Settings{Options: map[string]any{"get": "/f", "values": "body"}}).ClosedSet(config.Side{Target: true})} {
		if open.Values != nil {
			t.Errorf("closed set %v", open)
		}
	}
}
