package pages

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// says fails unless a page says all of it.
func (w *world) says(a answered, all ...string) {
	w.Helper()
	for _, text := range all {
		if !strings.Contains(a.words(), text) {
			w.Errorf("it does not say %q: %s", text, a.words())
		}
	}
}

// halt has customers change to Churned until one is too many.
func (w *world) halt(customers int) {
	w.Helper()
	c := w.config.Syncs[flow]
	c.Limits = &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: customers - 1, Within: time.Hour}}
	w.config.Syncs[flow] = c
	w.must(w.store.SetMode(w.Context(), flow, true))
	limit := store.Limits{MassChange: &store.MassChange{Customers: customers - 1, Within: time.Hour, Exception: func(store.Halt) store.NewException {
		return store.NewException{Sync: flow, Kind: status.MassChange, Stage: status.StageWrite, Reason: reason.Text("too many")}
	}}}
	for n := range customers {
		_, err := w.store.Receive(w.Context(), []store.NewEvent{{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: fmt.Sprint("evt_", n), Customer: fmt.Sprint("cus_", n)}})
		w.must(err)
		works, err := w.store.Claim(w.Context(), flow, 1, time.Minute)
		w.must(err)
		i, err := w.store.BeginWrite(w.Context(), &works[0], store.Intent{RecordID: "rec", Value: "Churned"}, limit)
		s := store.Settlement{Outcome: status.Applied, CloseIntents: []int64{i.ID}, Desired: &store.Desired{SourceValue: "canceled", Value: "Churned"}, Observed: &store.Observed{Value: "Active", SeenAt: time.Now()},
			LastWrite: &store.LastWrite{RecordID: "rec", Before: "Active", Value: "Churned", At: time.Now()}}
		if err != nil {
			s.Outcome, s.Halted, s.LastWrite = status.Parked, true, nil
		}
		w.must(w.store.Settle(w.Context(), &works[0], s))
	}
}

func TestHomeSaysWhatNeedsAPersonAndThatNothingDoes(t *testing.T) {
	w := newWorld(t)
	w.says(w.get("/"), "All clear", "Nothing needs you", "Billing decides. CRM follows.", "Nobody to compare yet", "Last event from Billing None yet", "not scheduled")
	for n := range 3 {
		_, err := w.store.OpenException(t.Context(), store.NewException{Sync: flow, Customer: fmt.Sprint("cus_", n), Kind: status.UnmappedStatus, Stage: status.StageMap, Cause: "grace", Reason: reason.Text("x")})
		w.must(err)
	}
	_, err := w.store.OpenException(t.Context(), store.NewException{Sync: flow, Customer: "cus_9", Kind: status.Conflict, Stage: status.StageDecide, Reason: reason.Text("x")})
	w.must(err)
	home := w.get("/")
	w.says(home, "4 customers need a person", "2 causes in 1 sync", "3 customers have the value grace", "Add to the map", "1 customer was changed by a person in CRM", "Decide")
	if !strings.Contains(home.text, `href="/exceptions/`) || strings.Contains(home.text, "All clear") {
		t.Error(home.words())
	}
}

func TestWhoNeedsAPersonIsCountedAsCustomersAndAsSyncs(t *testing.T) {
	connection := store.NewException{Sync: flow, Kind: status.ConnectionFailed, Stage: status.StageReceive, Cause: "crm", Reason: reason.Text("x")}
	options := store.NewException{Sync: flow, Kind: status.WriteFailed, Stage: status.StageWrite, Cause: store.OptionsOfField, Reason: reason.Text("x")}
	customer := func(id string, kind status.Kind) store.NewException {
		return store.NewException{Sync: flow, Customer: id, Kind: kind, Stage: status.StageDecide, Cause: id, Reason: reason.Text("x")}
	}
	for _, c := range []struct {
		name string
		open []store.NewException
		want string
	}{
		{"a sync alone", []store.NewException{connection}, "1 sync needs a person"},
		{"a sync with two faults", []store.NewException{connection, options}, "1 sync needs a person"},
		{"a customer with two questions", []store.NewException{customer("cus_1", status.Conflict), customer("cus_1", status.WriteFailed)}, "1 customer needs a person"},
		{"a customer and a sync", []store.NewException{customer("cus_1", status.Conflict), connection}, "1 customer and 1 sync need a person"},
		{"customers and a sync", []store.NewException{customer("cus_1", status.Conflict), customer("cus_2", status.Conflict), options}, "2 customers and 1 sync need a person"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for _, x := range c.open {
				_, err := w.store.OpenException(t.Context(), x)
				w.must(err)
			}
			for _, page := range []string{"/", "/exceptions"} {
				if got := w.get(page); !strings.Contains(got.text, "<h1>"+c.want+"</h1>") {
					t.Errorf("%s does not say %q: %s", page, c.want, got.words())
				}
			}
		})
	}
}

