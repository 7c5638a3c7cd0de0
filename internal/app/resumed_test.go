package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// turning is a list of two pages that lead into each other, of a tool that stops
// answering once after a few of them.
type turning struct {
	mu      sync.Mutex
	asked   []string // the cursors, since the last restart
	answers int      // pages until it hangs, below 0 for never
	hangs   chan struct{}
}

func turn(tool *resttest.Tool, answers int) *turning {
	c := &turning{answers: answers, hangs: make(chan struct{})}
	tool.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("all") {
			return false
		}
		c.mu.Lock()
		c.asked = append(c.asked, r.URL.Query().Get("after"))
		if c.answers == 0 {
			c.answers = -1
			close(c.hangs)
			c.mu.Unlock()
			hang(w, r)
			return true
		}
		c.answers--
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		next := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("after")]
		fmt.Fprintf(w, `{"records":[{"id":"x_%s","email":"x@example.com","status":"active","updated_at":"2026-03-01T09:00:00Z"}],"next":%[1]q}`, next)
		return true
	})
	return c
}

// restarted forgets what was asked for before, and returns it.
func (c *turning) restarted() (before []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, c.asked = c.asked, nil
	return before
}

// A list that runs in a circle is a fault also where the program was stopped in
// the middle of it and goes on from where it was.
func TestAListThatRunsInACircleIsTheSameFaultAfterAStop(t *testing.T) {
	t.Parallel()
	const line = "    match: [{source: email, target: email}]\n"
	for name, tt := range map[string]struct {
		side  func(l *live) *resttest.Tool
		polls bool
	}{
		"a sweep": {side: func(l *live) *resttest.Tool { return l.crm }},
		"a poll":  {side: func(l *live) *resttest.Tool { return l.billing }, polls: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, engines["sqlite"](t))
			l.carried(1)
			text := strings.Replace(l.listing(), line, line+"    sweep: {every: 1h}\n", 1)
			if tt.polls {
				text = strings.Replace(l.listing(), "{connection: billing}", "{connection: billing, poll: 1h}", 1)
				text = strings.Replace(text, "keys: {email: record.email}}", "updated_at: record.updated_at, keys: {email: record.email}}", 1)
			}
			c := turn(tt.side(l), 1)
			l.must(l.reloadFrom(t.Context(), text, line, line))
			<-c.hangs
			l.stop(time.Minute)
			c.restarted()
			l.app = l.node(text)
			l.until("it is told", func() bool {
				return slices.ContainsFunc(l.exceptions(status.ConnectionFailed), func(x store.Exception) bool { return strings.Contains(x.Reason.Sentence(), "would never end") })
			})
			if asked := c.restarted(); len(asked) > 20 || asked[0] == "" {
				t.Errorf("after the stop these pages were asked for: %q", asked)
			}
		})
	}
	t.Run("a plan", func(t *testing.T) {
		t.Parallel()
		program, err := binary()
		if err != nil {
			t.Fatal(err)
		}
		l := newLive(t, engines["sqlite"](t))
		l.carried(1)
		l.stop(time.Minute)
		config := filepath.Join(t.TempDir(), "trueup.yaml")
		l.must(os.WriteFile(config, []byte(l.listing()), 0o600))
		c := turn(l.crm, 1)
		plan := func() *exec.Cmd {
			return exec.CommandContext(t.Context(), program, "plan", "customer-status", "-c", config)
		}
		first := plan()
		l.must(first.Start())
		<-c.hangs
		l.must(first.Process.Signal(os.Interrupt))
		if err := first.Wait(); err == nil {
			t.Error("a plan that was interrupted ends well")
		}
		c.restarted()
		out, err := plan().CombinedOutput()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "crm") || !strings.Contains(string(out), "would never end") {
			t.Errorf("it ended with %v: %s", err, out)
		}
		if asked := c.restarted(); len(asked) > 20 || asked[0] == "" {
			t.Errorf("after the stop these pages were asked for: %q", asked)
		}
	})
}
