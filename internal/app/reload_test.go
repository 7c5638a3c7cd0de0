package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// reload goes on with the configuration changed by replacing one text.
func (l *live) reload(old, fresh string) error {
	l.Helper()
	return l.reloadWithin(l.Context(), old, fresh)
}

func (l *live) reloadWithin(ctx context.Context, old, fresh string) error {
	l.Helper()
	return l.reloadFrom(ctx, configText(l.dsn, l.billing.URL, l.crm.URL), old, fresh)
}

// reloadFrom does so with another text.
func (l *live) reloadFrom(ctx context.Context, text, old, fresh string) error {
	l.Helper()
	if strings.Count(text, old) != 1 {
		l.Fatalf("the configuration does not have %q once", old)
	}
	path := filepath.Join(l.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(ownWords(strings.Replace(text, old, fresh, 1))), 0o600); err != nil {
		l.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		l.Fatal(err)
	}
	return l.app.Reload(ctx, cfg)
}

// limit goes on with limits.
func (l *live) limit(limits string) error {
	l.Helper()
	return l.reload("match: [", "limits: "+limits+"\n    match: [")
}

// A value that is given a meaning is carried for everybody who waits for it,
// without a restart and without a webhook.
func TestAChangedMapIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			for n := range 3 {
				l.customer(n)
				l.change(n, "evt_"+mail(n), "on_hold")
			}
			waiting := func() int {
				open, err := l.db.Exceptions(l.Context(), store.ExceptionFilter{Kind: status.UnmappedStatus, Cause: "on_hold", States: []status.State{status.Open}})
				if err != nil {
					l.Fatal(err)
				}
				return len(open)
			}
			l.until("all three are parked", func() bool { return waiting() == 3 })
			if err := l.reload("from: [paused]", "from: [paused, on_hold]"); err != nil {
				t.Fatal(err)
			}
			l.until("all three are carried", func() bool {
				return waiting() == 0 && l.crm.Status("rec_0") == "Paused" && l.crm.Status("rec_1") == "Paused" && l.crm.Status("rec_2") == "Paused"
			})
			l.customer(3)
			l.change(3, "evt_3", "on_hold") // the inbox is the new one as well
			l.until("a fourth is carried", func() bool { return l.crm.Status("rec_3") == "Paused" })
			if got := len(l.crm.Written()); got != 4 {
				t.Errorf("%d writes for 4 customers", got)
			}
		})
	}
}

// The customers are found also when customers on their way took all the time
// there was to change over, and when somebody had hidden the question until the
// source changes: what it asked has been answered.
func TestAChangedMapIsUsedThoughTheTimeIsOverAndTheQuestionIsHidden(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	for n := range 3 {
		l.customer(n)
		l.change(n, "evt_"+mail(n), "on_hold")
	}
	open := func() []store.Exception {
		found, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{Kind: status.UnmappedStatus})
		l.must(err)
		return found
	}
	l.until("all three are parked", func() bool { return len(open()) == 3 })
	for _, x := range open() {
		ignored := map[string]store.Ignored{"cus_1": store.IgnoredUntilChange, "cus_2": store.IgnoredAlways}[x.Customer]
		if ignored == "" {
			continue
		}
		_, err := l.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.Ignore, Ignored: ignored, Who: ana})
		l.must(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.reloadWithin(over, "from: [paused]", "from: [paused, on_hold]"); err != nil {
		t.Error(err)
	}
	l.until("both are carried", func() bool { return l.crm.Status("rec_0") == "Paused" && l.crm.Status("rec_1") == "Paused" })
	l.quiet()
	if got := l.crm.Status("rec_2"); got != "" {
		t.Errorf("one that is ignored for ever holds %q", got)
	}
}

func TestWhatCannotChangeWhileItRunsIsRefused(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	if err := l.reload("listen: 127.0.0.1:0", "listen: 127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "restart trueup run") {
		t.Errorf("another address: %v", err)
	}
	l.customer(1)
	l.change(1, "evt_1", "paused")
	l.until("the old configuration goes on", func() bool { return l.crm.Status("rec_1") == "Paused" })
}

// A file that is not written to its end may lack its last lines: what is left
// out writes nothing.
func TestASyncWithoutAModeOnlyWatches(t *testing.T) {
	t.Parallel()
	l := newLive(t, storetest.File(t))
	l.customer(1)
	l.must(l.reload("    mode: live\n", ""))
	l.change(1, "evt_1", "paused")
	l.quiet()
	if l.crm.Status("rec_1") == "Paused" {
		t.Fatal("it wrote, and nobody said that it may")
	}
	l.must(l.reload("mode: live", "mode: live"))
	l.change(1, "evt_2", "canceled")
	l.until("it writes", func() bool { return l.crm.Status("rec_1") == "Churned" })
}
