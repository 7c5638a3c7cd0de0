package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A person's edit that was seen to happen while the sync only watched stays when it
// goes live, although the source wins at first contact.
func TestAnEditThatWasSeenWhileWatchingStaysWhenTheSourceWins(t *testing.T) {
	t.Parallel()
	const watch, wins = "    mode: watch\n", "    first_contact: source_wins\n"
	l := newLive(t, engines["sqlite"](t), closeClocks, wins, watch)
	l.customer(1)
	l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), Status: "Active", UpdatedBy: "human:ben"})
	changed := time.Now()
	l.change(1, "evt_1", "canceled")
	l.quiet()
	l.must(l.reloadFrom(t.Context(), configText(l.dsn, l.billing.URL, l.crm.URL)+closeClocks+wins, "mode: live", "mode: live"))
	edited := time.Now()
	l.until("the clock has gone on", func() bool { return time.Since(edited) > 5*time.Millisecond })
	l.crm.Edit("rec_1", "Paused", "human:ana")
	l.tell("evt_2", "cus_1", "canceled", changed)
	l.quiet()
	if open := l.exceptions(status.Conflict); l.crm.Status("rec_1") != "Paused" || len(l.crm.Written()) > 0 || len(open) != 1 {
		t.Errorf("the record holds %s, written were %v, open is %+v", l.crm.Status("rec_1"), l.crm.Written(), open)
	}
}

// A share of next to nobody stops no installation that has just begun.
func TestANewInstallationIsNotHaltedByItsFirstCancellations(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t), "    limits: {mass_change: {to: [churned], customers: 50, percent: 5, within: 1h}}\n")
	const canceled = 5
	for n := range canceled {
		l.customer(n)
		l.change(n, fmt.Sprint("evt_", n), "canceled")
	}
	l.quiet()
	if open := l.exceptions(status.MassChange); l.churned() != canceled || len(open) > 0 {
		t.Errorf("%d of %d are carried, open is %+v", l.churned(), canceled, open)
	}
}

// Two pages of a list that lead into each other are a fault that is told, and are
// not read for ever.
func TestAListThatRunsInACircleIsTold(t *testing.T) {
	t.Parallel()
	for name, side := range map[string]func(l *live) *resttest.Tool{
		"a poll": func(l *live) *resttest.Tool { return l.billing }, "a sweep": func(l *live) *resttest.Tool { return l.crm },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, engines["sqlite"](t))
			l.carried(1)
			pages := circle(side(l))
			const line = "    match: [{source: email, target: email}]\n"
			l.must(l.reloadFrom(t.Context(), l.listing(), line, line+"    sweep: {every: 1h}\n"))
			l.until("it is told", func() bool {
				return slices.ContainsFunc(l.exceptions(status.ConnectionFailed), func(x store.Exception) bool { return strings.Contains(x.Reason.Sentence(), "would never end") })
			})
			l.change(1, "evt_2", "canceled")
			l.until("others are carried", func() bool { return l.crm.Status("rec_1") == "Churned" })
			if n := pages.Load(); n > 20 {
				t.Errorf("%d pages of a circle of two were read", n)
			}
		})
	}
}

// A customer whose events go on coming keeps his place before those who came later.
func TestAnEventPutsNobodyWhoWaitsAtTheEnd(t *testing.T) {
	const others = 80
	l := newLive(t, engines["sqlite"](t))
	for n := range others + 1 {
		l.customer(n)
	}
	var mu sync.Mutex
	var asked []string
	var open atomic.Bool
	l.billing.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if !open.Load() {
			code(http.StatusTooManyRequests, "Retry-After", "1")(w, r)
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, strings.TrimPrefix(r.URL.Path, "/records/"))
		return false
	})
	l.change(others, "evt_busy", "paused")
	for n := range others {
		l.change(n, fmt.Sprint("evt_", n), "paused")
	}
	l.change(others, "evt_busy_again", "paused")
	open.Store(true)
	l.quiet()
	mu.Lock()
	defer mu.Unlock()
	if place := slices.Index(asked, fmt.Sprint("cus_", others)); place < 0 || place > others/2 {
		t.Errorf("the busy customer was the %d. of %d", place+1, len(asked))
	}
}

// A tool that says "too many requests", and not for how long, is found to be free
// again soon, and everybody is carried at the speed that it allows.
func TestAToolThatOnlySaysTooManyRequestsIsCarriedAtItsSpeed(t *testing.T) {
	t.Parallel()
	const customers, aSecond = 15, 15
	l := newLive(t, engines["sqlite"](t))
	for n := range customers {
		l.customer(n)
	}
	var mu sync.Mutex
	var calls []time.Time
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		calls = slices.DeleteFunc(calls, func(at time.Time) bool { return now.Sub(at) > time.Second })
		if len(calls) >= aSecond {
			code(http.StatusTooManyRequests)(w, r)
			return true
		}
		calls = append(calls, now)
		return false
	})
	for n := range customers {
		l.change(n, fmt.Sprint("evt_", n), "canceled")
	}
	l.until("all are carried", func() bool { return l.churned() == customers })
	if n := len(l.crm.Written()); n != customers {
		t.Errorf("%d writes for %d customers", n, customers)
	}
}

