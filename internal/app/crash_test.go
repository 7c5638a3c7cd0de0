package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/connector/sqltable/mysqltest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(mysqltest.Tests{M: m})
	if binaryDir != "" {
		os.RemoveAll(binaryDir)
	}
	os.Exit(code)
}

// engines gives each engine's way to an empty database.
var engines = map[string]func(*testing.T) string{
	"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "trueup.db") },
	"postgres": func(t *testing.T) string { return storetest.Schema(t) },
}

// boundaries are all points between two steps, from the webhook to the
// settlement. again says that a customer who was carried before meets it too.
var boundaries = []struct {
	name  string
	again bool
}{
	{"stored", true}, {"claimed", true}, {"source_read", true}, {"mapped", true}, {"matched", true}, {"linked", false}, {"target_read", true},
	{"decided", true}, {"intent", true}, {"sent", true}, {"confirmed", true}, {"settling", true}, {"settled", true},
}

// binaryDir is where binary was built, "" when it was not.
var binaryDir string

// binary builds the program with its failpoints.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "trueup-crash-")
	if err != nil {
		return "", err
	}
	binaryDir = dir
	path := filepath.Join(dir, "trueup")
	cmd := exec.Command("go", "build", "-tags", "failpoint", "-ldflags=-s -w", "-o", path, "github.com/trueup-sync/trueup/cmd/trueup")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

// Killed at each boundary and started again: nothing acknowledged is lost,
// nothing is written twice, and the base is what the target holds.
func TestKilledAtEachBoundary(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("all", func(t *testing.T) {
		for engine, dsn := range engines {
			for _, b := range boundaries {
				t.Run(engine+"/"+b.name, func(t *testing.T) {
					t.Parallel()
					c := newCrash(t, path, dsn(t))
					c.kill(b.name, "evt_1", "active")
					c.carried("evt_1", "Active", 1)
					if b.again {
						c.kill(b.name, "evt_2", "canceled")
						c.carried("evt_2", "Churned", 2)
					}
				})
			}
		}
	})
}

// With a lease of ten minutes nothing is carried but what is taken back.
func TestWhatAKilledServiceHeldIsCarriedAtOnceByTheNextOne(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("all", func(t *testing.T) {
		for engine, dsn := range engines {
			for _, failpoint := range []string{"claimed", "intent", "sent"} {
				t.Run(engine+"/"+failpoint, func(t *testing.T) {
					t.Parallel()
					c := newCrash(t, path, dsn(t))
					c.lease = "10m"
					c.kill(failpoint, "evt_1", "active")
					began := time.Now()
					c.carried("evt_1", "Active", 1)
					t.Logf("carried after %s", time.Since(began))
				})
			}
		}
	})
}

// crash is two tools and a service that is killed between them.
type crash struct {
	*testing.T
	binary, dsn, config string
	billing, crm        *resttest.Tool
	lease               string
	// unanswered is a webhook that the kill left without an answer: its sender
	// sends it again.
	unanswered string
}

