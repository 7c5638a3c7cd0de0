package mapchange_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const text = `connections:
  billing:
    type: http
    base_url: http://127.0.0.1:1
    webhook: {verify: {scheme: header, name: X-Token, secrets: [hook-token]}, id: event.id, customer: event.customer, status: event.status}
    record: {id: record.customer, status: record.status, keys: {email: record.email}}
  crm:
    type: http
    base_url: http://127.0.0.1:1
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    find: {get: "/records?{key}={value}", records: body.records}
    read: {get: "/records/{id}", record: body}
    write: {put: "/records/{id}", body: {status: "{value}"}}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses:
      active: {from: [active], to: Active}
      paused: {from: [paused], to: Paused} # they may come back
    mode: live
    sweep: off
`

func parse(path string, text []byte) (*config.Config, error) {
	return config.Parse(path, text, filepath.Dir(path), registry.Types(), func(string) (string, bool) { return "", false })
}

// world is a file with two customers who wait for a value of it.
type world struct {
	*testing.T
	mapchange.File
}

func newWorld(t *testing.T) world {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := world{t, mapchange.File{Path: path, Parse: parse, Store: db}}
	w.write(text)
	for _, customer := range []string{"cus_1", "cus_2"} {
		_, err := db.OpenException(t.Context(), store.NewException{Sync: "customer-status", Customer: customer, Kind: status.UnmappedStatus,
			Stage: status.StageMap, SourceValue: "grace", Cause: "grace"})
		w.must(err)
	}
	return w
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w world) write(text string) {
	w.Helper()
	w.must(os.WriteFile(w.Path, []byte(text), 0o600))
}

func (w world) read() string {
	w.Helper()
	text, err := os.ReadFile(w.Path)
	w.must(err)
	return string(text)
}

// notes are what was noted with the first exception.
func (w world) notes() (all []string) {
	w.Helper()
	found, err := w.Store.Actions(w.Context(), 1)
	w.must(err)
	for _, a := range found {
		all = append(all, a.Who+" "+a.Verb+" "+a.Note)
	}
	return all
}

var grace = mapchange.Request{Sync: "customer-status", Value: "grace", Meaning: "paused"}

func TestAPreviewHidesWhatStandsBesideItsLines(t *testing.T) {
	w := newWorld(t)
	w.write(strings.Replace(w.read(), "# they may come back", "# password: hunter2-of-march", 1))
	c, err := w.Preview(t.Context(), grace)
	w.must(err)
	hidden := 0
	for _, l := range c.Lines {
		if strings.Contains(l.Text, "hunter2") {
			t.Errorf("it shows %s", l.Text)
		}
		if strings.HasSuffix(l.Text, config.HiddenText) {
			hidden++
		}
	}
	if hidden != 2 {
		t.Errorf("%+v", c.Lines)
	}
	_, _, err = w.Save(t.Context(), grace, mapchange.Seen{Who: "ana@example.com", Digest: c.Digest})
	w.must(err)
	if !strings.Contains(w.read(), "[paused, grace], to: Paused} # password: hunter2-of-march") {
		t.Errorf("the file is another:\n%s", w.read())
	}
}

func TestAPreviewShowsTheLinesAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	c, err := w.Preview(t.Context(), grace)
	w.must(err)
	var shown []string
	for _, l := range c.Lines {
		shown = append(shown, l.Change+strings.TrimSpace(l.Text))
	}
	want := []string{"samestatuses:", "sameactive: {from: [active], to: Active}", "removedpaused: {from: [paused], to: Paused} # they may come back",
		"addedpaused: {from: [paused, grace], to: Paused} # they may come back", "samemode: live", "samesweep: off"}
	if !slices.Equal(shown, want) || c.Lines[0].Number != 19 || c.Lines[2].Number != 21 || c.Lines[3].Number != 21 {
		t.Errorf("shown are %q from line %d", shown, c.Lines[0].Number)
	}
	if c.To != "Paused" || c.Digest == "" || c.Listed || c.Effect.Customers != 2 || c.Effect.Unknown != 2 {
		t.Errorf("%+v", c.MapChange)
	}
	if w.read() != text || len(w.notes()) > 0 {
		t.Error("something was changed")
	}
}

func TestASavedMeaningIsInTheFileAndNotedWithEachException(t *testing.T) {
	w := newWorld(t)
	seen, err := w.Preview(t.Context(), grace)
	w.must(err)
	by := mapchange.Seen{Who: "ana", Digest: seen.Digest, Key: "k1"}
	if _, changed, err := w.Save(t.Context(), grace, by); err != nil || !changed {
		t.Fatalf("saved %t, %v", changed, err)
	}
	saved := w.read()
	if !strings.Contains(saved, "from: [paused, grace], to: Paused} # they may come back") || !slices.Equal(w.notes(), []string{"ana map to paused"}) {
		t.Errorf("the file is\n%s\nnoted is %q", saved, w.notes())
	}
	if done, err := w.Store.Activities(t.Context(), store.ActivityFilter{Limit: 5}); err != nil || len(done) != 1 || done[0].Who != "ana" || done[0].Act.Sentence() != "Added grace to paused in the sync" {
		t.Errorf("the activity is %+v, %v", done, err)
	}
	// A repeat changes nothing, also when somebody has taken the value out again since.
	w.write(text)
	if _, changed, err := w.Save(t.Context(), grace, by); err != nil || changed {
		t.Errorf("repeated: %t, %v", changed, err)
	}
	other := grace
	other.Meaning = "active"
	if _, _, err := w.Save(t.Context(), other, by); !errors.Is(err, store.ErrKeyReused) {
		t.Errorf("its key with another meaning comes to %v", err)
	}
	if w.read() != text || len(w.notes()) != 1 {
		t.Errorf("a repeat has acted: %q", w.notes())
	}
	// Without a key, what is listed already is done already.
	w.write(saved)
	if c, changed, err := w.Save(t.Context(), grace, mapchange.Seen{Who: "ben", Digest: seen.Digest}); err != nil || changed || !c.Listed {
		t.Errorf("saved again: %t, %v", changed, err)
	}
}

