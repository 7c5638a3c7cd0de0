package blueprint

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// awkward is a name that breaks every JSON it is pasted into.
const awkward = `Ana "the best" \ O'Neil {{1.request_id}} <ä>` + "\n"

func TestTheScenarioFindsReadsAndWrites(t *testing.T) {
	s := newScene(t)
	s.tool.set("r/1 ä", map[string]any{"email": "ana+x@example.com", "status": awkward, "updated_by": "person", "name": awkward})
	s.tool.set("r2", map[string]any{"email": "ben@example.com", "status": nil})
	s.tool.set("r3", map[string]any{"email": "ben@example.com"})

	said, err := s.conn.Probe.Probe(t.Context())
	if err != nil || !strings.Contains(strings.Join(said, "; "), "writes every value") {
		t.Fatalf("the probe says %q, %v", said, err)
	}
	found, err := s.conn.Target.Find(t.Context(), "email", "ana+x@example.com")
	if err != nil {
		t.Fatal(err)
	}
	got := found[0]
	if got.EditedAt.IsZero() {
		t.Error("changed_at got lost")
	}
	got.EditedAt = time.Time{}
	want := status.TargetRecord{ID: "r/1 ä", Value: awkward, Actor: status.ActorHuman, By: "person", Keys: map[string]string{"email": "ana+x@example.com"}}
	if diff := cmp.Diff(want, got); diff != "" || len(found) != 1 {
		t.Errorf("%d found; %s", len(found), diff)
	}
	if found, err = s.conn.Target.Find(t.Context(), "email", "ben@example.com"); err != nil || len(found) != 2 {
		t.Errorf("of two that match %d are found, %v", len(found), err)
	}
	if found, err = s.conn.Target.Find(t.Context(), "email", "nobody@example.com"); err != nil || len(found) != 0 {
		t.Errorf("of none that match %d are found, %v", len(found), err)
	}
	if err = written(s.conn.Target.Write(t.Context(), got, paused)); err != nil || s.tool.status("r/1 ä") != paused {
		t.Errorf("the tool holds %q, %v", s.tool.status("r/1 ä"), err)
	}
	if r, err := s.conn.Target.Read(t.Context(), "r3"); err != nil || r.Value != "" {
		t.Errorf("a record without a status is %+v, %v", r, err)
	}
	_, err = s.conn.Target.Read(t.Context(), "gone")
	s.is(err, connector.Gone, connector.EffectNone, "no such record")
	err = written(s.conn.Target.Write(t.Context(), status.TargetRecord{ID: "gone"}, "Active"))
	s.is(err, connector.Gone, connector.EffectNone, "no such record")
	s.noErrors()
}

// Names that break JSON come through a list as they are, and each page is whole.
func TestTheScenarioListsAllRecords(t *testing.T) {
	s := newScene(t)
	if found, next, err := s.conn.TargetList.List(t.Context(), ""); err != nil || len(found) > 0 || next != "" {
		t.Errorf("of an empty tool it lists %v, %q, %v", found, next, err)
	}
	s.tool.set("r/1 ä", map[string]any{"email": "ana+x@example.com", "status": awkward, "updated_by": "person"})
	s.tool.set("r2", map[string]any{"email": awkward, "status": nil})
	s.tool.set("r3", map[string]any{"email": "cleo@example.com", "status": "Active"})
	s.tool.set("r4", nil)
	s.tool.set("r5", map[string]any{"email": "eve@example.com", "status": "Active"})
	var got []status.TargetRecord
	pages := 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		found, next, err := s.conn.TargetList.List(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		got, cursor = append(got, found...), next
	}
	for i, r := range got {
		one, err := s.conn.Target.Read(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, got[i]); diff != "" {
			t.Errorf("read (-) and listed (+): %s", diff)
		}
	}
	if len(got) != 5 || pages != 3 || got[0].ID != "r/1 ä" || got[0].Value != awkward || got[1].Keys["email"] != strings.TrimSpace(awkward) {
		t.Errorf("%d pages list %+v", pages, got)
	}
	s.noErrors()
}

func TestTheScenarioWritesNoOtherValue(t *testing.T) {
	s := newScene(t)
	s.tool.set("r1", map[string]any{"status": "Active"})
	for _, value := range []string{"active", "Churned", "", `Active"`} {
		err := written(s.conn.Target.Write(t.Context(), status.TargetRecord{ID: "r1"}, value))
		s.is(err, connector.Refused, connector.EffectNone, "refused")
	}
	if w := s.tool.written(); len(w) > 0 {
		t.Errorf("it wrote %q", w)
	}
	s.noErrors()
}

