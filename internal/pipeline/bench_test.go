package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// contacts is a target with a REST API whose records live in memory.
type contacts struct {
	mu       sync.Mutex
	statuses map[string]string
}

func (c *contacts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/contacts/")
	var body struct{ Status string }
	if r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, "{}", http.StatusUnprocessableEntity)
			return
		}
	}
	c.mu.Lock()
	if body.Status != "" {
		c.statuses[id] = body.Status
	}
	value := c.statuses[id]
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":%q,"status":%q}`, id, value)
}

const (
	benchCustomers = 2000
	benchWorkers   = 256
)

// BenchmarkPath carries changes from the claim to the settlement, on a SQLite
// file with full sync, into a target over loopback HTTP: one read and one write
// each. Beside it, in the same run, as many workers make the same two calls
// with nothing around them, and then a loop makes them one after the other.
// ratio is carried by the loop, parallel-ratio by the workers.
func BenchmarkPath(b *testing.B) { benchPath(b, nil) }

// BenchmarkPathWithLimits is the same with limits that are never reached.
func BenchmarkPathWithLimits(b *testing.B) {
	benchPath(b, &config.Limits{WritesPerCustomer: &config.WritesPerCustomer{Count: 6, Within: time.Millisecond},
		MassChange: &config.MassChange{To: []status.Status{"active", "paused"}, Customers: 1e6, Within: time.Hour}})
}

func benchPath(b *testing.B, limits *config.Limits) {
	server := httptest.NewServer(&contacts{statuses: map[string]string{}})
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchWorkers}}
	defer client.CloseIdleConnections()
	target, err := httpconn.Open("crm", config.Connection{Name: "crm", BaseURL: server.URL, Timeout: 10 * time.Second}, &httpconn.Settings{
		Record: httpconn.Record{ID: "record.id", Status: "record.status"},
		Read:   &httpconn.Read{Get: "/contacts/{id}", Record: "body"},
		Write:  &httpconn.Write{Put: "/contacts/{id}", Body: map[string]any{"status": "{value}"}},
	}, connector.Deps{HTTP: client})
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(context.Background(), store.Options{DSN: filepath.Join(b.TempDir(), "trueup.db"), Migrate: true, Work: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	p := New(Options{Store: db, Workers: benchWorkers, Syncs: []Sync{{
		Config: config.Sync{Name: syncName, Mode: config.ModeLive, Limits: limits, Match: []config.MatchRule{{Source: "id", Target: "id", Confidence: 1}},
			Statuses: map[status.Status]config.StatusMap{"active": {From: []string{"active"}, To: "Active"}, "paused": {From: []string{"paused"}, To: "Paused"}}},
		From: connector.Connection{Name: "billing", EventSource: events{}}, To: target}}})
	round := 0
	carryRound := func(n int) time.Duration {
		for n > 0 { // all customers once, to and fro
			round++
			receiveRound(b, db, round, min(n, benchCustomers))
			n -= benchCustomers
		}
		return drain(b, db, p)
	}
	carryRound(benchCustomers) // links, caches
	b.ResetTimer()
	var carried, bare, loop time.Duration
	for left := b.N; left > 0; left -= benchCustomers {
		n := min(left, benchCustomers)
		carried += carryRound(n)
		bare += bareCalls(b, client, server.URL, n, benchWorkers)
		loop += bareCalls(b, client, server.URL, n, 1)
	}
	b.ReportMetric(float64(b.N)/carried.Seconds(), "carried/s")
	b.ReportMetric(float64(b.N)/loop.Seconds(), "loop/s")
	b.ReportMetric(float64(b.N)/bare.Seconds(), "parallel/s")
	b.ReportMetric(loop.Seconds()/carried.Seconds(), "ratio")
	b.ReportMetric(bare.Seconds()/carried.Seconds(), "parallel-ratio")
}

// receiveRound changes the first n customers; it is not part of the path.
func receiveRound(b *testing.B, db *store.DB, round, n int) {
	b.Helper()
	value := []string{"active", "paused"}[round%2]
	var changes []store.NewEvent
	for i := range n {
		id := fmt.Sprint("cus_", i)
		changes = append(changes, store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: fmt.Sprintf("evt_%d_%d", round, i),
			Customer: id, Value: value, HasValue: true, OccurredAt: time.Now(), Payload: []byte(fmt.Sprintf(`{"ID":%q,"Value":%q}`, id, value))})
	}
	if _, err := db.Receive(context.Background(), changes); err != nil {
		b.Fatal(err)
	}
}

// drain runs the pipeline until nothing is due and returns how long it took.
func drain(b *testing.B, db *store.DB, p *Pipeline) time.Duration {
	b.Helper()
	claiming, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	began := time.Now()
	running.Go(func() { p.Run(context.Background(), claiming) })
	for {
		due, err := db.NextDue(context.Background(), syncName)
		if err != nil {
			b.Fatal(err)
		}
		if due.IsZero() {
			break
		}
		wait := time.NewTimer(10 * time.Millisecond)
		<-wait.C
	}
	took := time.Since(began)
	stop()
	running.Wait()
	return took
}

// bareCalls makes the two calls of each change, by so many workers.
func bareCalls(b *testing.B, client *http.Client, url string, n, workers int) time.Duration {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	began := time.Now()
	for range workers {
		all.Go(func() {
			for {
				i := left.Add(-1)
				if i < 0 {
					return
				}
				address := fmt.Sprintf("%s/contacts/cus_%d", url, i)
				for _, method := range []string{http.MethodGet, http.MethodPut} {
					req, err := http.NewRequest(method, address, strings.NewReader(`{"status":"Active"}`))
					if err != nil {
						b.Error(err)
						return
					}
					resp, err := client.Do(req)
					if err != nil {
						b.Error(err)
						return
					}
					var record struct{ ID, Status string }
					if err := json.NewDecoder(resp.Body).Decode(&record); err != nil {
						b.Error(err)
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
		})
	}
	all.Wait()
	return time.Since(began)
}
