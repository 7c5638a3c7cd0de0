package inbox

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

const senders = 256

// BenchmarkHooks sends signed webhooks from 256 senders over loopback, to the
// inbox on a SQLite file with full sync and to a bare handler that checks the
// same signature and stores nothing. Each half does b.N of them; ratio is
// durable by bare, in one run.
func BenchmarkHooks(b *testing.B) {
	f := newFixture(b)
	f.inbox.Log = slog.New(slog.DiscardHandler)
	verifier, err := signature.NewStandardWebhooks([]string{secret})
	if err != nil {
		b.Fatal(err)
	}
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
		if err != nil || verifier.Verify(r.Header, body, time.Now()) != nil {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	flood(b, bare, senders) // connections, caches
	flood(b, f.mux, senders)
	b.ResetTimer()
	bareTook := flood(b, bare, b.N)
	durableTook := flood(b, f.mux, b.N)
	b.ReportMetric(float64(b.N)/bareTook.Seconds(), "bare/s")
	b.ReportMetric(float64(b.N)/durableTook.Seconds(), "durable/s")
	b.ReportMetric(bareTook.Seconds()/durableTook.Seconds(), "ratio")
}

var sent atomic.Int64 // each event has an id of its own

// flood sends n webhooks and returns how long it took.
func flood(b *testing.B, h http.Handler, n int) time.Duration {
	b.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	key := []byte("trueup-trueup-trueup-trueup")
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	began := time.Now()
	for range senders {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				i := sent.Add(1)
				body := []byte(eventBody(fmt.Sprint("evt_", i), fmt.Sprint("cus_", i%5000)))
				req, err := http.NewRequest(http.MethodPost, server.URL+"/hooks/billing", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				req.Header = signature.SignStandard(key, fmt.Sprint("msg_", i), time.Now(), body)
				resp, err := client.Do(req)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Errorf("answered %d", resp.StatusCode)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began)
}