func TestAnotherOperationIsRefused(t *testing.T) {
	s := newScene(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.account.URL+"/"+hookID, strings.NewReader(`{"op":"delete","request_id":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-make-apikey", hookKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil || got["error"] != "unsupported" || got["request_id"] != "x" || got["ok"] != false {
		t.Errorf("it answers %s", body)
	}
	s.noErrors()
}

// A tool that misbehaves does not break the scenario, and its failure arrives
// with its real kind.
func TestATroubledToolIsReportedAndTheScenarioStaysOn(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) { return func(w http.ResponseWriter) { w.WriteHeader(code) } }
	for name, tt := range map[string]struct {
		how    func(http.ResponseWriter)
		kind   connector.FailureKind
		effect connector.Effect
	}{
		"its limit":             {status(429), connector.RateLimited, connector.EffectNone},
		"a login that ended":    {status(401), connector.Unauthorized, connector.EffectNone},
		"a no":                  {status(422), connector.Refused, connector.EffectNone},
		"a conflict":            {status(412), connector.Moved, connector.EffectNone},
		"a failure":             {status(503), connector.Transient, connector.EffectUnknown},
		"a redirect":            {status(302), connector.Misconfigured, connector.EffectUnknown},
		"a broken connection":   {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, connector.Transient, connector.EffectUnknown},
		"half of a body":        {func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9"); io.WriteString(w, "{") }, connector.Transient, connector.EffectUnknown},
		"a missing permission":  {status(403), connector.Unauthorized, connector.EffectNone},
		"a record that is gone": {status(404), connector.Gone, connector.EffectNone},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.tool.set("r1", nil)
			s.tool.misbehave(func(w http.ResponseWriter, _ *http.Request) bool { tt.how(w); return true })
			err := written(s.conn.Target.Write(t.Context(), recordOf("r1"), "Active"))
			s.is(err, tt.kind, tt.effect, "")
			_, err = s.conn.Target.Read(t.Context(), "r1")
			kind := tt.kind
			if kind == connector.Moved {
				kind = connector.Refused // a read is never conditional
			}
			s.is(err, kind, connector.EffectNone, "")
			s.noErrors()
		})
	}
}

func recordOf(id string) status.TargetRecord { return status.TargetRecord{ID: id} }

func TestARecordThatIsNotWhatWasMappedBreaksNothing(t *testing.T) {
	for name, body := range map[string]string{
		"a list in place of a record":   `[]`,
		"a text in place of a record":   `"none"`,
		"no JSON":                       `oops`,
		"a record without its own id":   `{"status":"Active"}`,
		"a status that is a collection": `{"id":"r1","status":{"label":"Active"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.tool.misbehave(func(w http.ResponseWriter, _ *http.Request) bool { io.WriteString(w, body); return true })
			r, err := s.conn.Target.Read(t.Context(), "r1")
			if strings.Contains(body, "label") {
				if r.Value != "[object Object]" {
					t.Errorf("it is read as %+v, %v", r, err)
				}
			} else {
				s.is(err, connector.Misconfigured, connector.EffectNone, "id is missing")
			}
			_, err = s.conn.Target.Find(t.Context(), "email", "x")
			s.is(err, connector.Transient, connector.EffectNone, "step of the scenario failed")
			s.noErrors()
		})
	}
}

func TestMakeMisbehaves(t *testing.T) {
	const (
		unknown = connector.EffectUnknown
		none    = connector.EffectNone
	)
	answer := func(code int, contentType, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(code)
			io.WriteString(w, text)
			return true
		}
	}
	for name, tt := range map[string]struct {
		how    func(*scene)
		kind   connector.FailureKind
		effect connector.Effect
		says   string
		writes int
	}{
		"the scenario is off":       {func(s *scene) { s.scenario.SwitchOff() }, connector.Misconfigured, unknown, "switched off", 0},
		"it processes sequentially": {func(s *scene) { s.scenario.Sequential(true) }, connector.Misconfigured, unknown, "Sequential", 1},
		"the queue is full":         {func(s *scene) { s.scenario.Full(true) }, connector.Transient, none, "queue", 0},
		"too many requests": {func(s *scene) { s.scenario.Instead(answer(429, "text/plain", "Too many requests")) },
			connector.RateLimited, none, "limit", 0},
		"the webhook is deleted": {func(s *scene) { s.account.Delete(s.scenario) }, connector.Misconfigured, none, "no webhook", 0},
		"the gateway shows a page": {func(s *scene) { s.scenario.Instead(answer(200, "text/html", "<html>maintenance</html>")) },
			connector.Misconfigured, unknown, "page", 0},
		"it answers another request": {func(s *scene) {
			s.scenario.Instead(answer(200, "application/json", `{"ok":true,"request_id":"somebody else's"}`))
		}, connector.Misconfigured, unknown, "request_id", 0},
		"the key was changed": {func(s *scene) {
			s.scenario.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				r.Header.Set("x-make-apikey", "another")
				return false
			})
		}, connector.Unauthorized, none, "API key", 0},
		"it hangs up after the write": {func(s *scene) { s.scenario.LoseAnswers(1) }, connector.Transient, unknown, "step of the scenario failed", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.tool.set("r1", nil)
			tt.how(s)
			err := written(s.conn.Target.Write(t.Context(), recordOf("r1"), "Active"))
			s.is(err, tt.kind, tt.effect, tt.says)
			if len(s.scenario.Errors()) > 0 {
				t.Errorf("the scenario broke: %v", s.scenario.Errors())
			}
			if tt.writes == 1 {
				s.until("it is written", func() bool { return len(s.tool.written()) == 1 })
			} else if w := s.tool.written(); len(w) > 0 {
				t.Errorf("it wrote %q", w)
			}
		})
	}
}

