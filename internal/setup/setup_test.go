package setup

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/status"
)

var update = flag.Bool("update", false, "write the golden files")

// noEnv is an environment that sets nothing: a set-up needs none.
func noEnv(string) (string, bool) { return "", false }

func begin(t *testing.T) *Setup {
	t.Helper()
	return at(t, filepath.Join(t.TempDir(), "trueup.yaml"))
}

func at(t *testing.T, path string) *Setup {
	t.Helper()
	s, err := Open(Options{Path: path, Env: noEnv})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

const (
	stripeKey  = "rk_test_canary-key"
	hookSecret = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAx"
)

// source and target describe the sample tools of the tests.
const source = `webhook:
  verify: {scheme: standard-webhooks, secrets_file: WEBHOOK_SECRET}
  id: event.id
  customer: event.customer
record: {id: record.id, status: record.status, updated_at: record.updated_at, keys: {email: record.email, crm_id: record.external_id}}
read: {get: "/records/{id}", record: body}
list: {get: "/records?all=yes&after={cursor}", records: body.records, next: body.next}`

const target = `record:
  id: record.id
  status: record.status
  updated_at: record.updated_at
  updated_by: record.updated_by
  keys: {email: record.email, external_id: record.external_id}
humans: "!record.updated_by.startsWith('api:')"
find: {get: "/records?{key}={value}", records: body.records}
read: {get: "/records/{id}", record: body}
write: {put: "/records/{id}", body: {status: "{value}"}, if_match: record.etag}
list: {get: "/records?all=yes&after={cursor}", records: body.records, next: body.next}`

// world is two tools and a set-up that reads from them.
type world struct {
	*Setup
	t            *testing.T
	billing, crm *resttest.Tool
}

func newWorld(t *testing.T) world {
	w := world{Setup: begin(t), t: t, billing: resttest.New(t), crm: resttest.New(t)}
	for i, value := range []string{"active", "active", "past_due", "canceled", "grace", "active"} {
		email := fmt.Sprintf("c%d@example.com", i)
		w.billing.Set(resttest.Record{ID: fmt.Sprintf("cus_%d", i), Email: email, Status: value})
		if i != 4 {
			w.crm.Set(resttest.Record{ID: fmt.Sprintf("rec_%d", i), Email: email, ExternalID: map[int]string{0: "cus_0"}[i], Status: []string{"Active", "Paused", "VIP"}[i%3]})
		}
	}
	w.crm.Set(resttest.Record{ID: "rec_5b", Email: "c5@example.com", Status: "Churned"})
	w.must(w.SetDirection(DirectionAnswer{Source: "http", Target: "http", Sync: "customer-status", Owner: "dana@northbeam.example"}))
	return w
}

func (w world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w world) tools() (source, target map[string]string) {
	return map[string]string{"base_url": w.billing.URL, "token": resttest.Token, "webhook_secrets": hookSecret, "description": sourceText},
		map[string]string{"base_url": w.crm.URL, "token": resttest.Token, "description": targetText}
}

const (
	sourceText = source
	targetText = target
)

func (w world) connect() {
	w.t.Helper()
	from, to := w.tools()
	w.must(w.SetTool(Source, from))
	w.must(w.SetTool(Target, to))
	for _, side := range []Side{Source, Target} {
		seen, err := w.Check(context.Background(), side)
		w.must(err)
		if !seen.OK() {
			w.t.Fatalf("%s: %+v", side, seen.Points)
		}
		w.counted(side)
	}
	w.must(w.Finish(Connect))
}

// accepted is what a value means to a person who accepts what is proposed.
func accepted(v Value) status.Status {
	if v.Means == "" {
		return v.Proposed
	}
	return v.Means
}

// counted waits until a side was counted.
func (w world) counted(side Side) Survey {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if v := w.Survey(side); v.Done {
			return v
		} else if time.Now().After(deadline) {
			w.t.Fatalf("%s was not counted: %+v", side, v)
		}
	}
}

func (w world) tested(all bool) MatchTest {
	w.t.Helper()
	w.must(w.TestMatch(all))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if m, _ := w.MatchTest(); m.Done {
			return m
		} else if time.Now().After(deadline) {
			w.t.Fatalf("the match test did not end: %+v", m)
		}
	}
}

