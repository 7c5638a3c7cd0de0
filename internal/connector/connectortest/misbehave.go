package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

const (
	ruleNoneLost  = "a poll that is disturbed goes on where it was, or begins again: each change is brought by it or by the next one, and nobody is told of one that is not"
	ruleOneID     = "what a list shows twice is one change and has one event id, or it is carried twice"
	ruleNoneStuck = "a place in a list that the tool no longer takes must not stop the poll for good"
)

// Rest is how a tool that says "too often" wants to be left alone.
const rest = 17 * time.Second

// listing is how many customers change while the tool misbehaves: three pages of
// those with the largest ones.
const listing = 250

// apart is the time from one of their changes to the next: together they are more
// than any connector asks for again.
const apart = 10 * time.Second

// misdeed is a way to misbehave in the middle of a list. It answers the list's
// request whose good answer is known, and says whether it did.
type misdeed struct {
	name string
	// at is the request of the list that it happens at, 0 for each.
	at int
	do func(m *misbehaving, w http.ResponseWriter, r *http.Request, good []byte) bool
	// want is the failure that the poll must show, nil where it may show none.
	want  []connector.FailureKind
	after time.Duration
}

func misdeeds() []misdeed {
	bad := func(status int, contentType, body string) func(*misbehaving, http.ResponseWriter, *http.Request, []byte) bool {
		return func(_ *misbehaving, w http.ResponseWriter, r *http.Request, _ []byte) bool {
			answer(status, contentType, body)(w, r)
			return true
		}
	}
	broken := kinds(connector.Transient, connector.Misconfigured)
	return []misdeed{
		{name: "behaves"},
		{name: "repeats rows of the page before on each page", do: (*misbehaving).repeats},
		{name: "gives the rows of each page in another order", do: (*misbehaving).reorders},
		{name: "no longer takes the cursor of the second page", at: 2, do: (*misbehaving).refuses},
		{name: "says 429 at the second page", at: 2, do: bad(http.StatusTooManyRequests, "application/json", `{"message":"`+personal+`"}`), want: kinds(connector.RateLimited), after: rest},
		{name: "breaks off in the middle of the second page", at: 2, do: (*misbehaving).breaksOff, want: kinds(connector.Transient)},
		{name: "begins the second page and says no more", at: 2, do: (*misbehaving).hangs, want: kinds(connector.Transient)},
		{name: "answers the second page with 502 and a web page", at: 2, do: bad(http.StatusBadGateway, "text/html", "<html>"+personal), want: kinds(connector.Transient)},
		{name: "answers the second page with 200 and a web page", at: 2, do: bad(http.StatusOK, "text/html", "<html>"+personal), want: broken},
		{name: "has an empty page in the middle", at: 2, do: (*misbehaving).empties},
	}
}

// misbehaving is a polled tool that does one misdeed.
type misbehaving struct {
	polled
	t    *testing.T
	h    Harness
	does misdeed
	tool http.HandlerFunc
	// giveUp ends the call of whoever waits for a page.
	giveUp context.CancelFunc

	mu    sync.Mutex
	begun bool // it counts, and misbehaves
	count int
	asked string // the request
	first string // that of the first page
	shut  string // one that is refused until the first page is asked for
	// rows are the last of the page before.
	rows []json.RawMessage
}

// ServeHTTP implements http.Handler.
func (m *misbehaving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	again := func() *http.Request {
		out := r.Clone(r.Context())
		out.Body = io.NopCloser(bytes.NewReader(body))
		return out
	}
	w.Header().Set("Date", m.h.Now().Format(http.TimeFormat))
	kept := httptest.NewRecorder()
	kept.Header().Set("Date", w.Header().Get("Date"))
	m.tool(kept, again())
	good := kept.Body.Bytes()
	var parts map[string]json.RawMessage
	// Another call may have something else under that name.
	isList := json.Unmarshal(good, &parts) == nil && bytes.HasPrefix(bytes.TrimSpace(parts[m.h.Rows]), []byte("["))
	if isList && m.begun {
		m.count++
		m.asked = r.Method + " " + r.URL.RequestURI() + " " + string(body)
		if m.first == "" || m.first == m.asked {
			m.first, m.shut = m.asked, ""
		}
		meant := m.does.at == 0 || m.does.at == m.count || m.shut == m.asked
		if m.does.do != nil && meant && m.does.do(m, w, again(), good) {
			return
		}
	}
	for name, values := range kept.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(kept.Code)
	w.Write(good)
}