func TestHomeSaysForHowLongASourceIsSilentAndWhatFailsOnce(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	id, err := w.store.OpenException(t.Context(), store.NewException{Sync: flow, Kind: status.ConnectionFailed, Stage: status.StageReceive, Reason: reason.Text("CRM does not accept the token")})
	w.must(err)
	_, err = w.store.BeginSilence(t.Context(), flow, time.Now().Add(-6*time.Hour), 40*time.Minute)
	w.must(err)
	got := w.get("/")
	w.says(got, "Billing has gone silent And 1 sync needs a person.", "Billing has been silent for 6 hours In the week before it was never silent for longer than 40 minutes. Its webhook may be off",
		"CRM does not accept the token customer-status", "See what failed")
	if !strings.Contains(got.text, fmt.Sprintf(`href="/exceptions/%d"`, id)) || strings.Contains(got.words(), "does not answer as it should") {
		t.Errorf("what fails is not told once: %s", got.words())
	}
}

func TestAHaltedSyncIsResumedFromHome(t *testing.T) {
	w := newWorld(t)
	w.halt(3)
	w.says(w.get("/"), "One sync is halted", "customer-status is halted: 2 customers moved to Churned in 1 minute", "Your limit is 2 customers within one hour", "stopped writing Churned to CRM",
		"Active → Churned 2 written, 1 waiting", "Resume and write up to 1 customer")
	if got := w.post("/syncs/"+flow+"/resume", "back", "/"); got.code != 409 || !strings.Contains(got.words(), "Nothing was changed") {
		t.Errorf("without a reason: %d %s", got.code, got.words())
	}
	w.person.Role = store.Viewer
	if got := w.get("/"); !strings.Contains(got.words(), "Resuming needs the role operator") || !strings.Contains(got.text, "disabled") {
		t.Error(got.words())
	}
	if got := w.post("/syncs/"+flow+"/resume", "reason", "it is right"); got.code != 403 {
		t.Errorf("a viewer: %d", got.code)
	}
	w.person.Role = store.Operator
	w.says(w.post("/syncs/"+flow+"/resume", "reason", "it is right", "back", "/"), "customer-status is resumed. 1 customer is looked at again now.", "All clear")
}

func TestAHaltedSyncIsResumedInABrowser(t *testing.T) {
	w := newWorld(t)
	w.halt(3)
	b := browsertest.Open(t)
	b.Do("open the form", chromedp.Navigate(w.server.URL), chromedp.WaitVisible(chromedp.CSS(".halt")), chromedp.Click(`//summary[contains(., "right")]`))
	b.Do("resume", chromedp.SendKeys(chromedp.CSS(".halt textarea"), "checked with billing"), chromedp.Click(chromedp.CSS(".halt button.go")), chromedp.WaitVisible(`//p[contains(., "is resumed")]`))
	halted, err := w.store.HaltedSince(t.Context())
	if err != nil || len(halted) > 0 {
		t.Errorf("halted are %v, %v", halted, err)
	}
}

func TestTheCurveShowsTheDipAndWhatIsNow(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	at := func(days int) *time.Time { t := now.AddDate(0, 0, -days); return &t }
	if curveOf([]contract.CurvePoint{{At: at(1), Agreement: 1}}, now, "crm") != nil {
		t.Error("one point is drawn")
	}
	c := curveOf([]contract.CurvePoint{{At: at(30), Agreement: 1}, {At: at(15), Agreement: 0.961, Drift: contract.Drift{Vocabulary: 4}}, {At: at(0), Agreement: 0.979}}, now, "crm")
	if c.Days != 30 || c.Points != "0.0,0.0 300.0,78.0 600.0,42.0 600,42.0" || c.Dip == nil || c.Dip.X != "300.0" || c.Cause != "values without a meaning" || strings.Join(c.Y, " ") != "100% 97.5% 95%" {
		t.Errorf("%+v %+v", c, c.Dip)
	}
	if short := curveOf([]contract.CurvePoint{{At: at(0), Agreement: 1}, {At: at(0), Agreement: 1}}, now.Add(time.Hour), "crm"); c.Short || !short.Short {
		t.Errorf("within one day: %t and %t", c.Short, short.Short)
	}
}

func TestHowOftenASourceIsHeardIsSaid(t *testing.T) {
	for want, r := range map[string]*contract.Rhythm{"": nil, "usually every 2 to 6 minutes": {Quarter: 120, ThreeQuarters: 360}, "usually every 40 seconds to 3 minutes": {Quarter: 40, ThreeQuarters: 180},
		"usually every 1 to 3 hours": {Quarter: 3600, ThreeQuarters: 10800}, "usually every 5 minutes": {Quarter: 300, ThreeQuarters: 310}} {
		if got := rhythm(r); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// Who agrees and has never changed since Trueup began is known by comparing, and is nobody's
// event: the share of those who were looked at one by one would be another number.
func TestHomeShowsTheAgreementOfTheLastFullComparison(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", "Halden Optics")
	sweep, err := w.store.BeginSweep(t.Context(), store.Sweep{Sync: flow, Purpose: store.ForSweep, SourceListed: true, TargetListed: true}, time.Minute)
	w.must(err)
	sweep.Phase, sweep.Summary = store.PhaseDone, store.Summary{Sources: 46, Targets: 43, Agree: 36, Write: 7, UnmatchedSource: 3}
	_, err = w.store.SaveSweep(t.Context(), sweep, store.SweepPart{}, time.Minute)
	w.must(err)
	w.says(w.get("/"), "Agreement 78.3 % 36 of 46 customers, compared", "Agree 36")
}
