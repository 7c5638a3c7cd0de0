package httpconn

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// byIDs is a tool whose field takes an option's id, and which says what its
// options are.
type byIDs struct {
	t  *testing.T
	mu sync.Mutex
	// field is the answer that lists the options.
	field  string
	code   int // of that answer
	asked  int
	status any // of the one record
	wrote  []string
}

func (b *byIDs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	record := map[string]any{"id": "c1", "status": b.status, "email": anna, "updated_at": now.Format(time.RFC3339), "updated_by": "api:trueup"}
	switch {
	case r.URL.Path == "/api/fields/7":
		b.asked++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(b.code)
		fmt.Fprint(w, b.field)
	case r.Method != http.MethodGet:
		var in map[string]json.RawMessage
		json.NewDecoder(r.Body).Decode(&in)
		b.wrote = append(b.wrote, string(in["status"]))
		json.Unmarshal(in["status"], &b.status)
		record["status"] = b.status
		reply(w, 200, record)
	case r.URL.Path == "/api/customers":
		reply(w, 200, map[string]any{"customers": []any{record}})
	default:
		reply(w, 200, record)
	}
}

func (b *byIDs) now(field string, status any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.field, b.status, b.code = field, status, 200
}

// fieldOf lists options as id, label, id, label.
func fieldOf(all ...any) string {
	var options []map[string]any
	for i := 0; i < len(all); i += 2 {
		options = append(options, map[string]any{"id": all[i], "label": all[i+1]})
	}
	text, _ := json.Marshal(map[string]any{"options": options})
	return string(text)
}

var readByIDs = map[string]any{"get": "/fields/7", "values": "body.options.map(o, o.label)", "ids": "body.options.filter(o, has(o.id)).map(o, o.id)"}

