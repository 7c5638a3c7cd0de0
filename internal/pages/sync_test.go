package pages

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (w *world) Promises(string) contract.Promises {
	return contract.Promises{Source: contract.Knowledge{Order: true}, Target: contract.Knowledge{OptionList: true},
		Late: "billing is heard by webhook only: a change whose webhook never comes is never found"}
}

func (w *world) Line(path string) int {
	return map[string]int{"syncs." + flow + ".statuses.active.from[0]": 34}[path]
}

func (w *world) File(string) FileInUse { return w.file }

// modeFile is a file in which only the mode is read.
func (w *world) modeFile() mapchange.File {
	path := filepath.Join(w.dir(), "trueup.yaml")
	return mapchange.File{Path: path, Store: w.store, Parse: func(_ string, text []byte) (*config.Config, error) {
		c := w.config.Syncs[flow]
		c.Mode = config.ModeWatch
		if strings.Contains(string(text), "mode: live") {
			c.Mode = config.ModeLive
		}
		return &config.Config{Hash: digest(string(text)), Syncs: map[string]config.Sync{flow: c}}, nil
	}}
}

// dir is where the file is.
func (w *world) dir() string {
	if w.folder == "" {
		w.folder = w.TempDir()
		w.must(os.WriteFile(filepath.Join(w.folder, "trueup.yaml"), []byte("syncs:\n  "+flow+":\n    mode: watch # until Monday\n    statuses: {}\n"), 0o600))
	}
	return w.folder
}

func (w *world) PreviewMode(r mapchange.ModeRequest) (contract.ModeChange, error) {
	c, err := w.modeFile().PreviewMode(r)
	return c.ModeChange, err
}

func (w *world) SaveMode(ctx context.Context, r mapchange.ModeRequest, by mapchange.Seen, why string) (contract.ModeSaved, error) {
	c, changed, err := w.modeFile().SaveMode(ctx, r, by, why)
	if changed {
		s := w.config.Syncs[r.Sync]
		s.Mode = r.Mode
		w.config.Syncs[r.Sync] = s
	}
	return contract.ModeSaved{ModeChange: c.ModeChange, Changed: changed, InUse: changed}, err
}

// compared has a comparison count the values of the source.
func (w *world) compared(source, target map[string]int) {
	w.Helper()
	sw, err := w.store.BeginSweep(w.Context(), store.Sweep{Sync: flow, Purpose: store.ForSweep, SourceListed: true, TargetListed: true}, time.Minute)
	w.must(err)
	sw.Phase = store.PhaseDone
	part := store.SweepPart{Vocabulary: []store.Word{}}
	for value, n := range source {
		part.Vocabulary = append(part.Vocabulary, store.Word{Side: store.SourceSide, Value: value, Customers: n})
	}
	for value, n := range target {
		part.Vocabulary = append(part.Vocabulary, store.Word{Side: store.TargetSide, Value: value, Customers: n})
	}
	_, err = w.store.SaveSweep(w.Context(), sw, part, time.Minute)
	w.must(err)
}

func TestASyncShowsItsMapItsLimitsAndItsPromises(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	c := w.config.Syncs[flow]
	c.Match = []config.MatchRule{{Source: "email", Target: "email", Confidence: 0.9}}
	c.Limits = &config.Limits{MassChange: &config.MassChange{To: []status.Status{"churned"}, Customers: 50, Percent: 5, Within: time.Hour}, WritesPerCustomer: &config.WritesPerCustomer{Count: 6, Within: 10 * time.Minute}}
	w.config.Syncs[flow] = c
	id, err := w.store.OpenException(t.Context(), store.NewException{Sync: flow, Customer: "cus_1", Kind: status.UnmappedStatus, Stage: status.StageMap, Cause: "grace", SourceValue: "grace", Reason: reason.Text("x")})
	w.must(err)
	w.compared(map[string]int{"active": 1512, "grace": 11}, map[string]int{"Active": 1604, "VIP": 4, "": 19})
	got := w.get("/syncs/" + flow)
	w.says(got, "Billing decides. CRM follows.", "grace 11", "No meaning yet", "Give it a meaning", "active 1,512 Active Active is an option 1,604", "canceled 0 Churned Churned is an option", "never writes:", "VIP in 4 records", "empty in 19 records",
		"email is email", "confidence 0.9", "Customers moved to Churned within 1 hour 0 of 5", "The limit is 50 customers or 5% of all (at least 5), whichever is fewer.", "most: 0 of 6",
		"The order of changes is known", "Wrong values are caught before a write", "Who edited last is not known", "Pause", "Back to watching")
	if !strings.Contains(got.text, fmt.Sprintf(`href="/exceptions/%d"`, id)) {
		t.Error("the gap does not lead to its exception")
	}
	if got := w.get("/syncs/nobody"); got.code != 404 {
		t.Errorf("a sync that is not there: %d", got.code)
	}
}