func TestAFileThatIsAnotherThanWasShownIsNotWritten(t *testing.T) {
	w := newWorld(t)
	seen, err := w.Preview(t.Context(), grace)
	w.must(err)
	cfg, err := parse(w.Path, []byte(text))
	w.must(err)
	used := store.ConfigReading{Digest: cfg.Hash, Settings: map[string]string{}}
	for _, s := range cfg.Written {
		used.Settings[s.Path] = s.Text
	}
	w.must(w.Store.NoteConfig(t.Context(), used))
	edited := strings.Replace(text, "from: [active]", "from: [active, trialing]", 1)
	w.write(edited)
	_, changed, err := w.Save(t.Context(), grace, mapchange.Seen{Who: "ana", Digest: seen.Digest})
	var refused *mapchange.RefusedError
	if !errors.As(err, &refused) || changed || len(refused.Changes) == 0 || !strings.Contains(refused.Changes[0].Path, "statuses.active.from") {
		t.Fatalf("saved %t, %v: %+v", changed, err, refused)
	}
	if w.read() != edited || len(w.notes()) > 0 {
		t.Error("something was changed")
	}
}

func TestWhatCannotBeSavedIsRefusedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		request mapchange.Request
		why     string
		lines   bool
	}{
		"a sync that is none":                 {text, mapchange.Request{Sync: "other", Value: "grace", Meaning: "paused"}, `no sync "other"`, false},
		"a status that is none":               {text, mapchange.Request{Sync: "customer-status", Value: "grace", Meaning: "gone"}, `has no status "gone"`, false},
		"no value":                            {text, mapchange.Request{Sync: "customer-status", Meaning: "paused"}, "no value", false},
		"a value with another meaning":        {text, mapchange.Request{Sync: "customer-status", Value: "active", Meaning: "paused"}, "would make the file invalid", false},
		"a file with faults":                  {text + "nonsense: 1\n", grace, "has faults", false},
		"a value that a program cannot write": {text, mapchange.Request{Sync: "customer-status", Value: "${X}", Meaning: "paused"}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.write(c.text)
			_, err := w.Preview(t.Context(), c.request)
			var refused *mapchange.RefusedError
			if !errors.As(err, &refused) || refused.Hint == "" || !strings.Contains(refused.Why, c.why) || (refused.Lines != "") != c.lines {
				t.Errorf("it comes to %v: %+v", err, refused)
			}
		})
	}
}

func TestEachMeaningSaysWhatBecomesOfWhom(t *testing.T) {
	cfg, err := parse("trueup.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := cfg.Syncs["customer-status"]
	waiting := []store.Waiting{
		{Customers: 9, Seen: true, Value: "Active", Ours: true, Base: "Active"},
		{Customers: 2, Seen: true, Value: "Paused", Ours: true, Base: "Paused"},
		{Customers: 1, Seen: true, Value: "Paused", Ours: true, Base: "Active"},               // edited
		{Customers: 3, Seen: true, Value: "Active", Ours: true, Base: "Active", Pinned: true}, // left alone
		{Customers: 4, Seen: true, Value: "Lead"},                                             // never written
		{Customers: 5, Seen: true}, // empty
		{Customers: 6},             // never read
	}
	for meaning, want := range map[string]contract.MapEffect{
		"active": {Write: 7, AlreadyEqual: 12, Held: 4, Unknown: 7, Summary: "12 customers stay as they are. 2 customers change from Paused to Active. 5 customers change from an empty field to Active. " +
			"4 customers stay as they are and need a person: pinned, or never written by Trueup. For 7 customers, Trueup decides once it has read both tools."},
		"paused": {Write: 14, AlreadyEqual: 3, Held: 7, Unknown: 6, Summary: "3 customers stay as they are. 9 customers change from Active to Paused. 5 customers change from an empty field to Paused. " +
			"7 customers stay as they are and need a person: pinned, or never written by Trueup. For 6 customers, Trueup decides once it has read both tools."},
		"ignore": {Summary: "Nothing changes. 30 customers are not synced while they have it."},
	} {
		got := mapchange.Effect(s, mapchange.Request{Value: "grace", Meaning: meaning}, waiting)
		if got.Customers != 30 || got.Write != want.Write || got.AlreadyEqual != want.AlreadyEqual || got.Held != want.Held || got.Unknown != want.Unknown {
			t.Errorf("%s: %+v", meaning, got)
		}
		if got.Summary != want.Summary {
			t.Errorf("%s:\n%s\nnot\n%s", meaning, got.Summary, want.Summary)
		}
	}
	s.Mode = config.ModeWatch
	if got := mapchange.Effect(s, mapchange.Request{Value: "grace", Meaning: "active"}, waiting[:2]); !strings.Contains(got.Summary, "nothing is written yet") {
		t.Error(got.Summary)
	}
}
