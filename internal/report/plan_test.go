package report

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

var madeAt = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func somePlan() store.Sweep {
	return store.Sweep{Sync: "customer-status", Hash: "1f3a2b4c", EndedAt: madeAt, Summary: store.Summary{Agree: 3, Write: 1, UnmatchedTarget: 7},
		SourceAside: 1, Asides: []store.Aside{{Side: store.SourceSide, ID: "cus_<9>", Problem: "record.status: the value is a list"}}}
}

func TestAPlanIsOnePageThatLoadsNothing(t *testing.T) {
	rows := func(yield func(store.PlanRow, error) bool) {
		yield(store.PlanRow{Customer: "<b>cus_1", TargetID: "rec_1", Action: "write", Before: "Paused", After: "Active", Reason: reason.Text("nobody had changed it")}, nil)
	}
	var page strings.Builder
	if err := WritePlan(&page, somePlan(), "billing", "crm", rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"75.0%", "&lt;b&gt;cus_1<td>rec_1<td>Paused<td>Active<td>write<td>nobody had changed it",
		"<th>crm has<th>billing wants<th>action", "<tr><th><th class=\"n\">customers", "without a customer<td class=\"n\">7", "1 record of billing cannot be read and is not compared: cus_&lt;9&gt; (record.status: the value is a list)", "trueup apply customer-status --plan 1f3a2b4c", "2026-03-01 09:00 UTC", "</html>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, page.String())
		}
	}
	for _, loads := range []string{"http://", "https://", "src=", "<link", "@import", "url("} {
		if strings.Contains(page.String(), loads) {
			t.Errorf("it loads something: %q", loads)
		}
	}
}

// A page of a million rows is written while they are read.
func TestThePageOfAPlanIsWrittenAsItsRowsAreRead(t *testing.T) {
	const many = 20_000
	read, written := 0, 0
	furthest := 0 // how far reading ran ahead of writing
	rows := func(yield func(store.PlanRow, error) bool) {
		for read = 0; read < many; read++ {
			furthest = max(furthest, read-written)
			if !yield(store.PlanRow{Customer: "cus"}, nil) {
				return
			}
		}
	}
	count := writer(func(text []byte) { written += strings.Count(string(text), "cus") })
	if err := WritePlan(count, somePlan(), "billing", "crm", rows); err != nil {
		t.Fatal(err)
	}
	if written < many || furthest > 1 {
		t.Errorf("%d rows were read and %d written, up to %d were waiting", read, written, furthest)
	}
}

type writer func([]byte)

func (w writer) Write(text []byte) (int, error) { w(text); return len(text), nil }

func TestAPlanThatCannotBeReadIsNoWholePage(t *testing.T) {
	broken := errors.New("the database is gone")
	err := WritePlan(io.Discard, somePlan(), "billing", "crm", func(yield func(store.PlanRow, error) bool) { yield(store.PlanRow{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("it ends with %v", err)
	}
}
