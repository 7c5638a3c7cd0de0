package pages

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const theHash = "7c19e04ab2d80000000000000000000000000000000000000000000000000000"

// planned makes a plan: some customers would be churned, more activated, one needs a
// person.
func (w *world) planned() store.Sweep {
	w.Helper()
	limits := &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: 50, Within: time.Hour}}
	s := w.config.Syncs[flow]
	s.Limits = limits
	w.config.Syncs[flow] = s
	sweep, err := w.store.BeginSweep(w.Context(), store.Sweep{Sync: flow, Purpose: store.ForPlan, SourceListed: true, TargetListed: true}, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
	var p store.SweepPart
	add := func(id, name, before, after string) {
		p.Rows = append(p.Rows, store.PlanRow{Customer: id, Name: name, TargetID: "rec_" + id, Action: "write", Before: before, After: after, Reason: reason.Text("No one has changed it since")})
	}
	for n := range 7 {
		add(fmt.Sprintf("cus_%d", n), fmt.Sprintf("Halden %d Optics & <Sons>", n), "Active", "Churned")
	}
	for n := range 9 {
		add(fmt.Sprintf("cus_2%d", n), "", "", "Active")
	}
	p.Rows = append(p.Rows, store.PlanRow{Customer: "cus_90", Action: "park", Kind: status.FirstContact, Before: "VIP", After: "Active", TargetID: "rec_90", Reason: reason.Text("Trueup has never written it")})
	sweep.Phase, sweep.Hash = store.PhaseDone, theHash
	sweep.SetAside(store.SourceSide, store.Aside{ID: "cus_<7>", Problem: "record.status: the value is a list"}, store.Aside{Problem: "record.id: there is none"})
	sweep.Summary = store.Summary{Sources: 30, Targets: 31, Agree: 12, Write: 16, Other: 1, NotCarried: 1, UnmatchedTarget: 2}
	if sweep, err = w.store.SaveSweep(w.Context(), sweep, p, time.Minute); err != nil {
		w.Fatal(err)
	}
	return sweep
}

// jobs are those of the sync, the latest first.
func (w *world) jobs() []store.PlanJob {
	w.Helper()
	found, err := w.store.PlanJobsBefore(w.Context(), flow, 0, 10)
	if err != nil {
		w.Fatal(err)
	}
	return found
}

func (w *world) answers(a answered, code int, parts ...string) {
	w.Helper()
	if a.code != code {
		w.Errorf("%s is answered %d: %s", a.at, a.code, a.words())
	}
	for _, part := range parts {
		if !strings.Contains(a.words(), part) {
			w.Errorf("%s does not say %q: %s", a.at, part, a.words())
		}
	}
}

