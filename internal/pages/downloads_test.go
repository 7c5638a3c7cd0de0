package pages

import (
	"encoding/csv"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// download is the file behind the button of a page, as rows.
func (w *world) download(page string) [][]string {
	w.Helper()
	button := regexp.MustCompile(`href="([^"]*\.csv[^"]*)" download`).FindStringSubmatch(w.get(page).text)
	if button == nil {
		w.Fatalf("%s has no button for a download", page)
	}
	got := w.get(html.UnescapeString(button[1]))
	rows, err := csv.NewReader(strings.NewReader(got.text)).ReadAll()
	if err != nil || got.code != http.StatusOK {
		w.Fatalf("%s is answered %d: %v", button[1], got.code, err)
	}
	return rows
}

// column are the cells of a column below its name.
func column(rows [][]string, name string) (cells []string) {
	at := slices.Index(rows[0], name)
	for _, row := range rows[1:] {
		cells = append(cells, row[at])
	}
	return cells
}

func TestActivityIsDownloadedAsThePageShowsIt(t *testing.T) {
	w := newWorld(t)
	w.person.Role = store.Viewer
	if page := w.get("/activity"); strings.Contains(page.text, ".csv") {
		t.Error("an empty list offers a download")
	}
	pause := store.Activity{Sync: flow, Act: reason.Reason{Code: reason.ActPaused}, Why: "=HYPERLINK(1)"}
	for range 1100 { // more than are read at once
		w.must(w.store.Record(store.By(t.Context(), "dana@example.com", store.ByPage), pause))
	}
	w.must(w.store.Record(store.By(t.Context(), "ana@example.com via api:bot", store.ByAPI), store.Activity{Sync: "desk-status", Act: reason.Reason{Code: reason.ActResumed}}))
	w.must(w.store.Record(store.By(t.Context(), "trueup", store.ByFile), store.Activity{Sync: flow, Act: reason.Reason{Code: reason.ActFileRead, Facts: reason.Facts{Count: 1, Changes: []reason.Change{{Path: "limits", From: "40", To: "+50"}}}}}))
	together := store.Together(store.By(t.Context(), "ben@example.com", store.ByPage))
	w.customer("cus_1", "Halden Optics")
	for _, id := range []string{"cus_1", "-cus_2"} {
		w.must(w.store.Record(together, store.Activity{Sync: flow, Customer: id, Act: reason.Reason{Code: reason.ActRetried}}))
	}
	raw := storetest.Raw(t, "sqlite", w.path)
	if _, err := raw.Exec("update activity set done_at = $1 where id = 1", time.Now().AddDate(0, 0, -40).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, page string
		rows       int
	}{
		{"the last thirty days", "/activity", 1102},
		{"everything", "/activity?since=all", 1103},
		{"one person", "/activity?who=dana@example.com", 1099},
		{"one sync, however far one has paged", "/activity?sync=desk-status&before=99999", 1},
		{"one subject of today", "/activity?since=today&what=mode", 1100},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.download(c.page); len(got)-1 != c.rows {
				t.Errorf("%d rows, not %d", len(got)-1, c.rows)
			}
		})
	}
	rows := w.download("/activity?since=all")
	for name, want := range map[string]string{"who": "ben@example.com", "who_name": "ben@example.com", "way": "page", "count": "2", "customers": "cus_1 -cus_2", "customer": "", "code": string(reason.ActRetried)} {
		if got := column(rows, name)[0]; got != want {
			t.Errorf("of what was done together, %s is %q", name, got)
		}
	}
	for name, want := range map[string]string{"changes": "limits: 40 → +50", "who": "trueup", "who_name": "Trueup"} {
		if got := column(rows, name)[1]; got != want {
			t.Errorf("of the file, %s is %q", name, got)
		}
	}
	for name, want := range map[string]string{"who": "api:bot", "for": "ana@example.com", "sync": "desk-status", "reason": ""} {
		if got := column(rows, name)[2]; got != want {
			t.Errorf("of the token, %s is %q", name, got)
		}
	}
	if got := column(rows, "reason")[3]; got != "'=HYPERLINK(1)" {
		t.Errorf("a spreadsheet would run %q", got)
	}
	if got := column(rows, "id"); !slices.IsSortedFunc(got, func(a, b string) int { return len(b) - len(a) }) || len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
		t.Error("an act is missing, comes twice, or is not in its place")
	}
}