func TestTheRecordsOfOneValueAreCountedOnceForAllThatMeanIt(t *testing.T) {
	w := newWorld(t)
	w.config.Syncs[flow].Statuses["active"] = config.StatusMap{From: []string{"active", "trialing"}, To: "Active"}
	w.says(w.get("/syncs/"+flow), "active not counted Active Active line 34", "trialing not counted Active Active canceled")
	w.compared(map[string]int{"active": 3, "canceled": 2, "trialing": 1}, map[string]int{"Active": 4, "Churned": 2})
	w.says(w.get("/syncs/"+flow), "active 3 Active Active is an option 4 line 34", "canceled 2 Churned Churned is an option 2", "trialing 1 Active Active counted above")
}

func TestASyncSaysWhereTheFileHasAValueAndWhetherItCanBeWritten(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	w.says(w.get("/syncs/"+flow), "active not counted Active Active line 34")
	w.compared(map[string]int{"active": 3, "canceled": 1}, map[string]int{"Active": 3})
	w.says(w.get("/syncs/"+flow), "active 3 Active Active is an option 3 line 34", "canceled 1 Churned Churned is an option")
	_, err := w.store.OpenException(t.Context(), store.NewException{Sync: flow, Kind: status.WriteFailed, Stage: status.StageWrite, Cause: store.OptionsOfField,
		Reason: reason.Reason{Code: reason.OptionsMissing, Facts: reason.Facts{Target: "crm", Missing: []string{"Churned"}, Values: []string{"Active"}}}})
	w.must(err)
	w.says(w.get("/syncs/"+flow), "active 3 Active Active is an option", "canceled 1 Churned Churned No option in CRM")
}

func TestTheWholeFileUnfoldsWithoutItsSecrets(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	w.file = FileInUse{Path: "/etc/trueup/trueup.yaml", First: 2, Last: 3, ReadAt: time.Now(), Lines: []config.ShownLine{{Text: "database: [hidden]", Hidden: true}, {Text: "syncs:"}, {Text: "  customer-status: <script>"}}}
	page := w.get("/syncs/" + flow)
	w.says(page, "In trueup.yaml", "It was read", "without faults", "2 to 3", "The whole file", "database: [hidden]", "1 line hides a secret, or what looks like one")
	if !strings.Contains(page.text, "customer-status: &lt;script&gt;") {
		t.Error("the file's text is not quoted")
	}
	w.file.Faults, w.file.Fault, w.file.FaultsAt = 2, "line 3: sign_in.idle: it is too short", time.Now()
	w.says(w.get("/syncs/"+flow), "The file was changed since, and 2 faults keep the change from being used. Line 3: sign_in.idle: it is too short.")
	w.says(w.get("/"), "The changed trueup.yaml is not used", "Line 3: sign_in.idle", "See the file")
	w.person.Role = store.Viewer
	page = w.get("/syncs/" + flow)
	w.says(page, "To see the whole file, you need the role operator.")
	home := w.get("/")
	w.says(home, "The changed trueup.yaml is not used", "It has 2 faults.")
	if strings.Contains(page.text+home.text, "database:") || strings.Contains(page.text+home.text, "sign_in") {
		t.Error("a viewer sees the file")
	}
}

func TestASyncIsPausedAndResumedFromItsPage(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	w.says(w.post("/syncs/"+flow+"/pause", "reason", "the CRM is being migrated"), "customer-status is paused.", "Dana Reyes paused this sync", "“the CRM is being migrated”", "Resume")
	w.says(w.post("/syncs/"+flow+"/pause", "reason", "again"), "was paused already")
	w.says(w.post("/syncs/"+flow+"/resume", "reason", "it is done"), "customer-status is resumed.")
}

