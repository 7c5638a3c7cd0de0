package compare

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// many is a tool with any number of customers that makes up its pages as they
// are asked for: it holds nothing. One in a hundred differs from the other side.
type many struct {
	n      int
	target bool
}

const (
	manyPage = 200
	oneIn    = 100
)

// rows makes up one page. Each side lists the same customers in an order of its
// own, and neither of them in that of the ids.
func (m many) rows(cursor string) (ids []int, next string) {
	from, _ := strconv.Atoi(cursor)
	for i := from; i < min(from+manyPage, m.n); i++ {
		step := 7919 // like 104729 it is prime and divides no n that is measured
		if m.target {
			step = 104729
		}
		ids = append(ids, (i*step+13)%m.n)
	}
	if from+manyPage < m.n {
		next = strconv.Itoa(from + manyPage)
	}
	return ids, next
}

func mailOf(i int) map[string]string {
	return map[string]string{"email": fmt.Sprintf("customer.%08d@example.com", i)}
}

type manySources struct{ many }

func (m manySources) List(_ context.Context, cursor string) (found []status.SourceRecord, next string, err error) {
	ids, next := m.rows(cursor)
	for _, i := range ids {
		found = append(found, status.SourceRecord{ID: fmt.Sprintf("cus_%08d", i), Value: []string{"active", "paused", "canceled"}[i%3], UpdatedAt: began, Keys: mailOf(i)})
	}
	return found, next, nil
}

type manyTargets struct{ many }

func (m manyTargets) List(_ context.Context, cursor string) (found []status.TargetRecord, next string, err error) {
	ids, next := m.rows(cursor)
	for _, i := range ids {
		value := []string{"Active", "Paused", "Churned"}[i%3]
		if i%oneIn == 0 {
			value = ""
		}
		found = append(found, status.TargetRecord{ID: fmt.Sprintf("rec_%08d", i), Value: value, EditedAt: began, Keys: mailOf(i)})
	}
	return found, next, nil
}

// peak is the most memory that the process has had, in MiB, 0 where the system
// does not say.
func peak() float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// BenchmarkPlan makes the first plan of two tools with so many customers each,
// of whom nothing is known. Its memory is that of the process, so one size is
// measured at a time:
//
//	go test ./internal/compare -run '^$' -bench 'Plan/100000$' -benchtime 1x
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for range b.N {
				db, err := store.Open(b.Context(), store.Options{DSN: filepath.Join(b.TempDir(), "trueup.db"), Migrate: true, Work: true})
				if err != nil {
					b.Fatal(err)
				}
				w := &world{}
				w.setSync()
				w.sync.From = connector.Connection{Name: "billing", SourceList: manySources{many{n, false}}}
				w.sync.To = connector.Connection{Name: "crm", TargetList: manyTargets{many{n, true}}}
				phases, phase, since := map[store.Phase]time.Duration{}, store.PhaseSource, time.Now()
				s, err := Run(b.Context(), Options{Sync: w.sync, Store: db, Purpose: store.ForPlan, Progress: func(p Progress) {
					if p.Phase != phase {
						phases[phase], phase, since = time.Since(since), p.Phase, time.Now()
					}
				}})
				if err != nil {
					b.Fatal(err)
				}
				if s.Summary.Write != n/oneIn || s.Summary.Agree != n-n/oneIn {
					b.Fatalf("it came to %+v", s.Summary)
				}
				b.Logf("%d customers on each side: source %s, target %s, compare %s, and %s to drop what was read", n,
					phases[store.PhaseSource].Round(time.Millisecond), phases[store.PhaseTarget].Round(time.Millisecond),
					phases[store.PhaseCompare].Round(time.Millisecond), time.Since(since).Round(time.Millisecond))
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(peak(), "MiB-peak")
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "customers/s")
		})
	}
}