// A source whose clock is an hour behind tells of its changes in its own time, and
// a poll finds them; who was forgotten is not found again by what he was before.
func TestAPollFindsWhatChangedByTheToolsOwnClock(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	set := func(n int, value string) {
		l.billing.Set(resttest.Record{ID: fmt.Sprint("cus_", n), Email: mail(n), Status: value, UpdatedAt: time.Now().Add(-time.Hour)})
	}
	for n := range 2 {
		set(n, "paused")
		l.crm.Set(resttest.Record{ID: fmt.Sprint("rec_", n), Email: mail(n), UpdatedBy: "human:ben"})
		l.tell(fmt.Sprint("evt_", n), fmt.Sprint("cus_", n), "paused", time.Now())
	}
	l.quiet()
	var lists atomic.Int32
	l.billing.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("all") {
			lists.Add(1)
		}
		return false
	})
	text := strings.Replace(l.listing(), "keys: {email: record.email}}", "updated_at: record.updated_at, keys: {email: record.email}}", 1)
	l.must(l.reloadFrom(t.Context(), text, "{connection: billing}", "{connection: billing, poll: 10s}"))
	l.until("the first poll was made", func() bool { return lists.Load() > 0 })
	_, err := l.db.Forget(t.Context(), "customer-status", "cus_1", "cus_1")
	l.must(err)
	set(0, "canceled")
	l.until("the change is carried", func() bool { return l.crm.Status("rec_0") == "Churned" })
	found, err := l.db.Customers(t.Context(), "customer-status", "cus_1")
	l.must(err)
	if len(found) > 0 {
		t.Errorf("who was forgotten is there again: %+v", found)
	}
}

// The same list ends a plan that somebody has asked for, with a sentence.
func TestAListThatRunsInACircleEndsAPlan(t *testing.T) {
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
	pages := circle(l.crm)
	out, err := exec.CommandContext(t.Context(), program, "plan", "customer-status", "-c", config).CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "crm") || !strings.Contains(string(out), "would never end") {
		t.Errorf("it ended with %v: %s", err, out)
	}
	if n := pages.Load(); n > 20 {
		t.Errorf("%d pages of a circle of two were read", n)
	}
}

// circle has a tool's list be two pages that lead into each other, and counts them.
func circle(tool *resttest.Tool) *atomic.Int32 {
	var pages atomic.Int32
	tool.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("all") {
			return false
		}
		n := pages.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"records":[{"id":"x_%d","email":"x@example.com","status":"active","updated_at":"2026-03-01T09:00:00Z"}],"next":"%d"}`, n%2, n%2)
		return true
	})
	return &pages
}

// The rows of a plan are written several at once.
func TestAnApplyWritesSeveralRowsAtOnce(t *testing.T) {
	t.Parallel()
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	const customers = 12
	l := newLive(t, engines["sqlite"](t))
	for n := range customers {
		l.customer(n)
	}
	l.stop(time.Minute)
	config := filepath.Join(t.TempDir(), "trueup.yaml")
	l.must(os.WriteFile(config, []byte(l.listing()), 0o600))
	// Exit code 3 says that there is something to do.
	run := func(args ...string) []byte {
		out, err := exec.CommandContext(t.Context(), program, append(args, "-c", config, "--json")...).Output()
		if len(out) == 0 {
			t.Fatalf("trueup %v: %v", args, err)
		}
		return out
	}
	var plan struct {
		Hash string
		Rows []json.RawMessage
	}
	l.must(json.Unmarshal(run("plan", "customer-status"), &plan))
	var now, most int
	var mu sync.Mutex
	second := make(chan struct{})
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		mu.Lock()
		if now++; now > most {
			most = now
		}
		if now == 2 && most == 2 {
			select {
			case <-second:
			default:
				close(second)
			}
		}
		mu.Unlock()
		select {
		case <-second:
		case <-r.Context().Done():
		}
		l.crm.Write(w, r)
		mu.Lock()
		now--
		mu.Unlock()
		return true
	})
	var result struct{ Applied, Refused, Failed, Left int }
	out := run("apply", "customer-status", "--plan", plan.Hash, "--yes")
	l.must(json.Unmarshal(out, &result))
	if result.Applied != customers || result.Refused+result.Failed+result.Left > 0 {
		t.Errorf("of %s it came to %s", plan.Rows, out)
	}
	mu.Lock()
	defer mu.Unlock()
	if most < 2 {
		t.Errorf("the rows were written one after the other")
	}
}