// edit answers with a page whose rows are others.
func (m *misbehaving) edit(w http.ResponseWriter, good []byte, change func(rows []json.RawMessage) []json.RawMessage) bool {
	var parts map[string]json.RawMessage
	var rows []json.RawMessage
	if json.Unmarshal(good, &parts) != nil || json.Unmarshal(parts[m.h.Rows], &rows) != nil {
		m.t.Errorf("the tool's list has no %s: %s", m.h.Rows, good)
		return false
	}
	var err error
	if parts[m.h.Rows], err = json.Marshal(change(rows)); err != nil {
		m.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(parts)
	return true
}

func (m *misbehaving) repeats(w http.ResponseWriter, _ *http.Request, good []byte) bool {
	return m.edit(w, good, func(rows []json.RawMessage) []json.RawMessage {
		before := m.rows
		m.rows = rows[max(0, len(rows)-3):]
		return slices.Concat(before, rows)
	})
}

// reorders leaves the last row where it is: some tools name the next page by it.
func (m *misbehaving) reorders(w http.ResponseWriter, _ *http.Request, good []byte) bool {
	return m.edit(w, good, func(rows []json.RawMessage) []json.RawMessage {
		if len(rows) > 2 {
			slices.Reverse(rows[:len(rows)-1])
		}
		return rows
	})
}

// refuses answers a request with 400 until the first page was asked for again.
func (m *misbehaving) refuses(w http.ResponseWriter, r *http.Request, _ []byte) bool {
	m.shut = m.asked
	answer(http.StatusBadRequest, "application/json", `{"error":{"message":"`+personal+`"}}`)(w, r)
	return true
}

func (m *misbehaving) breaksOff(w http.ResponseWriter, _ *http.Request, good []byte) bool {
	m.half(w, good)
	panic(http.ErrAbortHandler)
}

// hangs begins an answer and lets whoever waits for the rest give up.
func (m *misbehaving) hangs(w http.ResponseWriter, r *http.Request, good []byte) bool {
	m.half(w, good)
	m.giveUp()
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func (m *misbehaving) half(w http.ResponseWriter, good []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(good)))
	w.Write(good[:len(good)/2])
	w.(http.Flusher).Flush()
}

func (m *misbehaving) empties(w http.ResponseWriter, r *http.Request, _ []byte) bool {
	m.h.Empty(w, r)
	return true
}

// testMisbehaved polls a tool that misbehaves in the middle of its list.
func testMisbehaved(t *testing.T, h Harness) {
	if h.Rows == "" || h.Empty == nil {
		t.Fatal("the harness does not say under which name a page has its rows, or how an empty page looks")
	}
	for _, d := range misdeeds() {
		t.Run("a tool that "+d.name, func(t *testing.T) {
			m := &misbehaving{t: t, h: h, does: d, polled: polled{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
			m.h.Now = func() time.Time { m.polled.mu.Lock(); defer m.polled.mu.Unlock(); return m.polled.now }
			m.tool = h.Polled(m.changes)
			p := poller{misbehaving: m, w: open(t, m.h, m.ServeHTTP), ids: map[string]map[string]bool{}}
			p.poll()
			for i := range listing {
				m.changed(fmt.Sprintf("c%d", i), apart)
			}
			m.begin()
			p.poll()
			p.pass(time.Minute)
			p.poll()
			if n := m.pages(); n < 3 {
				t.Errorf("the list was asked for %d times: it has too few pages to misbehave in", n)
			}
			if len(d.want) > 0 && p.failed == 0 {
				t.Errorf("the poll shows no failure\nrule: %s", ruleKind)
			}
			m.changed("new", time.Second)
			p.poll()
			for _, c := range m.changes() {
				switch n := len(p.ids[c.Customer]); {
				case n == 0:
					t.Errorf("%s changed, and is not found\nrule: %s", c.Customer, ruleNoneLost)
				case n > 1:
					t.Errorf("the one change of %s has %d event ids\nrule: %s", c.Customer, n, ruleOneID)
				}
			}
		})
	}
}

func (m *misbehaving) pages() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

func (m *misbehaving) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun = true
}

// poller asks as the product does: it stores the cursor with each answer, and
// after a failure asks with the same one again.
type poller struct {
	*misbehaving
	w      *world
	cursor string
	ids    map[string]map[string]bool // of events, by customer
	failed int
}

func (p *poller) poll() {
	p.t.Helper()
	for more, turns := true, 0; more; turns++ {
		if turns > 2*listing {
			p.t.Fatalf("the poll does not end\nrule: %s", ruleNoneStuck)
		}
		ctx, cancel := context.WithCancel(p.t.Context())
		p.misbehaving.mu.Lock()
		p.giveUp = cancel
		p.misbehaving.mu.Unlock()
		readings, next, goesOn, err := p.w.conn.Changes.Since(ctx, p.cursor)
		cancel()
		if err != nil {
			p.fails(err, len(readings))
			continue
		}
		for _, r := range readings {
			if r.Err != nil {
				p.t.Fatalf("a change cannot be read: %v", r.Err)
			}
			if p.ids[r.Event.Customer] == nil {
				p.ids[r.Event.Customer] = map[string]bool{}
			}
			p.ids[r.Event.Customer][r.Event.ID] = true
		}
		p.cursor, more = next, goesOn
	}
}

func (p *poller) fails(err error, readings int) {
	p.t.Helper()
	p.w.discreet("the poll's", err)
	f := failureOf(p.t, err)
	if p.failed++; p.failed > 10 {
		p.t.Fatalf("it fails again and again: %v\nrule: %s", err, ruleNoneStuck)
	}
	if f.Effect == connector.EffectUnknown || readings > 0 {
		p.t.Errorf("it fails with effect %s and %d changes\nrule: %s", f.Effect, readings, ruleReadEffect)
	}
	if len(p.does.want) > 0 && (!slices.Contains(p.does.want, f.Kind) || f.RetryAfter != p.does.after) {
		if !(p.does.after == 0 && f.RetryAfter == rest) { // a 502 may say it as well
			p.t.Errorf("got kind %s (%v) and a rest of %v, want %v and %v\nrule: %s", f.Kind, f, f.RetryAfter, p.does.want, p.does.after, ruleKind)
		}
	}
	if again, ok := connector.Anew(p.cursor); ok && f.Anew {
		p.cursor = again
	}
}