// largePlan has 1,300 customers who would be churned and 1 who needs a person.
func (w *world) largePlan() store.Sweep {
	w.Helper()
	sweep, err := w.store.BeginSweep(w.Context(), store.Sweep{Sync: flow, Purpose: store.ForPlan, SourceListed: true, TargetListed: true}, time.Minute)
	w.must(err)
	var p store.SweepPart
	for n := range 1300 {
		p.Rows = append(p.Rows, store.PlanRow{Customer: fmt.Sprintf("cus_%04d", n), Name: fmt.Sprintf("+Halden %d", n/1200), TargetID: fmt.Sprint("rec_", n), Action: "write", Before: "Active", After: "Churned", Reason: reason.Text("no one has changed it since")})
	}
	p.Rows = append(p.Rows, store.PlanRow{Customer: "cus_x", Action: "park", Kind: "unmatched", Reason: reason.Text("there is no record")})
	sweep.Phase, sweep.Hash = store.PhaseDone, theHash
	sweep.Summary = store.Summary{Sources: 1301, Write: 1300, UnmatchedSource: 1}
	sweep, err = w.store.SaveSweep(w.Context(), sweep, p, time.Minute)
	w.must(err)
	return sweep
}

func TestAPlanIsDownloadedAsThePageShowsIt(t *testing.T) {
	w := newWorld(t)
	w.person.Role = store.Viewer
	plan := w.largePlan()
	changes, _, err := w.store.PlanChanges(t.Context(), plan.ID)
	w.must(err)
	for _, c := range []struct {
		name, query string
		rows        int
	}{
		{"all changes", "", 1301},
		{"one kind of change", "?change=" + contract.ChangeName(changes[0].ID), 1300},
		{"who is searched for", "?q=%2Bhalden+0", 1200},
		{"who is searched for, in one kind of change, however far one has paged", "?q=%2Bhalden+1&after=cus_1250&change=" + contract.ChangeName(changes[0].ID), 100},
		{"nobody", "?q=nobody", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := w.download("/plans/" + theHash + c.query)
			if len(rows)-1 != c.rows {
				t.Errorf("%d rows, not %d", len(rows)-1, c.rows)
			}
			if got := column(rows, "customer"); !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Error("a row is missing, comes twice, or is not in its place")
			}
			if c.rows > 0 && column(rows, "name")[0][:2] != "'+" {
				t.Errorf("a spreadsheet would run %q", column(rows, "name")[0])
			}
		})
	}
	w.answers(w.get("/plans/"+theHash+"/rows.csv?change=!"), 404, "There is no such plan")
	w.answers(w.get("/plans/00000000000000000000/rows.csv"), 404, "There is no such plan")
	raw := storetest.Raw(t, "sqlite", w.path)
	if _, err := raw.Exec("delete from plan_rows"); err != nil {
		t.Fatal(err)
	}
	w.answers(w.get("/plans/"+theHash+"/rows.csv"), 410, "The rows of this plan have been deleted")
}

// leaving is a browser that does something as soon as the first rows have come.
type leaving struct {
	*httptest.ResponseRecorder
	do func()
}

func (l *leaving) Write(text []byte) (int, error) {
	if l.do != nil {
		l.do()
		l.do = nil
	}
	return l.ResponseRecorder.Write(text)
}

func TestAPlanWhoseRowsAreDeletedDuringItsDownloadIsCutOff(t *testing.T) {
	w := newWorld(t)
	w.largePlan()
	raw := storetest.Raw(t, "sqlite", w.path)
	browser := &leaving{ResponseRecorder: httptest.NewRecorder(), do: func() {
		if _, err := raw.Exec("delete from plan_rows"); err != nil {
			t.Error(err)
		}
	}}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("a part of the plan looks like the whole: %v", err)
		}
		if got := strings.Count(browser.Body.String(), "\n"); got < 2 || got > 1000 {
			t.Errorf("%d lines had come", got)
		}
	}()
	w.pages.ServeHTTP(browser, httptest.NewRequest(http.MethodGet, "/plans/"+theHash+"/rows.csv", nil))
}