func TestASetUpFromNothingToAFile(t *testing.T) {
	w := newWorld(t)
	w.connect()
	if got := w.Survey(Source); got.Read != 6 || got.Values["active"] != 3 || got.Values["grace"] != 1 {
		t.Errorf("the source was counted as %+v", got)
	}
	suggested := w.Suggest()
	means := map[string]status.Status{}
	for _, v := range suggested.Values {
		means[v.Value] = accepted(v)
	}
	want := map[string]status.Status{"active": "active", "past_due": "active", "canceled": "churned", "grace": ""}
	if diff := cmp.Diff(want, means); diff != "" {
		t.Error("what the values mean (-want +got):\n", diff)
	}
	if suggested.Values[0].Value != "grace" {
		t.Error("the gap is not the first:", suggested.Values)
	}
	if diff := cmp.Diff(map[status.Status]string{"active": "Active", "paused": "Paused", "churned": "Churned"}, suggested.To); diff != "" {
		t.Error("what the target is to show (-want +got):\n", diff)
	}
	if len(suggested.Foreign) != 1 || suggested.Foreign[0] != (Value{Value: "VIP", Customers: 2}) {
		t.Error("what else the target holds:", suggested.Foreign)
	}
	w.must(w.SetMap(MapAnswer{Means: means, To: suggested.To}))
	if gaps := w.Draft().Gaps(); len(gaps) != 1 || gaps[0].Value != "grace" || gaps[0].Customers != 1 {
		t.Error("the gaps are", gaps)
	}
	rules := w.SuggestRules()
	if diff := cmp.Diff([]Rule{{"id", "external_id", 1}, {"email", "email", 0.9}}, rules); diff != "" {
		t.Error("the rules (-want +got):\n", diff)
	}
	w.must(w.SetMatch(rules, 0.8, true))
	for _, all := range []bool{false, true} {
		m := w.tested(all)
		if m.Err != nil || m.Of != 6 || m.Found() != 4 || m.By[0].Customers != 1 || m.By[1].Customers != 3 || m.None.Customers != 1 || m.Several.Customers != 1 {
			t.Errorf("the test of all=%v found %+v", all, m)
		}
		if m.Several.Examples[0].Records != 2 || m.None.Examples[0].Customer != "cus_4" {
			t.Errorf("the examples are %+v and %+v", m.Several, m.None)
		}
	}
	w.must(w.SetPublicURL("https://sync.northbeam.example/"))
	w.must(w.Finish(Event))
	w.must(w.Finish(Try))
	cfg, err := w.Write()
	w.must(err)
	if s := cfg.Syncs["customer-status"]; !s.Watches() || s.Source.Poll == 0 {
		t.Errorf("the sync is %+v", s)
	}
	if len(w.crm.Effects())+len(w.billing.Effects()) != 0 {
		t.Error("the set-up wrote to a tool")
	}
	text, err := os.ReadFile(w.Path())
	w.must(err)
	for _, secret := range []string{resttest.Token, hookSecret} {
		if strings.Contains(string(text), secret) {
			t.Error("the file holds a secret")
		}
	}
	shown := strings.NewReplacer(w.billing.URL, "https://billing.example.com", w.crm.URL, "https://crm.example.com").Replace(string(text))
	golden(t, "http.yaml", shown)
	onlyOwner(t, filepath.Dir(w.Path()), "trueup.yaml", "secrets/billing.token", "secrets/billing.webhook_secrets", "secrets/crm.token")
	if _, err := os.Stat(draftPath(w.Path())); !errors.Is(err, os.ErrNotExist) {
		t.Error("the draft is still there:", err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; write it with -update):\n%s", path, diff)
	}
}

// onlyOwner expects files of a folder that only their owner can read, and no others.
func onlyOwner(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %s", path, info.Mode())
		}
		name, _ := filepath.Rel(dir, path)
		got = append(got, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Error("the files (-want +got):\n", diff)
	}
}

