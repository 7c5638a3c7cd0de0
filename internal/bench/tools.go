package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tools are the two sample tools, billing and crm, on one port. Customer i of billing is
// contact i of crm; what they hold is a value each, so that a million of them need little.
type tools struct {
	url    string
	server *http.Server
	// latency is how long crm takes to answer, in nanoseconds.
	latency atomic.Int64

	reads, writes, pages atomic.Int64 // calls that were answered

	mu        sync.Mutex
	billing   []value
	crm       []value
	changed   []time.Time // when billing last changed
	differing int
	agree     chan struct{}   // closed while none differs
	took      []time.Duration // from a change to the write that showed it
}

// value is a status: 0 is none.
type value uint8

var (
	billingWords = []string{"", "active", "paused", "canceled"}
	crmWords     = []string{"", "Active", "Paused", "Churned"}
)

const toolsPage = 200

// newTools starts the tools with so many customers. Both sides agree, but that each
// oneIn-th contact is empty; 0 leaves none empty.
func newTools(n, oneIn int) (*tools, error) {
	t := &tools{billing: make([]value, n), crm: make([]value, n), changed: make([]time.Time, n), agree: make(chan struct{})}
	for i := range n {
		t.billing[i], t.crm[i] = 1, 1
		if oneIn > 0 && i%oneIn == 0 {
			t.crm[i] = 0
			t.differing++
		}
	}
	if t.differing == 0 {
		close(t.agree)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the sample tools: %w", err)
	}
	t.url = "http://" + l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /billing/customers/{id}", t.readCustomer)
	mux.HandleFunc("GET /billing/customers", t.listCustomers)
	mux.HandleFunc("GET /crm/contacts/{id}", t.readContact)
	mux.HandleFunc("PUT /crm/contacts/{id}", t.write)
	mux.HandleFunc("GET /crm/contacts", t.listContacts)
	t.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go t.server.Serve(l) // it ends with close
	return t, nil
}

func (t *tools) close() { _ = t.server.Close() }

// change sets a customer's status in billing and returns the event about it.
func (t *tools) change(i int, v value, id string) []byte {
	t.mu.Lock()
	t.set(i, v, t.crm[i])
	t.changed[i] = time.Now()
	at := t.changed[i]
	t.mu.Unlock()
	return fmt.Appendf(nil, `{"id":%q,"occurred_at":%q,"data":{"id":%q,"status":%q}}`, id, at.UTC().Format(time.RFC3339Nano), customerID(i), billingWords[v])
}

// set stores both values of a customer and keeps count of who differs.
func (t *tools) set(i int, billing, crm value) {
	before, after := t.billing[i] != t.crm[i], billing != crm
	t.billing[i], t.crm[i] = billing, crm
	switch {
	case after && !before:
		if t.differing++; t.differing == 1 {
			t.agree = make(chan struct{})
		}
	case before && !after:
		if t.differing--; t.differing == 0 {
			close(t.agree)
		}
	}
}

// current is a customer's status in billing now.
func (t *tools) current(i int) value {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.billing[i]
}

// agreed waits until crm shows of everybody what billing says.
func (t *tools) agreed(ctx context.Context) error {
	t.mu.Lock()
	agree := t.agree
	t.mu.Unlock()
	select {
	case <-agree:
		return nil
	case <-ctx.Done():
		t.mu.Lock()
		defer t.mu.Unlock()
		return fmt.Errorf("%d customers still differ: %w", t.differing, context.Cause(ctx))
	}
}

// counted returns what was asked since the last time, and how long changes took.
func (t *tools) counted() (reads, writes int, took []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	took, t.took = t.took, nil
	return int(t.reads.Swap(0)), int(t.writes.Swap(0)), took
}

func customerID(i int) string { return fmt.Sprintf("cus_%08d", i) }

// number is the place of an id, -1 for one that there is not.
func (t *tools) number(id string) int {
	_, digits, _ := strings.Cut(id, "_")
	i, err := strconv.Atoi(digits)
	if err != nil || i < 0 || i >= len(t.billing) {
		return -1
	}
	return i
}

