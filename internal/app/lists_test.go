package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
)

// asksAnew reloads a file that polls and has more in the sync. A poll is made at
// once then, and a sweep when none has come to its end yet.
func (l *live) asksAnew(more string) {
	l.Helper()
	const line = "    match: [{source: email, target: email}]\n"
	text := strings.Replace(l.listing(), "{connection: billing}", "{connection: billing, poll: 1h}", 1)
	text = strings.Replace(text, "keys: {email: record.email}}", "updated_at: record.updated_at, keys: {email: record.email}}", 1)
	l.must(l.reloadFrom(l.Context(), text, line, line+more))
}

// A poll and a sweep that both fail are one exception, which says what still fails
// and is closed when both work again.
func TestAPollAndASweepThatBothFailAreOneException(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	l.carried(1)
	var refused atomic.Bool
	l.billing.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		no := r.URL.Query().Has("all") && refused.Load()
		if no {
			code(http.StatusForbidden)(w, r)
		}
		return no
	})
	sweeps := make(chan struct{})
	l.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("all") {
			select { // a sweep is not at its end before the poll is
			case <-sweeps:
			case <-r.Context().Done():
			}
		}
		return false
	})
	var first int64
	says := func(asking, comparing bool) bool {
		open := l.exceptions(status.ConnectionFailed)
		if len(open) > 1 {
			t.Fatalf("open is %+v", open)
		}
		if len(open) == 0 {
			return !asking && !comparing
		}
		if first == 0 {
			first = open[0].ID
		}
		if open[0].ID != first {
			t.Fatalf("another one is open: %+v", open)
		}
		return strings.Contains(open[0].Reason.Sentence(), "asking billing for its changes") == asking &&
			strings.Contains(open[0].Reason.Sentence(), "comparing both sides") == comparing
	}
	refused.Store(true)
	l.asksAnew("    sweep: {every: 1h}\n")
	l.until("it says that both fail", func() bool { return says(true, true) })
	refused.Store(false)
	l.asksAnew("    sweep: {every: 2h}\n")
	l.until("it says that the sweep fails", func() bool { return says(false, true) })
	close(sweeps)
	l.until("it is closed", func() bool { return says(false, false) })
	x, err := l.db.Exception(t.Context(), first)
	l.must(err)
	if x.State != status.Resolved {
		t.Errorf("the exception of both is %+v", x)
	}
}

// The other way round: the sweep fails first and recovers first. What the poll has
// to say is left open by it, and nothing is once the poll works again as well.
func TestASweepThatRecoversLeavesWhatThePollSays(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	l.carried(1)
	var sourceRefused, targetRefused atomic.Bool
	reached, sweeps := make(chan struct{}, 9), make(chan struct{})
	l.billing.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		no := r.URL.Query().Has("all") && sourceRefused.Load()
		if no {
			code(http.StatusForbidden)(w, r)
		}
		return no
	})
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case !r.URL.Query().Has("all"):
			return false
		case targetRefused.Load():
			code(http.StatusForbidden)(w, r)
			return true
		}
		reached <- struct{}{}
		select { // the source is listed, and the sweep not at its end
		case <-sweeps:
		case <-r.Context().Done():
		}
		return false
	})
	const asking, comparing = "asking billing for its changes", "comparing both sides"
	var first int64
	says := func(what ...string) bool {
		open := l.exceptions(status.ConnectionFailed)
		if len(open) == 0 {
			return len(what) == 0
		}
		if first == 0 {
			first = open[0].ID
		}
		if len(open) > 1 || open[0].ID != first {
			t.Fatalf("open is %+v", open)
		}
		var said []string
		for part := range strings.SplitSeq(open[0].Reason.Sentence(), ". Also: ") {
			before, _, _ := strings.Cut(part, ":")
			said = append(said, before)
		}
		return slices.Equal(said, what)
	}
	targetRefused.Store(true)
	l.asksAnew("    sweep: {every: 1h}\n")
	l.until("it says that the sweep fails", func() bool { return says(comparing) })
	targetRefused.Store(false)
	l.asksAnew("    sweep: {every: 2h}\n")
	<-reached
	sourceRefused.Store(true)
	l.asksAnew("    sweep: {every: 3h}\n")
	l.until("it says that the poll fails too", func() bool { return says(comparing, asking) })
	close(sweeps)
	l.until("it says that the poll fails", func() bool { return says(asking) })
	sourceRefused.Store(false)
	l.asksAnew("    sweep: {every: 4h}\n")
	l.until("it is closed", func() bool { return says() })
	x, err := l.db.Exception(t.Context(), first)
	l.must(err)
	if x.State != status.Resolved {
		t.Errorf("the exception of both is %+v", x)
	}
}

// Another field of the source changes after a person's newer edit, and a poll finds
// the record with the time of that: the edit is not written over.
func TestAPollThatFindsALaterTimeWritesOverNobodysEdit(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t), closeClocks)
	apart := func() {
		since := time.Now()
		l.until("the clock has gone on", func() bool { return time.Since(since) > 5*time.Millisecond })
	}
	l.carried(1)
	l.asksAnew(closeClocks)
	l.until("the first poll was made", func() bool {
		at, err := l.db.ListedAt(t.Context(), "billing")
		l.must(err)
		return !at.IsZero()
	})
	l.quiet()
	set := func(value string) { l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: value}) }
	apart()
	set("canceled")
	apart()
	l.crm.Edit("rec_1", "Active", "human:ana")
	apart()
	set("canceled") // a telephone number
	l.asksAnew(closeClocks + "    remind_after: 2h\n")
	l.until("it is held or written", func() bool {
		return len(l.exceptions(status.Conflict)) == 1 || l.crm.Status("rec_1") != "Active"
	})
	l.quiet()
	if got, want := fmt.Sprint(l.crm.Written()), "[rec_1:  → Paused]"; got != want || l.crm.Status("rec_1") != "Active" {
		t.Errorf("the record holds %s, written were %s", l.crm.Status("rec_1"), got)
	}
}
