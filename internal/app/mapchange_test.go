package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// stands is how the sync stands by a file in which one text is replaced.
func (l *live) stands(old, fresh string) contract.Sync {
	l.Helper()
	path := filepath.Join(l.TempDir(), "trueup.yaml")
	l.must(os.WriteFile(path, []byte(strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), old, fresh, 1)), 0o600))
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	l.must(err)
	row, err := overview.Sync(l.Context(), l.db, "customer-status", cfg.Syncs["customer-status"])
	l.must(err)
	return row
}

// The figure is about the file of now: what was decided by another map does not
// agree, and what was seen in another field or by other match rules is not
// counted. A changed map writes nothing by itself.
func TestAgreementIsAboutTheFileOfNow(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			for n := range 4 {
				l.customer(n)
				l.change(n, "evt_"+mail(n), map[bool]string{true: "canceled", false: "active"}[n == 3])
			}
			l.quiet()
			if a := l.stands("", "").Agreement; a.Agree != 4 || a.Carried != 4 || a.Remapped+a.Stale > 0 {
				t.Fatalf("before: %+v", a)
			}
			l.must(l.reload("to: Churned", "to: Lost"))
			if a := l.stands("to: Churned", "to: Lost").Agreement; a.Agree != 3 || a.Carried != 4 || a.Remapped != 1 || a.Stale != 0 {
				t.Errorf("a word of the target was changed: %+v", a)
			}
			if text := l.metrics(); !strings.Contains(text, `trueup_stale_customers{sync="customer-status"} 1`) {
				t.Error("the metrics do not say so")
			}
			const rule = "match: [{source: email, target: email}]"
			const other = "match: [{source: id, target: external_id}]"
			l.must(l.reload(rule, other))
			if a := l.stands(rule, other).Agreement; a.Carried != 0 || a.Stale != 4 || a.Share != nil {
				t.Errorf("the match rules were changed: %+v", a)
			}
			l.change(0, "evt_again", "paused")
			l.quiet()
			if a := l.stands(rule, other).Agreement; a.Carried != 1 || a.Agree != 1 || a.Stale != 3 {
				t.Errorf("one was looked at since: %+v", a)
			}
			if got := len(l.crm.Written()); got != 5 {
				t.Errorf("%d writes for 5 changes", got)
			}
		})
	}
}

// Who was carried nowhere because of his word is carried when it has a meaning,
// like those whose word nobody had listed.
func TestAWordTakenOutOfIgnoreIsCarried(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	ignoring := "paused:  {from: [paused], to: Paused}"
	l.must(l.reload("churned: {from: [canceled], to: Churned}", "churned: {from: [canceled], to: Churned}\n    ignore: [on_hold, trial]"))
	for n, word := range []string{"on_hold", "on_hold", "trial"} {
		l.customer(n)
		l.change(n, "evt_"+mail(n), word)
	}
	l.quiet()
	if got := l.crm.Written(); len(got) > 0 {
		t.Fatalf("written: %q", got)
	}
	text := strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "churned: {from: [canceled], to: Churned}", "churned: {from: [canceled], to: Churned}\n    ignore: [trial]", 1)
	l.must(l.reloadFrom(t.Context(), text, ignoring, "paused:  {from: [paused, on_hold], to: Paused}"))
	l.until("both are carried", func() bool { return l.crm.Status("rec_0") == "Paused" && l.crm.Status("rec_1") == "Paused" })
	l.quiet()
	if got := l.crm.Written(); len(got) != 2 {
		t.Errorf("written: %q", got)
	}
}