func TestAStripeAndHighLevelFileIsWhatCheckAccepts(t *testing.T) {
	s := begin(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.SetDirection(DirectionAnswer{Source: "stripe", Target: "gohighlevel", Sync: "customer-status", Owner: "dana@northbeam.example"}))
	must(s.SetTool(Source, map[string]string{"api_key": " " + stripeKey + "\n", "webhook_secrets": hookSecret}))
	must(s.SetTool(Target, map[string]string{"token": "pit-canary", "location_id": "L0cAt10nAbCdEfGhIjKl"}))
	values := s.Suggest().Values
	for i, v := range values {
		values[i].Means = accepted(v)
	}
	must(s.change(Match, func(d *Draft) error {
		d.Source.Polls, d.Target.Field = true, "customer_status"
		d.Values = append(values, Value{Value: "${grace}: \"x\"\n", Means: "paused"}, Value{Value: "pending"})
		d.To = map[status.Status]string{"active": "Active", "paused": "Paused", "churned": "yes"}
		d.Rules = []Rule{{"metadata.crm_id", "id", 1}, {"email", "email", 0.9}}
		return nil
	}))
	_, err := s.Write()
	must(err)
	text, err := os.ReadFile(s.Path())
	must(err)
	golden(t, "stripe.yaml", string(text))
	cfg, err := config.Load(s.Path(), registry.Types(), noEnv)
	must(err)
	if from := cfg.Syncs["customer-status"].Statuses["paused"].From; from[len(from)-1] != "${grace}: \"x\"\n" {
		t.Errorf("a value came back as %q", from)
	}
}

func TestALineIsShownByTheStepThatAddsIt(t *testing.T) {
	w := newWorld(t)
	added := func(s Step) (n int, text string) {
		for _, l := range w.Draft().Lines(s) {
			text += l.Text + "\n"
			if l.New {
				n++
			}
		}
		return n, text
	}
	if n, text := added(Direction); n == 0 || strings.Contains(text, "match:") || !strings.Contains(text, "type: http") {
		t.Errorf("direction adds %d lines:\n%s", n, text)
	}
	w.connect()
	if n, text := added(Connect); n == 0 || !strings.Contains(text, "auth: {bearer_file: secrets/crm.token}") || strings.Contains(text, resttest.Token) {
		t.Errorf("connect adds %d lines:\n%s", n, text)
	}
	if n, _ := added(Try); n != 0 {
		t.Errorf("trying one customer adds %d lines", n)
	}
}

func TestHalfASetUpIsKept(t *testing.T) {
	w := newWorld(t)
	w.connect()
	again := at(t, w.Path())
	if diff := cmp.Diff(w.Draft(), again.Draft()); diff != "" {
		t.Error("after a restart (-before +after):\n", diff)
	}
	if !again.Draft().Reached(Map) || again.Draft().Reached(Match) {
		t.Error("the step that is reached is another")
	}
	again.Resume(context.Background())
	if v := (world{Setup: again, t: t}).counted(Source); v.Read != 6 {
		t.Errorf("after a restart %+v is counted", v)
	}
	draft, err := os.ReadFile(draftPath(w.Path()))
	w.must(err)
	if strings.Contains(string(draft), resttest.Token) || strings.Contains(string(draft), hookSecret) {
		t.Error("the draft holds a secret")
	}
	if strings.Contains(string(draft), "@example.com") {
		t.Error("the draft holds a customer")
	}
	onlyOwner(t, filepath.Dir(w.Path()), "trueup.yaml.setup", "secrets/billing.token", "secrets/billing.webhook_secrets", "secrets/crm.token")
}

func TestAnotherToolTakesItsSecretsWithIt(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.must(w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", Sync: "customer-status"}))
	if d := w.Draft(); d.Done != Direction || len(d.Source.Secrets) != 0 || len(d.Target.Secrets) != 1 {
		t.Errorf("the draft is %+v", d)
	}
	onlyOwner(t, filepath.Dir(w.Path()), "trueup.yaml.setup", "secrets/crm.token")
}

func TestNothingThatExistsIsWrittenOver(t *testing.T) {
	w := newWorld(t)
	w.connect()
	dir := filepath.Dir(w.Path())
	w.must(w.SetDirection(DirectionAnswer{Source: "http", Target: "http", SourceName: "other", Sync: "s"}))
	w.must(os.WriteFile(filepath.Join(dir, "secrets", "other.token"), []byte("theirs"), 0o600))
	from, _ := w.tools()
	if err := w.SetTool(Source, from); err == nil || !strings.Contains(err.Error(), "secrets/other.token is there already") {
		t.Error("a secret of someone else is replaced:", err)
	}
	w.must(os.Remove(filepath.Join(dir, "secrets", "other.token")))
	w.connect()
	means := map[string]status.Status{"active": "active"}
	w.must(w.SetMap(MapAnswer{Means: means, To: map[status.Status]string{"active": "Active", "churned": "Churned"}}))
	w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, true))
	w.must(os.WriteFile(w.Path(), []byte("theirs"), 0o600))
	if _, err := w.Write(); !errors.Is(err, ErrExists) {
		t.Error("a file that exists:", err)
	}
	if text, _ := os.ReadFile(w.Path()); string(text) != "theirs" {
		t.Errorf("the file is %q", text)
	}
	if _, err := os.Stat(draftPath(w.Path())); err != nil {
		t.Error("the draft is gone although nothing was written:", err)
	}
}

func TestWhatIsEnteredWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w world) error
		want string // field: text
	}{
		{"a tool that cannot decide", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "hubspot", Target: "http", Sync: "s"})
		}, `source: "hubspot" is not a tool that decides. Choose one of `},
		{"Stripe as the tool that follows", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "http", Target: "stripe", Sync: "s"})
		}, `target: "stripe" is not a tool that follows. Choose one of `},
		{"a name with a space", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", Sync: "my sync"})
		}, "name: The name of the sync needs 1 to 63 of the characters a-z, 0-9, - and _."},
		{"a tool that decides with a name in capitals", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", SourceName: "Billing", Sync: "s"})
		}, "source_name: The name of the tool that decides needs 1 to 63"},
		{"a tool that follows with a name in capitals", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", TargetName: "CRM", Sync: "s"})
		}, "target_name: The name of the tool that follows needs 1 to 63"},
		{"two tools of one name", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", TargetName: "billing", Sync: "s"})
		}, "target_name: Both tools have the same name."},
		{"no token", func(w world) error {
			_, to := w.tools()
			delete(to, "token")
			return w.SetTool(Target, to)
		}, "token: This is missing."},
		{"a token of two lines", func(w world) error {
			_, to := w.tools()
			to["token"] = "one\ntwo"
			return w.SetTool(Target, to)
		}, "token: It holds a line break."},
		{"a token as a guide writes it", func(w world) error {
			_, to := w.tools()
			to["token"] = "rk_…"
			return w.SetTool(Target, to)
		}, "token: It is a placeholder, with … in it."},
		{"a description that is no YAML", func(w world) error {
			_, to := w.tools()
			to["description"] = "record: {id: ["
			return w.SetTool(Target, to)
		}, "description: "},
		{"a description with a wrong expression", func(w world) error {
			_, to := w.tools()
			to["description"] = strings.Replace(targetText, "id: record.id", "id: record.", 1)
			return w.SetTool(Target, to)
		}, "description: Record.id"},
		{"a description with an unknown key", func(w world) error {
			_, to := w.tools()
			to["description"] = targetText + "\nwebook: {}"
			return w.SetTool(Target, to)
		}, "description: Webook"},
		{"a description that breaks out of the connection", func(w world) error {
			_, to := w.tools()
			to["description"] = targetText + "\nx\nsyncs: {}"
			return w.SetTool(Target, to)
		}, "description: "},
		{"a secret in the description", func(w world) error {
			from, _ := w.tools()
			from["description"] = strings.Replace(sourceText, "secrets_file: WEBHOOK_SECRET", "secrets: ["+hookSecret+"]", 1)
			return w.SetTool(Source, from)
		}, "description: The description holds a secret."},
		{"an address that is none", func(w world) error {
			_, to := w.tools()
			to["base_url"] = "crm"
			return w.SetTool(Target, to)
		}, "base_url: "},
		{"a meaning that is none", func(w world) error {
			w.connect()
			return w.SetMap(MapAnswer{Means: map[string]status.Status{"grace": "golden"}, To: map[status.Status]string{"active": "Active", "churned": "Churned"}})
		}, `means: "golden" is not a meaning. Choose active, paused, churned or ignore.`},
		{"no value for a status", func(w world) error {
			w.connect()
			return w.SetMap(MapAnswer{To: map[status.Status]string{"active": "Active"}})
		}, "to_churned: Choose what is written for Churned."},
		{"one value for two statuses", func(w world) error {
			w.connect()
			return w.SetMap(MapAnswer{To: map[status.Status]string{"active": "Active", "churned": "Active"}})
		}, "to_churned: Active and Churned would both be written"},
		{"no rules", func(w world) error { return w.SetMatch(nil, 0.8, true) }, "rules: Keep at least one rule."},
		{"half a rule", func(w world) error { return w.SetMatch([]Rule{{Source: "email", Confidence: 1}}, 0.8, true) }, "rules: A rule needs"},
		{"a confidence above 1", func(w world) error { return w.SetMatch([]Rule{{"email", "email", 2}}, 0.8, true) }, "rules: A rule's confidence"},
		{"an address without a scheme", func(w world) error { return w.SetPublicURL("sync.example.com") }, "public_url: Write an address"},
		{"a step too early", func(w world) error { return w.Finish(Try) }, ": Finish the steps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			err := c.do(w)
			var wrong Problems
			if !errors.As(err, &wrong) {
				t.Fatalf("want problems, got %v", err)
			}
			if got := wrong[0].Field + ": " + wrong[0].Text; !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(wrong.Error(), hookSecret) || strings.Contains(wrong.Error(), resttest.Token) {
				t.Error("a secret is quoted:", wrong)
			}
		})
	}
}