func (t *tools) readCustomer(w http.ResponseWriter, r *http.Request) {
	t.reads.Add(1)
	t.one(w, r, func(i int) []byte { return customerJSON(i, t.billing[i]) })
}

func (t *tools) readContact(w http.ResponseWriter, r *http.Request) {
	t.delay(r)
	t.reads.Add(1)
	t.one(w, r, func(i int) []byte { return contactJSON(i, t.crm[i]) })
}

func (t *tools) one(w http.ResponseWriter, r *http.Request, record func(int) []byte) {
	i := t.number(r.PathValue("id"))
	if i < 0 {
		http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
		return
	}
	t.mu.Lock()
	body := record(i)
	t.mu.Unlock()
	answer(w, body)
}

func (t *tools) write(w http.ResponseWriter, r *http.Request) {
	t.delay(r)
	var body struct{ Status string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&body)
	i, to := t.number(r.PathValue("id")), value(0)
	for v, word := range crmWords {
		if v > 0 && word == body.Status {
			to = value(v)
		}
	}
	if err != nil || i < 0 || to == 0 {
		http.Error(w, `{"error":"unusable"}`, http.StatusUnprocessableEntity)
		return
	}
	t.writes.Add(1)
	t.mu.Lock()
	if t.crm[i] != t.billing[i] && to == t.billing[i] && !t.changed[i].IsZero() {
		t.took = append(t.took, time.Since(t.changed[i]))
	}
	t.set(i, t.billing[i], to)
	t.mu.Unlock()
	answer(w, contactJSON(i, to))
}

func (t *tools) listCustomers(w http.ResponseWriter, r *http.Request) {
	t.list(w, r, "customers", func(i int) []byte { return customerJSON(i, t.billing[i]) })
}

// listContacts also finds one contact by its external_id.
func (t *tools) listContacts(w http.ResponseWriter, r *http.Request) {
	t.delay(r)
	named := r.URL.Query().Get("external_id")
	if named == "" {
		t.list(w, r, "contacts", func(i int) []byte { return contactJSON(i, t.crm[i]) })
		return
	}
	t.reads.Add(1)
	body := []byte(`{"contacts":[`)
	t.mu.Lock()
	if i := t.number(named); i >= 0 {
		body = append(body, contactJSON(i, t.crm[i])...)
	}
	t.mu.Unlock()
	answer(w, append(body, "]}"...))
}

func (t *tools) list(w http.ResponseWriter, r *http.Request, name string, record func(int) []byte) {
	t.pages.Add(1)
	from, _ := strconv.Atoi(r.URL.Query().Get("after")) // "" is the beginning
	to := min(max(from, 0)+toolsPage, len(t.billing))
	body := fmt.Appendf(nil, `{%q:[`, name)
	t.mu.Lock()
	for i := max(from, 0); i < to; i++ {
		if i > from {
			body = append(body, ',')
		}
		body = append(body, record(i)...)
	}
	t.mu.Unlock()
	next := ""
	if to < len(t.billing) {
		next = strconv.Itoa(to)
	}
	answer(w, fmt.Appendf(body, `],"next":%q}`, next))
}

func customerJSON(i int, v value) []byte {
	return fmt.Appendf(nil, `{"id":"cus_%08d","status":%q,"email":"customer.%08d@example.com"}`, i, billingWords[v], i)
}

func contactJSON(i int, v value) []byte {
	return fmt.Appendf(nil, `{"id":"rec_%08d","external_id":"cus_%08d","status":%q,"email":"customer.%08d@example.com"}`, i, i, crmWords[v], i)
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // whoever has gone asks again
}

// delay waits as long as crm takes.
func (t *tools) delay(r *http.Request) {
	d := time.Duration(t.latency.Load())
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// errSlow ends what does not come to an end.
var errSlow = errors.New("it did not end in the time that is given to it")
