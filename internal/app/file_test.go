package app_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// A file that cannot be used is seen wherever one looks, until it is corrected: the
// one before goes on meanwhile.
func TestAFileThatCannotBeUsedIsSeen(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			got := func(path string) string {
				t.Helper()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.app.URL()+path, nil)
				l.must(err)
				resp, err := http.DefaultClient.Do(req)
				l.must(err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				l.must(err)
				return string(body)
			}
			h := byAPI{l.token(store.Operator)}
			standing := func() (s contract.Status) {
				t.Helper()
				h.call(l, http.MethodGet, "/status", nil, "", &s)
				return s
			}
			if s := standing(); len(s.NeedsPerson) > 0 || len(s.Nodes) != 1 || s.Nodes[0].File.ReadAt == nil || len(s.Nodes[0].File.Hash) != 16 {
				t.Fatalf("at the start it stands so: %+v", s)
			}
			text := strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "mode: live", "", 1)
			path := t.TempDir() + "/trueup.yaml"
			l.must(os.WriteFile(path, []byte(strings.Replace(text, "from: [paused]", "form: [paused]", 1)), 0o600))
			_, err := config.Load(path, app.Types(), os.LookupEnv)
			l.app.FileRefused("5c0ffee5", err)
			refused, err := l.db.ConfigRefusals(t.Context(), 10)
			if err != nil || len(refused) != 1 || refused[0].Digest != "5c0ffee5" || len(refused[0].Faults) != 1 || refused[0].Faults[0].Path != "syncs.customer-status.statuses.paused.form" || refused[0].Faults[0].Line == 0 {
				t.Errorf("refused are %+v, %v", refused, err)
			}
			s := standing()
			if len(s.NeedsPerson) != 1 || !strings.Contains(s.NeedsPerson[0], ": running with the file read at ") ||
				!strings.Contains(s.NeedsPerson[0], "the one on disk has 1 fault: line ") || !strings.Contains(s.NeedsPerson[0], "syncs.customer-status.statuses.paused.form: unknown key; did you mean from?") {
				t.Errorf("what needs a person: %q", s.NeedsPerson)
			}
			ready := got("/readyz")
			if !strings.Contains(ready, `"ready":true,"configuration":"running with the file read at `) || !strings.Contains(ready, ": syncs.customer-status.statuses.paused.form") || strings.Contains(ready, "unknown key") {
				t.Errorf("/readyz says %s", ready)
			}
			if m := got("/metrics"); !strings.Contains(m, "\ntrueup_config_faults 1\n") || !strings.Contains(m, "\ntrueup_config_read_timestamp_seconds ") {
				t.Errorf("/metrics has no fault of the file")
			}
			// What only a start reads is named with its line.
			if err := l.reload("listen: 127.0.0.1:0", "listen: 127.0.0.1:1"); err == nil {
				t.Error("another address is used")
			}
			if s := standing(); len(s.NeedsPerson) != 1 || !strings.Contains(s.NeedsPerson[0], "line 2: listen: it cannot change while trueup run is running; restore the old value, or restart trueup run") {
				t.Errorf("a field that needs a restart: %q", s.NeedsPerson)
			}
			l.must(l.reload("from: [paused]", "from: [paused, on_hold]"))
			if s := standing(); len(s.NeedsPerson) > 0 {
				t.Errorf("when it is corrected: %q", s.NeedsPerson)
			}
			if ready := strings.TrimSpace(got("/readyz")); ready != `{"ready":true}` {
				t.Errorf("/readyz says %s", ready)
			}
		})
	}
}

// Two nodes with different files say so.
func TestANodeWithAnotherFileIsNamed(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["postgres"](t))
	h := byAPI{l.token(store.Operator)}
	other := l.node(strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "from: [paused]", "from: [paused, on_hold]", 1))
	t.Cleanup(func() { l.must(other.Stop(context.Background())) })
	var s contract.Status
	h.call(l, http.MethodGet, "/status", nil, "", &s)
	if len(s.Nodes) != 2 || s.Nodes[0].File.Differs == s.Nodes[1].File.Differs {
		t.Errorf("the nodes are %+v", s.Nodes)
	}
}
