package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestAPageThatCanBeMailed(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, c := range []string{"cus_1", "cus_2", "<script>alert(1)</script>"} {
		if _, err := db.Receive(t.Context(), []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: "evt_" + c, Customer: c}}); err != nil {
			t.Fatal(err)
		}
	}
	works, err := db.Claim(t.Context(), "s", 10, time.Minute)
	if err != nil || len(works) != 3 {
		t.Fatal(works, err)
	}
	for i := range works {
		w := &works[i]
		s := store.Settlement{Desired: &store.Desired{Status: "active", Value: "Active"}, Observed: &store.Observed{Value: "Active"}, Outcome: status.Applied,
			Base: &store.Base{Known: true, Value: "Active", Unverified: true}}
		if w.Customer != "cus_1" {
			s.Observed.Value, s.Outcome = "Paused", status.Held
			s.Park = &store.NewException{Sync: "s", Customer: w.Customer, Kind: status.Conflict, Stage: status.StageDecide, Reason: reason.Text("a person's edit stays"), Owner: "ops@example.com"}
		}
		if err := db.Settle(t.Context(), w, s); err != nil {
			t.Fatal(err)
		}
	}
	made := now.Add(50 * time.Hour)
	now = now.Add(10 * time.Hour) // then one of them reopens
	for _, verb := range []store.Verb{store.Resolve, store.Reopen} {
		if _, err := db.Act(t.Context(), store.Act{Exception: 1, Verb: verb, Who: "ana"}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Make(t.Context(), db, "s", nil, made)
	if err != nil || r.Carried != 3 || r.Agree != 1 || r.Unverified != 1 || len(r.Exceptions) != 2 || r.ByOwner[0] != (Count{"ops@example.com", 2}) {
		t.Fatalf("%+v, %v", r, err)
	}
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"33.3%", "last read of each, 1 of them accepted but not verified.", "<small>conflict</small><td class=\"n\">2<td>2 days", "&lt;script&gt;", "<th>open for<th>", "<td>2 days<td>", "<td>40 hours<td>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s:\n%s", want, text)
		}
	}
	if elsewhere := regexp.MustCompile(`(?i)(src|href|url|xmlns)\s*[=(]`).FindString(text); elsewhere != "" {
		t.Errorf("the page loads something: %s", elsewhere)
	}
}

func TestOnlyWhatIsWholeIsAHundredPercent(t *testing.T) {
	for share, want := range map[float64]string{1: "100.0%", 0.99999: "99.9%", 0.5: "50.0%", 0: "0.0%"} {
		if got := Percent(&share); got != want {
			t.Errorf("%g is %s", share, got)
		}
	}
	if got := Percent(nil); got != "no customers to compare" {
		t.Errorf("nobody is %s", got)
	}
}

func TestAgreementIsDrawnFromTheOldestComparisonToTheLatest(t *testing.T) {
	day := func(n int, share float64) contract.Sweep {
		at := time.Date(2026, 3, n, 9, 0, 0, 0, time.UTC)
		return contract.Sweep{At: &at, Agreement: &share}
	}
	if curve(nil) != nil || curve([]contract.Sweep{day(1, 0.5)}) != nil {
		t.Error("a picture is made of one comparison")
	}
	c := curve([]contract.Sweep{day(3, 1), day(2, 0.9), day(1, 0.98)})
	if want := "6.0,27.6 300.0,114.0 594.0,6.0"; c.Points != want || c.Lowest != 0.9 {
		t.Errorf("%s from %g, want %s", c.Points, c.Lowest, want)
	}
	nobody := day(2, 0)
	nobody.Agreement = nil
	if curve([]contract.Sweep{day(3, 1), nobody}) != nil {
		t.Error("a comparison of nobody is drawn")
	}
	if c = curve([]contract.Sweep{day(1, 1), day(1, 1)}); c.Points != "594.0,6.0 594.0,6.0" {
		t.Errorf("two at once are drawn at %s", c.Points)
	}
}
