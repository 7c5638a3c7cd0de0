package app_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Linux leads 0.0.0.0 to the machine itself: an address that is refused, and
// that answers when it is not.
func TestAToolAtAnAddressThatIsNotCalled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		allow string
		kind  status.Kind
	}{
		"is an exception that says what to write":   {"", status.ConnectionFailed},
		"is called when its connection says it may": {"    also_allow: [0.0.0.0/32]\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := &live{T: t, billing: resttest.New(t), crm: resttest.New(t), dsn: engines["sqlite"](t)}
			text := configText(l.dsn, l.billing.URL, strings.Replace(l.crm.URL, "127.0.0.1", "0.0.0.0", 1))
			text = strings.Replace(text, "    timeout: 25s\n", test.allow+"    timeout: 25s\n", 1)
			path := filepath.Join(t.TempDir(), "trueup.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, err := config.Load(path, app.Types(), os.LookupEnv)
			if err != nil {
				t.Fatal(err)
			}
			l.app, err = app.Start(t.Context(), app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer l.stop(2 * time.Minute)
			if l.db, err = store.Open(t.Context(), store.Options{DSN: l.dsn}); err != nil {
				t.Fatal(err)
			}
			defer l.db.Close()
			l.customer(1)
			l.change(1, "evt_1", "paused")
			l.until("the event has ended", func() bool { return l.outcome(1) != "" })
			open, err := l.db.Exceptions(context.Background(), store.ExceptionFilter{})
			if err != nil {
				t.Fatal(err)
			}
			if test.kind == "" {
				if len(open) > 0 || l.crm.Status("rec_1") != "Paused" {
					t.Errorf("it is not carried: %+v", open)
				}
				return
			}
			if len(open) != 1 || open[0].Kind != test.kind || !strings.Contains(open[0].Reason.Sentence(), "0.0.0.0 is not called") ||
				!strings.Contains(open[0].Reason.Sentence(), "add also_allow: [0.0.0.0/32] to connection crm") {
				t.Errorf("exceptions: %+v", open)
			}
		})
	}
}
