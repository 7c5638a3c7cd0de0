package makecom

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestCheck(t *testing.T) {
	type change func(*Settings)
	for _, tt := range []struct {
		name   string
		change change
		want   []string // path: part of the problem
	}{
		{"both ways are fine", func(*Settings) {}, nil},
		{"a test server on this machine needs no https", func(s *Settings) { s.WebhookURL = "http://127.0.0.1:9/hook" }, nil},
		{"only to send is fine", func(s *Settings) { s.Webhook = nil }, nil},
		{"only to receive is fine", func(s *Settings) { s.WebhookURL, s.APIKey, s.Knows = "", "", nil }, nil},
		{"a signature is fine", func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: SchemeStandard, Secrets: []config.Secret{whsec, otherWhsec}}
		}, nil},
		{"nothing at all", func(s *Settings) { *s = Settings{} }, []string{": has neither"}},
		{"no URL", func(s *Settings) { s.WebhookURL = "secret-hook" }, []string{"webhook_url: is not an absolute"}},
		{"a URL without a hook", func(s *Settings) { s.WebhookURL = "https://hook.eu2.make.com/" }, []string{"webhook_url: has no path"}},
		{"a URL with a query", func(s *Settings) { s.WebhookURL = "https://hook.eu2.make.com/secret-hook?op=write" }, []string{"webhook_url: has a user, a query"}},
		{"a URL that all can read", func(s *Settings) { s.WebhookURL = "http://hook.eu2.make.com/secret-hook" }, []string{"webhook_url: is not https"}},
		{"no key", func(s *Settings) { s.APIKey = "" }, []string{"api_key: is missing"}},
		{"a key with a line break", func(s *Settings) { s.APIKey = "secret-hook\n" }, []string{"api_key: holds a space"}},
		{"a key beyond Make's limit", func(s *Settings) { s.APIKey = config.Secret(strings.Repeat("k", 513)) }, []string{"api_key: is longer"}},
		{"a key for nothing", func(s *Settings) { s.WebhookURL, s.Knows = "", nil }, []string{"api_key: belongs to webhook_url"}},
		{"no scheme", func(s *Settings) { s.Webhook.Verify = Verify{} }, []string{"webhook.verify.scheme: is not known"}},
		{"no header", func(s *Settings) { s.Webhook.Verify.Name = "" }, []string{"webhook.verify.name: is not the name"}},
		{"no secret", func(s *Settings) { s.Webhook.Verify.Secrets = nil }, []string{"webhook.verify.secrets: is missing"}},
		{"a secret with a line break", func(s *Settings) { s.Webhook.Verify.Secrets[0] = "secret-hook\n" }, []string{"webhook.verify.secrets[0]: contains a line break"}},
		{"a header for a signature", func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: SchemeStandard, Name: "X-Key", Secrets: []config.Secret{whsec}}
		}, []string{"webhook.verify.name: does not belong"}},
		{"a secret that cannot sign", func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: SchemeStandard, Secrets: []config.Secret{"secret-hook"}}
		}, []string{"webhook.verify.secrets: cannot be used"}},
		{"a list that nobody can be asked for", func(s *Settings) { s.WebhookURL, s.APIKey = "", "" }, []string{"knows[2]: belongs to webhook_url"}},
		{"a word nobody knows", func(s *Settings) { s.Knows = []string{"changed_at", "mood"} }, []string{"knows[1]: is not known"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testSettings()
			tt.change(s)
			var got []string
			s.Check(config.NewChecker(func(path, problem, remedy string) {
				got = append(got, strings.TrimPrefix(strings.TrimPrefix(path, "connection"), ".")+": "+problem)
				if remedy == "" || strings.Contains(problem+remedy, "secret-hook") {
					t.Errorf("%s: %s; %s", path, problem, remedy)
				}
			}), config.Connection{})
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got %q, want %q", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestWhatAConnectionCanDoFollowsFromItsSettings(t *testing.T) {
	open := func(change func(*Settings), use connector.Use) (connector.Connection, error) {
		s := testSettings()
		change(s)
		return Open("tool", config.Connection{}, s, connector.Deps{Use: use})
	}
	source := connector.Use{Values: []string{"active"}}
	target := connector.Use{Values: []string{"Active"}, Target: true}
	both := func(*Settings) {}
	toldOnly := func(s *Settings) { s.WebhookURL, s.APIKey = "", "" }
	askedOnly := func(s *Settings) { s.Webhook = nil }

	c, err := open(both, source)
	if err != nil || c.Source == nil || c.EventSource != nil || c.Receiver == nil || c.Target == nil || c.Probe == nil {
		t.Errorf("with both: %+v, %v", c, err)
	}
	if diff := cmp.Diff(connector.Knowledge{Order: true, Actor: true}, c.Knows); diff != "" {
		t.Error(diff)
	}
	if c, err = open(toldOnly, source); err != nil || c.Source != nil || c.EventSource == nil || c.Receiver == nil || c.Target != nil || c.Probe != nil {
		t.Errorf("that is only told: %+v, %v", c, err)
	}
	if c, err = open(askedOnly, target); err != nil || c.Receiver != nil || c.Target == nil {
		t.Errorf("that is only asked: %+v, %v", c, err)
	}
	if c, err = open(func(s *Settings) { s.Knows = nil }, target); err != nil || c.Knows != (connector.Knowledge{}) {
		t.Errorf("it claims to know %+v, %v", c.Knows, err)
	}
}

func TestASideThatCannotBeServedIsAFault(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Settings)
		target bool
		want   string
	}{
		"a target that can be asked":    {func(s *Settings) { s.Webhook = nil }, true, ""},
		"a source that tells":           {func(s *Settings) { s.WebhookURL = "" }, false, ""},
		"a target that cannot be asked": {func(s *Settings) { s.WebhookURL = "" }, true, "has no webhook_url"},
		"a source that never tells":     {func(s *Settings) { s.Webhook = nil }, false, "has no webhook"},
	} {
		s := testSettings()
		tt.change(s)
		var got string
		s.CheckSide(config.NewChecker(func(path, problem, remedy string) { got += path + " " + problem + "; " + remedy }), config.Side{Target: tt.target})
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAnAccountIsTheWebhookAndDoesNotShowIt(t *testing.T) {
	one, two := testSettings(), testSettings()
	two.WebhookURL += "x"
	a := one.Account(config.Connection{})
	if a == "" || a == two.Account(config.Connection{}) || strings.Contains(a, testHook[1:]) || (&Settings{}).Account(config.Connection{}) != "" {
		t.Errorf("account %q", a)
	}
}

func TestWhatAScenarioIsAsked(t *testing.T) {
	var requests []asked
	scenario := scenarioOf(t, func(a asked) map[string]any {
		requests = append(requests, maps.Clone(a))
		switch a.text("op") {
		case OpFind:
			return map[string]any{"count": 0, "ids": ""}
		case OpRead:
			return map[string]any{"id": a.text("id"), "value": ""}
		}
		return nil
	})
	c := opened(t, scenario)
	const id, value = `r/1 ä?`, `the "best" \ one`
	if _, err := c.Target.Read(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if found, err := c.Target.Find(t.Context(), "email", "o'neil+x@example.com"); err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
	if err := written(c.Target.Write(t.Context(), status.TargetRecord{ID: id, Value: "Old"}, value)); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range requests {
		ids[r.text("request_id")] = true
		delete(r, "request_id")
		delete(r, "not_after")
	}
	if len(ids) != 3 {
		t.Errorf("three requests have %d ids", len(ids))
	}
	want := []asked{
		{"op": "read", "id": id, "id_url": "r%2F1%20%C3%A4%3F"},
		{"op": "find", "key": "email", "value": "o'neil+x@example.com"},
		{"op": "write", "id": id, "id_url": "r%2F1%20%C3%A4%3F", "status": value, "status_json": `"the \"best\" \\ one"`, "previous": "Old"},
	}
	if diff := cmp.Diff(want, requests); diff != "" {
		t.Error(diff)
	}
}

func TestTheFieldOfTheSyncIsSentAlong(t *testing.T) {
	var field string
	s := scenarioOf(t, func(a asked) map[string]any { field = a.text("field"); return nil })
	c := opened(t, s)
	if err := written(c.Target.Write(t.Context(), status.TargetRecord{ID: "r"}, "Paused")); err != nil || field != "" {
		t.Errorf("field %q, %v", field, err)
	}
	server := opened(t, s).Target.(target).rest.Base.String()
	c = openedAt(t, server, connector.Deps{HTTP: &http.Client{Transport: &http.Transport{}}, Now: func() time.Time { return now }, Use: connector.Use{Target: true, Field: "customer_status"}})
	if err := written(c.Target.Write(t.Context(), status.TargetRecord{ID: "r"}, "Paused")); err != nil || field != "customer_status" {
		t.Errorf("field %q, %v", field, err)
	}
}

func TestARecordIsReadWithAllThatTheScenarioTells(t *testing.T) {
	c := opened(t, good(t))
	got, err := c.Target.Read(t.Context(), "rec_1")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	want := status.TargetRecord{ID: "rec_1", Value: "Active", EditedAt: at, Actor: status.ActorHuman, By: "person", Keys: map[string]string{"email": "ana@example.com"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	src, err := c.Source.Read(t.Context(), "rec_1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(status.SourceRecord{ID: "rec_1", Value: "Active", UpdatedAt: at, Keys: want.Keys}, src); diff != "" {
		t.Error(diff)
	}
	found, err := c.Target.Find(t.Context(), "email", "ana@example.com")
	if err != nil || len(found) != 1 {
		t.Fatalf("found %+v, %v", found, err)
	}
	if diff := cmp.Diff(want, found[0]); diff != "" {
		t.Error(diff)
	}
}

func TestWhoChangedARecord(t *testing.T) {
	for word, want := range map[string]status.Actor{"person": status.ActorHuman, "automation": status.ActorAutomation, "trueup": status.ActorUs,
		"": status.ActorUnknown, "unknown": status.ActorUnknown, "Person": status.ActorUnknown, "ben": status.ActorUnknown} {
		if got := actorOf(word); got != want {
			t.Errorf("%q is %q, want %q", word, got, want)
		}
	}
}

func TestTwoRecordsAreFoundAndOneThatVanishesIsLeftOut(t *testing.T) {
	c := opened(t, scenarioOf(t, func(a asked) map[string]any {
		switch {
		case a.text("op") == OpFind:
			return map[string]any{"count": 4, "ids_base64": "cmVjXzIscmVjXzEscmVjXzIsZ29uZQ=="} // rec_2,rec_1,rec_2,gone
		case a.text("id") == "gone":
			return map[string]any{"ok": false, "error": "not_found"}
		}
		return map[string]any{"id": a.text("id"), "value": ""}
	}))
	found, err := c.Target.Find(t.Context(), "email", "x")
	if err != nil || len(found) != 2 || found[0].ID != "rec_1" || found[1].ID != "rec_2" {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestAnIDThatCannotBeIsNotAskedFor(t *testing.T) {
	c := opened(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked for") })
	for _, id := range []string{"", "a\nb", strings.Repeat("x", 256)} {
		_, err := c.Target.Read(t.Context(), id)
		check(t, "read", err, connector.Gone, connector.EffectNone, "")
		err = written(c.Target.Write(t.Context(), status.TargetRecord{ID: id}, "Paused"))
		check(t, "write", err, connector.Gone, connector.EffectNone, "")
	}
}

func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values any
		said   string // in the last sentence, or in the failure
		fails  bool
	}{
		{"a scenario that writes all values", []string{"Active", "Paused", "Churned"}, "writes every value", false},
		{"a scenario that does not say", nil, "does not report which values", false},
		{"a value the scenario does not write", []string{"Active"}, "does not write Paused", true},
		{"values that are none", "Active", "not a list", true},
		{"values that are no texts", []int{1}, "not a list", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			said, err := opened(t, scenarioOf(t, func(asked) map[string]any { return map[string]any{"values": tt.values} })).Probe.Probe(t.Context())
			text := strings.Join(said, "\n")
			if err != nil {
				text = err.Error()
			}
			if (err != nil) != tt.fails || !strings.Contains(text, tt.said) {
				t.Errorf("said %q, %v", said, err)
			}
		})
	}
	said, err := opened(t, says(200, "text/plain", "Accepted")).Probe.Probe(t.Context())
	if err == nil || len(said) != 0 || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("a scenario that is off: %q, %v", said, err)
	}
}
