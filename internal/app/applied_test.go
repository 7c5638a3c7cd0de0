package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store"
)

// toldOf is an event of a source that is told by events only.
func toldOf(n int, value string) string {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"id":"evt_%d_%s","customer":"cus_%d","email":%q,"status":%q,"at":%q}`, n, now, n, mail(n), value, now)
}

// looked has the running service look at a customer, and believe the target however
// old its answer looks: as after the twelve seconds for which it does not.
func (l *live) looked(n int) {
	l.Helper()
	id := fmt.Sprint("cus_", n)
	w, ok, err := l.db.ClaimOne(l.Context(), "customer-status", id, 0, time.Minute)
	if err != nil || !ok {
		l.Fatalf("%s cannot be claimed: %v", id, err)
	}
	l.must(l.db.Settle(l.Context(), &w, store.Settlement{Attempts: 5, FirstTry: w.Now.Add(-time.Minute), RetryAt: w.Now.Add(time.Hour)}))
	l.hook(toldOf(n, "paused"))
	l.quiet()
}

// A target's clock is ten minutes behind, so that each edit looks older than what
// its record was proved to hold, and the path reads it again for twelve seconds. A
// plan writes over an edit that was seen before the source changed, and applying it
// comes to an end at once. An edit that nobody has looked at until then may be newer
// than the change, and stays.
func TestAPlanIsAppliedAlthoughTheTargetsClockIsBehind(t *testing.T) {
	t.Parallel()
	l := newLiveToldOnly(t)
	apart := func() {
		since := time.Now()
		l.until("the clock has gone on", func() bool { return time.Since(since) > 5*time.Millisecond })
	}
	const seen, unseen = 1, 2
	for _, n := range []int{seen, unseen} {
		l.crm.Set(resttest.Record{ID: fmt.Sprint("rec_", n), Email: mail(n), UpdatedBy: "human:ben"})
		l.hook(toldOf(n, "paused"))
	}
	l.quiet()
	apart()
	for _, n := range []int{seen, unseen} {
		l.crm.Set(resttest.Record{ID: fmt.Sprint("rec_", n), Email: mail(n), Status: "Active", UpdatedBy: "human:ana", UpdatedAt: time.Now().Add(-10 * time.Minute)})
	}
	l.looked(seen)
	// How precisely an edit is dated depends on how long the claim took.
	l.until("the edit is certainly over", func() bool {
		c, err := l.db.Customer(t.Context(), "customer-status", "cus_1")
		l.must(err)
		return time.Since(c.HumanAt) > 5*time.Millisecond
	})
	for _, n := range []int{seen, unseen} {
		l.hook(toldOf(n, "canceled"))
	}
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	const read = "    read: {get: \"/records/{id}\", record: body}\n"
	source, target, _ := strings.Cut(configText(l.dsn, l.billing.URL, l.crm.URL)+closeClocks, "  crm:")
	text := strings.Replace(source, read, "", 1) + "  crm:" + strings.Replace(target, read, read+resttest.ListYAML, 1)
	l.must(os.WriteFile(path, []byte(strings.Replace(text, "id: record.id, status", "id: record.customer, status", 1)), 0o600))
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	l.must(err)
	plan, err := app.MakePlan(t.Context(), cfg, l.db, "customer-status", nil)
	l.must(err)
	var rows []string
	for r, err := range l.db.EachPlanRow(t.Context(), plan.ID) {
		l.must(err)
		rows = append(rows, r.Customer+" "+r.Action)
	}
	if want := []string{"cus_1 write", "cus_2 hold"}; !slices.Equal(rows, want) {
		t.Errorf("the plan has %q, not %q", rows, want)
	}
	got, err := app.Apply(t.Context(), cfg, l.db, app.ApplyRequest{Rows: compare.Selection{Plan: plan}})
	if err != nil || got != (compare.ApplyResult{Applied: 1}) {
		t.Errorf("applied: %+v, %v", got, err)
	}
	if l.crm.Status("rec_1") != "Churned" || l.crm.Status("rec_2") != "Active" {
		t.Errorf("the target holds %v", l.crm.Statuses())
	}
}