func openByIDs(t *testing.T, b *byIDs, clock *time.Time, change func(s *Settings)) connector.Connection {
	t.Helper()
	s := full()
	s.Webhook, s.Options = nil, readByIDs
	s.Write = &Write{Patch: "/customers/{id}", Body: map[string]any{"status": "{value}"}, Record: "body"}
	if change != nil {
		change(s)
	}
	if found := faultsOf(t, s, "https://crm.example.com"); len(found) > 0 {
		t.Fatal(found)
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	conn, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: server.URL + "/api", Timeout: 5 * time.Second}, s,
		connector.Deps{Now: func() time.Time { return *clock }, HTTP: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAnOptionsIDIsItsWordBothWays(t *testing.T) {
	for name, c := range map[string]struct {
		ids   [2]any // of Active and Paused
		given any
		wrote string
	}{
		"numbers":                  {[2]any{12, 13}, 12, "13"},
		"numbers that are texts":   {[2]any{"12", "13"}, 12, `"13"`},
		"texts for numbers":        {[2]any{12, 13}, "12", "13"},
		"texts":                    {[2]any{"opt_a", "opt_b"}, "opt_a", `"opt_b"`},
		"true and false":           {[2]any{true, false}, true, "false"},
		"words of one another":     {[2]any{"Paused", "Active"}, "Paused", `"Active"`},
		"a list of one, when read": {[2]any{12, 13}, []any{12}, "13"},
	} {
		t.Run(name, func(t *testing.T) {
			b, clock := &byIDs{t: t}, now
			b.now(fieldOf(c.ids[0], "Active", c.ids[1], "Paused"), c.given)
			conn := openByIDs(t, b, &clock, nil)
			read, err := conn.Target.Read(t.Context(), "c1")
			if err != nil || read.Value != "Active" {
				t.Errorf("the target is read as %q, %v", read.Value, err)
			}
			if s, err := conn.Source.Read(t.Context(), "c1"); err != nil || s.Value != "Active" {
				t.Errorf("the source is read as %+v, %v", s, err)
			}
			if all, _, err := conn.TargetList.List(t.Context(), ""); err != nil || len(all) != 1 || all[0].Value != "Active" {
				t.Errorf("the list is %+v, %v", all, err)
			}
			_, cursor, _, err := conn.Changes.Since(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if all, _, _, err := conn.Changes.Since(t.Context(), cursor); err != nil || len(all) > 0 && all[0].Event.Value != "Active" {
				t.Errorf("changes are %+v, %v", all, err)
			}
			shown, err := conn.Target.Write(t.Context(), read, "Paused")
			if err != nil || shown == nil || shown.Value != "Paused" {
				t.Errorf("the answer to the write is %+v, %v", shown, err)
			}
			if d := cmp.Diff([]string{c.wrote}, b.wrote); d != "" {
				t.Error(d)
			}
			if b.asked != 1 {
				t.Errorf("the options are asked for %d times in a moment", b.asked)
			}
			if all, err := conn.Options.Options(t.Context()); err != nil || !slices.Equal(all, []string{"Active", "Paused"}) || !conn.Knows.OptionList {
				t.Errorf("the options are %v, %v", all, err)
			}
		})
	}
}

func TestOptionsThatChangeInTheTool(t *testing.T) {
	b, clock := &byIDs{t: t}, now
	b.now(fieldOf(12, "Active", 13, "Paused"), 12)
	conn := openByIDs(t, b, &clock, nil)
	value := func(what, want string) {
		t.Helper()
		if got, err := conn.Target.Read(t.Context(), "c1"); err != nil || got.Value != want {
			t.Errorf("%s: read %q, %v; want %q", what, got.Value, err, want)
		}
	}
	value("at first", "Active")
	clock = clock.Add(optionsAgain)
	b.now(fieldOf(12, "Active", 13, "Paused", 14, "Churned"), 14)
	value("an option that was added a moment ago", "Churned")
	clock = clock.Add(optionsAge)
	b.now(fieldOf(12, "Active", 13, "On hold", 14, "Churned"), 13)
	value("a renamed one", "On hold")
	clock = clock.Add(optionsAgain)
	_, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Paused")
	if f := wantKind(t, err, connector.Refused, connector.EffectNone); !strings.Contains(f.Detail, `"Active", "On hold", "Churned"`) || len(b.wrote) > 0 {
		t.Errorf("%q, wrote %v", f.Detail, b.wrote)
	}
	b.now(fieldOf(12, "Active"), 13)
	clock = clock.Add(optionsAge)
	value("one that was removed is shown as it is", "13")
	b.now(fieldOf(12, "Active"), nil)
	value("none", "")
	asked := b.asked
	for range 5 {
		b.now(fieldOf(12, "Active"), 99)
		value("an unknown one", "99")
	}
	if b.asked > asked+1 {
		t.Errorf("an unknown id has the options asked for %d times in a moment", b.asked-asked)
	}
}

func TestTwoOptionsWithOneWordAreNotWritten(t *testing.T) {
	b, clock := &byIDs{t: t}, now
	b.now(fieldOf(12, "Active", 13, "Paused", 14, "Paused", 12, "Active"), 14)
	conn := openByIDs(t, b, &clock, nil)
	if got, err := conn.Target.Read(t.Context(), "c1"); err != nil || got.Value != "Paused" {
		t.Errorf("read %+v, %v", got, err)
	}
	_, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Paused")
	if f := wantKind(t, err, connector.Refused, connector.EffectNone); !strings.Contains(f.Detail, `several options of the field are called "Paused"`) || len(b.wrote) > 0 {
		t.Errorf("%q, wrote %v", f.Detail, b.wrote)
	}
	if _, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Active"); err != nil {
		t.Errorf("a word that one option has, listed twice: %v", err)
	}
}

func TestOptionsThatCannotBeReadStopTheRead(t *testing.T) {
	for _, c := range []struct {
		name, field string
		code        int
		want        connector.FailureKind
		says        string
	}{
		{"fewer ids than words", `{"options":[{"id":1,"label":"Active"},{"label":"Paused"}]}`, 200, connector.Misconfigured, "options.ids: the list has 1 ids, and options.values has 2 words"},
		{"an id that is an object", `{"options":[{"id":{"canary":1},"label":"Active"}]}`, 200, connector.Misconfigured, "options.ids: an item of the list"},
		{"an id that is a list", `{"options":[{"id":["canary"],"label":"Active"}]}`, 200, connector.Misconfigured, "options.ids: an item of the list"},
		{"an id that is null", `{"options":[{"id":null,"label":"Active"}]}`, 200, connector.Misconfigured, "options.ids: an item of the list"},
		{"two options with one id", fieldOf(1, "Active", "1", "Paused"), 200, connector.Misconfigured, "two options have the same id"},
		{"no list", `{"anna.canary":1}`, 200, connector.Misconfigured, "options.values"},
		{"no such field", `{}`, 404, connector.Misconfigured, "/api/fields/7 (options.get)"},
		{"a tool that is down", `anna.canary`, 503, connector.Transient, ""},
		{"a limit", `{}`, 429, connector.RateLimited, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, clock := &byIDs{t: t}, now
			b.now(c.field, 12)
			b.code = c.code
			conn := openByIDs(t, b, &clock, nil)
			_, read := conn.Target.Read(t.Context(), "c1")
			_, _, listed := conn.TargetList.List(t.Context(), "")
			_, wrote := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1"}, "Active")
			for what, err := range map[string]error{"the read": read, "the list": listed, "the write": wrote} {
				if f := wantKind(t, err, c.want, connector.EffectNone); !strings.Contains(f.Detail, c.says) {
					t.Errorf("%s: %q", what, f.Detail)
				}
			}
			if len(b.wrote) > 0 {
				t.Errorf("wrote %v", b.wrote)
			}
		})
	}
}

func TestRowsAndTagsWithIDsHaveWords(t *testing.T) {
	b, clock := &byIDs{t: t}, now
	b.now(fieldOf(1, "active", 2, "canceled"), 2)
	rows := openByIDs(t, b, &clock, func(s *Settings) {
		s.Write, s.List = nil, nil
		s.Read = &Read{Get: "/customers?customer={id}", Records: "body.customers"}
		s.Record.ID, s.Record.Keys = "record.email", nil
		s.Fold = &Fold{By: "record.id", Precedence: []string{"active", "canceled"}}
	})
	if got, err := rows.Source.Read(t.Context(), "c1"); err != nil || got.Value != "canceled" {
		t.Errorf("rows: %+v, %v", got, err)
	}
	b.now(fieldOf(1, "Active", 2, "Churned", 3, "VIP"), []any{3, 1})
	s := full()
	s.Webhook, s.Options, s.Write = nil, readByIDs, &Write{Add: &Step{Post: "/customers/{id}/tags", Body: map[string]any{"status": "{value}"}}, Remove: &Step{Delete: "/customers/{id}/tags/{previous}"}}
	conn := connectFor(t, s, b, connector.Use{Target: true, Values: []string{"Active", "Churned"}})
	if got, err := conn.Target.Read(t.Context(), "c1"); err != nil || got.Value != "Active" {
		t.Errorf("tags: %+v, %v", got, err)
	}
}

func TestIDsThatCannotBeReadAreAFault(t *testing.T) {
	with := func(key string, v any) func(s *Settings) {
		return func(s *Settings) {
			o := map[string]any{"get": "/fields/7", "values": "body.words", "ids": "body.ids"}
			if o[key] = v; v == nil {
				delete(o, key)
			}
			s.Webhook.Status, s.Webhook.OccurredAt, s.Options = "", "", o
		}
	}
	for _, c := range []struct {
		name   string
		change func(s *Settings)
		want   string
	}{
		{"as documented", with("ids", "body.ids"), ""},
		{"no expression", with("ids", "body."), "options.ids"},
		{"no text", with("ids", 7), "options.ids"},
		{"no words", with("values", nil), "options.values"},
		{"no path", with("get", nil), "options.get"},
		{"a status in the webhook", func(s *Settings) { with("ids", "body.ids")(s); s.Webhook.Status = "event.status" }, "webhook.status"},
		{"no read", func(s *Settings) { with("ids", "body.ids")(s); s.Read, s.Write, s.Find, s.List = nil, nil, nil, nil }, "options.ids"},
		{"only ids", func(s *Settings) { with("ids", "body.ids")(s); s.Options = map[string]any{"ids": "body.ids"} }, "options.get options.values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			c.change(s)
			var paths []string
			for _, f := range faultsOf(t, s, "https://crm.example.com") {
				if paths = append(paths, f.path); f.remedy == "" {
					t.Errorf("%+v", f)
				}
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("faults at %q, want %q", got, c.want)
			}
		})
	}
}