func newCrash(t *testing.T, binary, dsn string) *crash {
	c := &crash{T: t, binary: binary, dsn: dsn, lease: "1s", billing: resttest.New(t), crm: resttest.New(t), config: filepath.Join(t.TempDir(), "trueup.yaml")}
	if err := os.WriteFile(c.config, []byte(configText(dsn, c.billing.URL, c.crm.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	c.crm.Set(resttest.Record{ID: "rec_1", Email: "ana@example.com", UpdatedBy: "human:ben"})
	return c
}

// service is a running trueup.
type service struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs the program and waits until it listens. failpoint may be "".
func (c *crash) start(failpoint string) *service {
	c.Helper()
	cmd := exec.Command(c.binary, "run", "-c", c.config, "--lease", c.lease, "--log-format", "json")
	cmd.Env = append(os.Environ(), "TRUEUP_FAILPOINT="+failpoint)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	logs, err := cmd.StderrPipe()
	if err != nil {
		c.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	s := &service{cmd: cmd, done: make(chan struct{})}
	url := make(chan string, 1)
	var text bytes.Buffer
	go func() {
		defer close(s.done)
		lines := bufio.NewScanner(logs)
		for lines.Scan() {
			fmt.Fprintln(&text, lines.Text())
			var line struct{ Msg, URL string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "running" {
				url <- line.URL
			}
		}
		cmd.Wait()
	}()
	c.Cleanup(func() {
		cmd.Process.Kill()
		<-s.done
		if c.Failed() {
			c.Logf("the log of the run with failpoint %q:\n%s", failpoint, &text)
		}
	})
	select {
	case s.url = <-url:
	case <-s.done:
		c.Fatalf("it does not start: %s", &text)
	}
	return s
}

// kill changes the customer, tells a service of it, and waits until that has
// killed itself at the failpoint.
func (c *crash) kill(failpoint, event, value string) {
	c.Helper()
	c.billing.Set(resttest.Record{ID: "cus_1", Email: "ana@example.com", Status: value})
	s := c.start(failpoint)
	body := fmt.Sprintf(`{"id":%q,"customer":"cus_1","status":%q,"at":%q}`, event, value, time.Now().UTC().Format(time.RFC3339Nano))
	if !c.tell(s, body) {
		c.unanswered = body
	}
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		c.Fatalf("it was never killed at %s", failpoint)
	}
	if ws, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGKILL {
		c.Fatalf("it ended by itself: %s", s.cmd.ProcessState)
	}
}

// tell sends a webhook and reports whether it was acknowledged.
func (c *crash) tell(s *service, body string) bool {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), http.MethodPost, s.url+"/hooks/billing", strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("X-Token", hookToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false // killed before it answered
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		c.Fatalf("the webhook is answered %d %s, %v", resp.StatusCode, text, err)
	}
	return true
}

// carried starts the service again and checks how it ends.
func (c *crash) carried(event, value string, writes int) {
	c.Helper()
	s := c.start("")
	if c.unanswered != "" {
		c.tell(s, c.unanswered)
		c.unanswered = ""
	}
	db, err := store.Open(c.Context(), store.Options{DSN: c.dsn})
	if err != nil {
		c.Fatal(err)
	}
	defer db.Close()
	c.quiet(db)
	found, err := db.Events(c.Context(), store.EventFilter{Customer: "cus_1"})
	if err != nil {
		c.Fatal(err)
	}
	if len(found) == 0 || found[0].ID != event || found[0].Outcome == "" {
		c.Fatalf("the event that was stored is not there: %+v", found)
	}
	if o := found[0].Outcome; o != status.Applied && o != status.AlreadyEqual {
		c.Errorf("the event ended as %s: %s", o, found[0].Reason)
	}
	if got := c.crm.Status("rec_1"); got != value {
		c.Errorf("the target holds %q, not %q", got, value)
	}
	if got := c.crm.Written(); len(got) != writes {
		c.Errorf("%d writes reached the target, not %d: %v", len(got), writes, got)
	}
	customer, err := db.Customer(c.Context(), "customer-status", "cus_1")
	if err != nil {
		c.Fatal(err)
	}
	if b := customer.Base; !b.Known || b.Value != value || b.RecordID != "rec_1" {
		c.Errorf("the base is %+v, the target holds %q", b, value)
	}
	if open, err := db.Exceptions(c.Context(), store.ExceptionFilter{}); err != nil || len(open) > 0 {
		c.Errorf("exceptions: %v, %v", open, err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.Fatal(err)
	}
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		c.Errorf("it stops with exit code %d", code)
	}
}

// quiet waits until nothing is left to do now. A write that may yet arrive is
// looked for later, when it can arrive no more.
func (c *crash) quiet(db *store.DB) {
	c.Helper()
	deadline := time.Now().Add(time.Minute)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		counts, err := db.Counts(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		customer, err := db.Customer(c.Context(), "customer-status", "cus_1")
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			c.Fatal(err)
		}
		later := customer.DueAt.IsZero() || customer.DueAt.After(time.Now().Add(time.Minute))
		if err == nil && counts["customer-status"].WaitingEvents == 0 && later {
			return
		}
		if time.Now().After(deadline) {
			c.Fatalf("something still waits: %+v, the customer until %s", counts, customer.DueAt)
		}
	}
}
