package setup

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/status"
)

var update = flag.Bool("update", false, "write the golden files")

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