func TestASyncWhoseDatabaseMayBeACopySaysThatAPlanComesFirst(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	_, _, err := w.store.PauseSync(t.Context(), flow, "trueup", "the database may be an older copy")
	w.must(err)
	raw, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: w.path}).String())
	w.must(err)
	defer raw.Close()
	_, err = raw.Exec("update pauses set plan_first = 1")
	w.must(err)
	page := w.get("/syncs/" + flow)
	w.says(page, "Make a plan first and read it: it shows where the two tools differ now.")
	if n := strings.Count(page.text, `href="/syncs/`+flow+`/plans">Make a plan</a>`); n != 2 || strings.Contains(page.text, `action="/syncs/`+flow+`/resume"`) {
		t.Errorf("%d ways to a plan: %s", n, page.text)
	}
	home := w.get("/")
	w.says(home, "customer-status: make a plan first and read it", "Make a plan")
	if got := w.post("/syncs/"+flow+"/resume", "reason", "it is right"); got.code != 409 || !strings.Contains(got.words(), "Make a plan and read it") {
		t.Errorf("%d %s", got.code, got.words())
	}
}

func TestASyncIsTakenLiveAndBackForTheFileThatWasShown(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, false))
	c := w.config.Syncs[flow]
	c.Mode = config.ModeWatch
	w.config.Syncs[flow] = c
	w.says(w.get("/syncs/"+flow), "Watching", "Next step: a plan", "Nothing yet", "Go live")
	digestOf := func(a answered) string {
		m := regexp.MustCompile(`name="digest" value="([^"]+)"`).FindStringSubmatch(a.text)
		if m == nil {
			t.Fatalf("no digest: %s", a.words())
		}
		return m[1]
	}
	page := w.get("/syncs/" + flow + "/live")
	w.says(page, "Ready?", "There is no plan under this file", "No customer was tried", "+ mode: live # until Monday", "Going live needs the role admin")
	shown := digestOf(page)
	if got := w.post("/syncs/"+flow+"/live", "digest", shown, "reason", "agreed"); got.code != 403 {
		t.Errorf("an operator: %d", got.code)
	}
	w.person.Role = store.Admin
	if got := w.post("/syncs/"+flow+"/live", "digest", "another", "reason", "agreed"); got.code != 409 || !strings.Contains(got.words(), "changed by someone else") {
		t.Errorf("another file: %d %s", got.code, got.words())
	}
	w.says(w.post("/syncs/"+flow+"/live", "digest", shown, "reason", "agreed"), "customer-status is live.")
	w.must(w.store.SetMode(t.Context(), flow, true))
	c.Mode = config.ModeLive
	w.config.Syncs[flow] = c
	w.says(w.get("/syncs/"+flow), "Going live: approved by "+w.person.Name, "because: “agreed”")
	w.person.Role = store.Operator
	w.says(w.post("/syncs/"+flow+"/watch", "digest", digestOf(w.get("/syncs/"+flow+"/watch")), "reason", "the CRM is rebuilt"), "customer-status watches again.")
	text, err := os.ReadFile(filepath.Join(w.dir(), "trueup.yaml"))
	if err != nil || !strings.Contains(string(text), "mode: watch # until Monday") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestASyncIsPausedInABrowser(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	b := browsertest.Open(t)
	b.Do("pause", chromedp.Navigate(w.server.URL+"/syncs/"+flow), chromedp.Click(`//summary[contains(., "Pause")]`), chromedp.SendKeys(chromedp.CSS("#pause-why"), "a migration"),
		chromedp.Click(`//form//button[contains(., "Pause")]`), chromedp.WaitVisible(`//strong[contains(., "paused this sync")]`))
}

func TestASyncsPageSaysHowFarTheSourcesListIsRead(t *testing.T) {
	w := newWorld(t)
	if text := w.get("/syncs/" + flow).words(); strings.Contains(text, "Asking now") || strings.Contains(text, "Asked") {
		t.Errorf("nobody was asked, and it says: %s", text)
	}
	page := func(done bool) (fence int64) {
		_, fence, _, err := w.store.TakeTurn(w.Context(), store.ChangesOf("billing"), 0, time.Minute)
		w.must(err)
		w.must(w.store.SavePage(w.Context(), "billing", fence, "", done, store.Page{Records: 12_500, Changes: 3, From: time.Date(2024, 2, 3, 4, 5, 0, 0, time.UTC)}))
		return fence
	}
	w.says(w.get("/syncs/"+flow), "Changes in Billing Billing is heard by webhook only: a change whose webhook never comes is never found")
	page(true)
	w.says(w.get("/syncs/"+flow), "Asked The list of Billing was read to its end", "ago: 12,500 records on 1 page, 3 changes")
	w.must(w.store.StopPoll(w.Context(), "billing", page(false), "rate_limited", time.Hour))
	w.says(w.get("/syncs/"+flow), "Asking now Reading the list of Billing since", "12,500 records on 1 page so far", "changed from Sat, Feb 3, 2024, 4:05 AM on",
		"Billing is at its limit; it continues with page 2 in 59 minutes")
}