// until waits for something that the scenario does without a caller.
func (s *scene) until(what string, done func() bool) {
	s.Helper()
	deadline, ticker := time.NewTimer(time.Minute), time.NewTicker(5*time.Millisecond)
	defer deadline.Stop()
	defer ticker.Stop()
	for !done() {
		select {
		case <-deadline.C:
			s.Fatalf("waiting until %s", what)
		case <-ticker.C:
		}
	}
}

// A request that waited in the queue of an inactive scenario must not overwrite
// later changes.
func TestAWriteThatWaitedTooLongIsDead(t *testing.T) {
	for later, writes := range map[time.Duration]int{time.Second: 1, 2 * time.Minute: 1, 2*time.Minute + time.Second: 0, 72 * time.Hour: 0} {
		t.Run(later.String(), func(t *testing.T) {
			s := newScene(t)
			s.tool.set("r1", map[string]any{"status": "set by a person"})
			s.scenario.SwitchOff()
			err := written(s.conn.Target.Write(t.Context(), recordOf("r1"), "Active"))
			s.is(err, connector.Misconfigured, connector.EffectUnknown, "Accepted")
			s.now = s.now.Add(later)
			s.scenario.SwitchOn()
			if w := s.tool.written(); len(w) != writes {
				t.Errorf("it wrote %q", w)
			}
			s.noErrors()
		})
	}
}

func TestAClockThatIsWrongIsNamed(t *testing.T) {
	s := newScene(t)
	s.tool.set("r1", nil)
	s.scenario.SwitchOn()
	real := s.now
	s.account.Now = func() time.Time { return real.Add(10 * time.Minute) }
	err := written(s.conn.Target.Write(t.Context(), recordOf("r1"), "Active"))
	s.is(err, connector.Transient, connector.EffectNone, "clock")
}

// Without the handlers the first error ends the scenario, and from then on Make
// accepts everything and does nothing: the blueprints guard against this.
func TestOneErrorWithoutAHandlerEndsAScenario(t *testing.T) {
	s := newScene(t)
	s.tool.set("r1", nil)
	s.scenario.BreakHandlers()
	s.tool.misbehave(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	err := written(s.conn.Target.Write(t.Context(), recordOf("r1"), "Active"))
	s.is(err, connector.Transient, connector.EffectUnknown, "stopped with an error")
	s.tool.misbehave(nil)
	err = written(s.conn.Target.Write(t.Context(), recordOf("r1"), "Active"))
	s.is(err, connector.Misconfigured, connector.EffectUnknown, "Accepted")
	if s.scenario.On() || len(s.scenario.Errors()) != 1 || len(s.tool.written()) > 0 {
		t.Errorf("on %v, errors %v, written %q", s.scenario.On(), s.scenario.Errors(), s.tool.written())
	}
}

// The mistake that base64 prevents: a person pastes the text itself.
func TestATextThatIsPastedIsNoticed(t *testing.T) {
	s := newScene(t)
	s.tool.set("r1", map[string]any{"status": `the "best"`})
	cfg := load(t, targetText)
	file := exportOf(t, cfg, "customer-status")["tool-operations.json"]
	coded := regexp.MustCompile(`\\"value_base64\\":\\"{{base64\((\d+\.value)\)}}`)
	pasted := coded.ReplaceAll(file, []byte(`\"value\":\"{{ifempty($1; emptystring)}}`))
	if bytes.Equal(pasted, file) {
		t.Fatal("nothing was replaced")
	}
	s.reimport(pasted)
	_, err := s.conn.Target.Read(t.Context(), "r1")
	s.is(err, connector.Misconfigured, connector.EffectNone, "base64()")
}

// written is the error of a write, whatever its answer shows.
func written(_ *status.TargetRecord, err error) error { return err }