func TestWhatALookAtAToolFinds(t *testing.T) {
	html := func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>Sign in</title>")
		return true
	}
	for _, c := range []struct {
		name   string
		change func(w world, to map[string]string)
		ok     bool
		want   string // a point: state and text
	}{
		{"all is well", func(world, map[string]string) {}, true, "unknown We can’t tell yet if it can write"},
		{"the wrong token", func(w world, _ map[string]string) {
			w.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusUnauthorized); return true })
		}, false, "bad The token was refused"},
		{"a tool that answers HTML", func(w world, _ map[string]string) { w.crm.Instead(html) }, false, "bad It does not answer as expected"},
		{"a tool that is not there", func(w world, _ map[string]string) { w.crm.Close() }, false, "bad It could not be reached"},
		{"a tool without a list", func(_ world, to map[string]string) {
			to["description"], _, _ = strings.Cut(targetText, "\nlist:")
		}, true, "unknown We can’t check the token yet"},
		{"a tool that cannot be written", func(_ world, to map[string]string) {
			to["description"] = strings.Replace(targetText, "write: {put", "# write: {put", 1)
		}, false, "bad It can’t be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			_, to := w.tools()
			c.change(w, to)
			w.must(w.SetTool(Target, to))
			seen, err := w.Check(context.Background(), Target)
			w.must(err)
			found := false
			for _, p := range seen.Points {
				found = found || string(p.State)+" "+p.Text == c.want
			}
			if !found || seen.OK() != c.ok || w.Draft().Target.Checked != c.ok {
				t.Errorf("got %+v, want %q", seen.Points, c.want)
			}
		})
	}
}

// A tool whose next page is an earlier one, and whose pages are empty, is not asked for ever.
func TestAListThatReturnsToAnEarlierPageIsLeft(t *testing.T) {
	w := newWorld(t)
	circle := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		next := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("after")]
		fmt.Fprintf(out, `{"records":[],"next":%q}`, next)
	}))
	defer circle.Close()
	from, _ := w.tools()
	from["base_url"] = circle.URL
	w.must(w.SetTool(Source, from))
	_, err := w.Check(context.Background(), Source)
	w.must(err)
	if v := w.counted(Source); v.Err == nil || !strings.Contains(v.Err.Error(), "returned to an earlier page") {
		t.Errorf("counted %+v", v)
	}
}

func TestAToolWithoutAListIsCountedAsUnknown(t *testing.T) {
	w := newWorld(t)
	from, to := w.tools()
	from["description"], _, _ = strings.Cut(sourceText, "\nlist:")
	w.must(w.SetTool(Source, from))
	w.must(w.SetTool(Target, to))
	for _, side := range []Side{Source, Target} {
		_, err := w.Check(context.Background(), side)
		w.must(err)
	}
	if v := w.counted(Source); !v.NoList || v.Read != 0 {
		t.Errorf("counted %+v", v)
	}
	if got := w.Suggest().Values; len(got) != 0 {
		t.Error("values from nowhere:", got)
	}
	w.must(w.SetMap(MapAnswer{More: "active", To: map[status.Status]string{"active": "Active"}}))
	if d := w.Draft(); d.Done == Map || len(d.Values) != 1 || d.Values[0].Means != "active" {
		t.Errorf("after a value was added: %+v", d)
	}
	w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, true))
	if m := w.tested(false); m.Err == nil || !strings.Contains(m.Err.Error(), "has no list of its customers") {
		t.Errorf("the match test: %+v", m)
	}
}
