package poll_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkPages compares the pages of a poll with a bare loop over the same list in
// the same run, which reads each page as JSON and stores nothing. A list has
// -records records, 100 a page.
func BenchmarkPages(b *testing.B) {
	const size = 100
	for engine, dsn := range engines {
		for name, old := range map[string]time.Duration{"nothing new": time.Hour, "all new": 0} {
			b.Run(engine+"/"+name, func(b *testing.B) {
				var bare, polled time.Duration
				for range b.N {
					b.StopTimer()
					m := &many{n: *records, size: size, changed: time.Now().Add(-time.Minute - old), asked: map[string]int{}}
					db := database(b, dsn(b))
					begun(b, db, m.changed.Add(2*old-time.Second))
					began := time.Now()
					bareLoop(b, m)
					bare += time.Since(began)
					p := service(b, db, m)
					b.StartTimer()
					began = time.Now()
					if asked, err := p.Ask(b.Context(), 0); err != nil || !asked {
						b.Fatal(asked, err)
					}
					polled += time.Since(began)
				}
				pages := float64(b.N * (*records / size))
				b.ReportMetric(pages/polled.Seconds(), "pages/s")
				b.ReportMetric(pages/bare.Seconds(), "bare-pages/s")
				b.ReportMetric(polled.Seconds()/bare.Seconds(), "times-bare")
			})
		}
	}
}

// bareLoop reads a list as a script would.
func bareLoop(b *testing.B, m *many) {
	server := httptest.NewServer(m)
	defer server.Close()
	for next := ""; ; {
		r, err := server.Client().Get(server.URL + "/customers?after=" + next)
		if err != nil {
			b.Fatal(err)
		}
		var body struct {
			Rows []any
			Next string
		}
		err = json.NewDecoder(r.Body).Decode(&body)
		_ = r.Body.Close()
		if next = body.Next; err != nil {
			b.Fatal(err)
		}
		if next == "" {
			return
		}
	}
}