func TestAPlanIsMadeOnceAndCanBeStopped(t *testing.T) {
	w := newWorld(t)
	w.answers(w.get("/plans"), 200, "Make a plan", "No plan was made yet.")
	key := formKey()
	for range 2 {
		got := w.post("/syncs/"+flow+"/plans", "key", key)
		w.answers(got, 200, "Waiting to begin", "asked for by Dana Reyes", "You can close this page")
	}
	jobs := w.jobs()
	if len(jobs) != 1 || jobs[0].Kind != store.MakeJob {
		t.Fatalf("the jobs are %+v", jobs)
	}
	sweep, err := w.store.BeginSweep(t.Context(), store.Sweep{Sync: flow, Purpose: store.ForPlan, SourceListed: true, TargetListed: true}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	sweep.Phase, sweep.Summary.Sources, sweep.Summary.Targets = store.PhaseTarget, 2000, 1240
	if _, err := w.store.SaveSweep(t.Context(), sweep, store.SweepPart{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	w.answers(w.get("/syncs/"+flow+"/plans"), 200, "Reading CRM: 1,240 records so far", "Read Billing done 2,000", "Compare each customer")
	w.answers(w.post(fmt.Sprintf("/jobs/%d/stop", jobs[0].ID)), 200, "A new plan continues", "The comparison was stopped")
	if got := w.jobs()[0]; got.Outcome != store.JobStopped || got.StoppedBy != "dana@example.com" {
		t.Errorf("it ended as %+v", got)
	}
	w.answers(w.post("/jobs/99/stop"), 404)
	w.answers(w.post("/jobs/x/stop"), 404)
}

func TestAPageThatFollowsAComparisonSaysWhenItHasEnded(t *testing.T) {
	w := newWorld(t)
	plan := w.planned()
	b := browsertest.Open(t)
	w.post("/syncs/" + flow + "/plans")
	b.Do("open the page", chromedp.Navigate(w.server.URL+"/syncs/"+flow+"/plans"), chromedp.WaitVisible(`//h1[text()="Comparing both sides"]`), chromedp.WaitVisible(`//div[contains(text(), "It waits behind the calls for events")]`))
	j, _, err := w.store.TakeJob(t.Context(), w.jobs()[0], time.Minute)
	w.must(err)
	j.Plan, j.Outcome = plan.ID, store.JobDone
	w.must(w.store.EndJob(t.Context(), j))
	b.Do("see that it has ended", chromedp.WaitVisible(`//a[text()="Read the plan"]`), chromedp.WaitVisible(`//h1[text()="Plans"]`))
	if got := b.Text("main"); strings.Contains(got, "It waits behind") || strings.Contains(got, "asked for by") {
		t.Errorf("it still says %s", got)
	}
}

// A part that looks different each time is sent again with every look at the page.
func TestALivePartWithAFormIsTheSameUntilSomethingChanges(t *testing.T) {
	w := newWorld(t)
	w.post("/syncs/" + flow + "/plans")
	made := w.jobs()[0]
	w.same("/syncs/" + flow + "/plans")
	w.post(fmt.Sprintf("/jobs/%d/stop", made.ID))
	plan := w.planned()
	at := "/plans/" + plan.Hash + "/apply"
	w.post(at, "hash", "7c19")
	w.same(at)
	j, _, err := w.store.TakeJob(t.Context(), w.jobs()[0], time.Minute)
	w.must(err)
	_, err = storetest.Raw(t, "sqlite", w.path).Exec("update plan_rows set state = 'failed', note = 'no answer', ended_at = 1 where customer = 'cus_3'")
	w.must(err)
	j.Total, j.Failed, j.Outcome = 1, 1, store.JobDone
	w.must(w.store.EndJob(t.Context(), j))
	w.same(at)

	// Each try of a row that failed is one of its own.
	key := regexp.MustCompile(`action="` + at + `"><input type="hidden" name="key" value="([^"]+)"`)
	for range 2 {
		before := w.jobs()[0]
		found := key.FindStringSubmatch(w.get(at).text)
		if found == nil {
			t.Fatalf("the page offers no try: %s", w.get(at).words())
		}
		w.post(at, "only", "cus_3", "key", found[1])
		again := w.jobs()[0]
		if again.ID == before.ID {
			t.Fatal("it is not tried again")
		}
		if again, _, err = w.store.TakeJob(t.Context(), again, time.Minute); err != nil {
			t.Fatal(err)
		}
		again.Total, again.Failed, again.Outcome = 1, 1, store.JobDone
		w.must(w.store.EndJob(t.Context(), again))
	}
}

// same fails if the live parts of a page look different when it is opened twice.
func (w *world) same(path string) {
	w.Helper()
	stream := regexp.MustCompile(`data-live="([^"]+)"`)
	one, two := stream.FindStringSubmatch(w.get(path).text), stream.FindStringSubmatch(w.get(path).text)
	if one == nil || two == nil || one[1] != two[1] {
		w.Errorf("%s looks like %q, then like %q", path, one, two)
	}
}

func TestAJobIsStoppedByItsWholeNumber(t *testing.T) {
	w := newWorld(t)
	w.post("/syncs/" + flow + "/plans")
	w.answers(w.post(fmt.Sprintf("/jobs/%dx/stop", w.jobs()[0].ID)), 404, "There is nothing to stop at this address")
	if got := w.jobs()[0]; got.Outcome != "" || !got.StopAt.IsZero() {
		t.Errorf("it is stopped: %+v", got)
	}
}

func TestAPlanThatIsAskedForUnderAKeyOfBeforeIsRefused(t *testing.T) {
	var refused *Refusal
	if err := new(visit).refusedPlan(fmt.Errorf("ask for a plan: %w", store.ErrKeyReused), "/plans"); !errors.As(err, &refused) || refused.Status != http.StatusConflict {
		t.Errorf("it is answered %v", err)
	}
}

func TestAPlanIsReadTheRiskiestFirstAndByKindOfChange(t *testing.T) {
	w := newWorld(t)
	w.planned()
	got := w.get("/plans/" + theHash)
	w.answers(got, 200, "Plan: 16 customers would change", "9 to Active, 7 to Churned", "Churned 7 customers", "Show the other 2", "Show the other 4", "Halden 0 Optics &amp; &lt;Sons&gt;", "No one has changed it since",
		"Also 1 value Trueup never wrote", "7c19 e04ab2d8",
		"2 records of Billing cannot be read and are not compared: cus_&lt;7&gt; and 1 more (the first: record.status: the value is a list).")
	w.answers(w.get("/syncs/"+flow), 200, "At the last comparison, 2 records of Billing cannot be read")
	if churned, active := strings.Index(got.words(), "Churned 7 customers"), strings.Index(got.words(), "Active 9 customers"); churned < 0 || active < churned {
		t.Errorf("the riskiest is not first: %s", got.words())
	}
	for _, form := range []struct{ query, has, not string }{
		{"?q=halden+3", "Halden 3 Optics", "Halden 2 Optics"},
		{"?q=cus_90", "Trueup has never written it", "Halden"},
		{"?q=nobody", "No row of this plan", "Halden"},
	} {
		page := w.get("/plans/" + theHash + form.query)
		w.answers(page, 200, form.has)
		if strings.Contains(page.words(), form.not) {
			t.Errorf("%s shows %q", form.query, form.not)
		}
	}
	more := got.text[strings.Index(got.text, `href="/plans/`+theHash+`?change=`)+6:]
	w.answers(w.get(more[:strings.Index(more, `"`)]), 200, "Halden 6 Optics")
	w.answers(w.get("/plans/"+theHash+"?change=!"), 404)
	w.answers(w.get("/plans/"+strings.Repeat("0", 64)), 404, "There is no such plan")
}

func TestAPlanIsApprovedByItsFirstFourCharactersOnce(t *testing.T) {
	w := newWorld(t)
	w.planned()
	for _, typed := range []string{"", "7c1", "8c19", "c19e"} {
		w.answers(w.post("/plans/"+theHash+"/apply", "hash", typed), 422, "These are not the first four characters", "Nothing was written")
	}
	w.answers(w.post("/plans/"+theHash[:12]+"/apply", "hash", "7c19"), 404)
	if len(w.jobs()) > 0 {
		t.Fatalf("the jobs are %+v", w.jobs())
	}
	key := formKey()
	for range 2 {
		got := w.post("/plans/"+theHash+"/apply", "hash", " 7C19 ", "key", key)
		w.answers(got, 200, "Writing plan 7c19e04ab2d8", "approved by Dana Reyes")
	}
	jobs := w.jobs()
	if len(jobs) != 1 || jobs[0].ApprovedBy != "" || jobs[0].Customers != nil {
		t.Fatalf("the jobs are %+v", jobs)
	}
	w.answers(w.get("/plans/"+theHash), 200, "A plan of this sync is being written")
	w.answers(w.post("/plans/"+theHash+"/apply", "only", "cus_3"), 409, "Nothing was begun", "asked for by Dana Reyes")
	w.answers(w.post(fmt.Sprintf("/jobs/%d/stop", jobs[0].ID)), 200, "what is written stays written", "Stopped by Dana Reyes")
	w.answers(w.post("/plans/"+theHash+"/apply", "only", "cus_3"), 200, "Writing plan")
	if got := w.jobs()[0]; len(got.Customers) != 1 || got.Customers[0] != "cus_3" {
		t.Errorf("the job is %+v", got)
	}
}

// A plan that is written as a whole cannot be written again; with some of it left it can.
func TestAPlanThatIsWrittenOffersNoMoreToWrite(t *testing.T) {
	for name, tc := range map[string]struct {
		first   string // the approval of first contacts
		written int
		says    string
	}{
		"all of it":                      {"yes", 17, "All of it is written. A new plan shows what would change now."},
		"a row was refused":              {"yes", 16, "Type the first four characters"},
		"all but what needs an approval": {"", 16, "Type the first four characters"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.planned()
			w.post("/plans/"+theHash+"/apply", "hash", "7c19", "first_contact", tc.first)
			j, ok, err := w.store.TakeJob(t.Context(), w.jobs()[0], time.Minute)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			j.Total, j.Written, j.Outcome = 16, tc.written, store.JobDone
			if tc.first != "" {
				j.Total = 17
			}
			w.must(w.store.EndJob(t.Context(), j))
			w.answers(w.get("/plans/"+theHash), 200, tc.says)
		})
	}
}

func TestASyncThatWatchesOffersOneCustomerAndAViewerNothing(t *testing.T) {
	w := newWorld(t)
	s := w.config.Syncs[flow]
	s.Mode = config.ModeWatch
	w.config.Syncs[flow] = s
	w.planned()
	got := w.get("/plans/" + theHash)
	w.answers(got, 200, "it writes only customers whom you choose")
	if strings.Contains(got.text, `name="hash"`) || strings.Contains(got.text, `value="cus_3" disabled`) || !strings.Contains(got.text, `value="cus_3"`) {
		t.Errorf("it offers the whole plan, or no customer: %s", got.words())
	}
	w.answers(w.post("/plans/"+theHash+"/apply", "hash", "7c19"), 409, "Nothing was written", "mode: watch")
	w.person.Role = store.Viewer
	if got := w.get("/plans/" + theHash); !strings.Contains(got.text, `value="cus_3" disabled`) {
		t.Error("a viewer may press the button")
	}
	w.answers(w.get("/syncs/"+flow+"/plans"), 200, "needs the role operator")
	w.answers(w.post("/plans/"+theHash+"/apply", "hash", "7c19"), 403)
	w.answers(w.post("/syncs/"+flow+"/plans"), 403)
	w.answers(w.post("/jobs/1/stop"), 403)
}

// shots is where pictures go when somebody wants to look at the pages.
var shots = os.Getenv("TRUEUP_SHOTS")

func TestAPlanIsApprovedAndWatchedInABrowser(t *testing.T) {
	w := newWorld(t)
	plan := w.planned()
	b := browsertest.Open(t)
	look := func(name string) {
		if shots == "" {
			return
		}
		for size, l := range map[string]browsertest.Looks{"1280": {Width: 1280, Height: 900}, "390": {Width: 390, Height: 800}, "dark": {Width: 1280, Height: 900, Dark: true}} {
			b.Look(l)
			b.Shot(filepath.Join(shots, name+"-"+size+".png"))
		}
		b.Look(browsertest.Looks{Width: 1280, Height: 900})
	}
	b.Do("read the plan", chromedp.Navigate(w.server.URL+"/plans/"+theHash), chromedp.WaitVisible(chromedp.CSS(".rows-h")))
	look("plan")
	b.Do("approve it", chromedp.SendKeys(chromedp.CSS("#h"), "7c19"), chromedp.Click(chromedp.CSS(".btn.go.wide")), chromedp.WaitVisible(`//h1[contains(., "Writing plan")]`), chromedp.WaitVisible(`//p[@data-live]//span[text()="Up to date"]`))
	j := w.jobs()[0]
	j, ok, err := w.store.TakeJob(t.Context(), j, time.Minute)
	if err != nil || !ok {
		t.Fatalf("the job cannot be taken: %v", err)
	}
	if _, err := w.store.KeepJob(t.Context(), j, store.PlanProgress{Total: 16, Written: 5, Refused: 1}, time.Minute); err != nil {
		t.Fatal(err)
	}
	b.Do("see it move", chromedp.WaitVisible(`//h2[contains(., "5 of 16 rows written, 1 refused")]`))
	look("applying")
	j.Total, j.Written, j.Refused, j.Outcome, j.Plan = 16, 15, 1, store.JobDone, plan.ID
	if err := w.store.EndJob(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	b.Do("see its end", chromedp.WaitVisible(`//h2[contains(., "15 of 16 rows written, 1 refused")]`), chromedp.WaitVisible(`//p[contains(., "Ended")]`))
	b.Do("go back to the plans", chromedp.Navigate(w.server.URL+"/plans"), chromedp.WaitVisible(`//td[contains(., "15 of 16 written, 1 not written")]`))
	look("plans")
}
