package suggest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// source knows two customers by name.
type source map[string]map[string]string

func (s source) Read(_ context.Context, id string) (status.SourceRecord, error) {
	if s[id] == nil {
		return status.SourceRecord{}, errors.New("it is gone")
	}
	return status.SourceRecord{ID: id, Keys: s[id]}, nil
}

// list gives its records two at a time.
type list []status.TargetRecord

func (l list) List(_ context.Context, cursor string) ([]status.TargetRecord, string, error) {
	from := 0
	if cursor != "" {
		fmt.Sscan(cursor, &from)
	}
	to := min(from+2, len(l))
	next := ""
	if to < len(l) {
		next = fmt.Sprint(to)
	}
	return l[from:to], next, nil
}

func TestUnmatchedCustomersGetCandidatesOnce(t *testing.T) {
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ids := map[string]int64{}
	for _, customer := range []string{"cus_ana", "cus_hugo", "cus_gone"} {
		if ids[customer], err = db.OpenException(t.Context(), store.NewException{Sync: "s", Customer: customer, Kind: status.Unmatched, Stage: status.StageMatch}); err != nil {
			t.Fatal(err)
		}
	}
	s := &Suggester{Store: db, Sync: "s",
		Source: connector.Connection{Name: "billing", Source: source{"cus_ana": {"name": "Ana Ruiz"}, "cus_hugo": {"name": "Hugo Silva"}}},
		Target: connector.Connection{Name: "crm", TargetList: list{{ID: "rec_1", Keys: map[string]string{"name": "Ben Okafor"}},
			{ID: "rec_2", Keys: map[string]string{"name": "Noor Aziz"}}, {ID: "rec_3", Value: "Active", Keys: map[string]string{"name": "Ruiz, Ana"}}}}}
	got, err := s.Run(t.Context())
	if want := (Result{Customers: 2, Found: 1, Records: 3, PassedBy: 1, Last: ids["cus_gone"]}); err != nil || got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	x, err := db.Exception(t.Context(), ids["cus_ana"])
	if err != nil || len(x.Candidates) != 1 || x.Candidates[0].TargetID != "rec_3" || x.Candidates[0].Value != "Active" {
		t.Errorf("%+v, %v", x.Candidates, err)
	}
	if links, err := db.Links(t.Context(), "s"); err != nil || len(links) > 0 {
		t.Errorf("something was linked: %v, %v", links, err)
	}
	if again, err := s.Run(t.Context()); err != nil || again.Records != 0 || again.PassedBy != 1 {
		t.Errorf("once more: %+v, %v", again, err)
	}
}

// dirty is a list in which one record of a page cannot be read.
type dirty struct{ list }

func (d dirty) List(ctx context.Context, cursor string) ([]status.TargetRecord, string, error) {
	connector.SetAside(ctx, connector.Aside{ID: "rec_" + cursor, Problem: "record.keys.email: the value is a list"})
	return d.list.List(ctx, cursor)
}

func TestRecordsThatCannotBeReadAreToldOf(t *testing.T) {
	db, from := parked(t, 1, 0)
	s := &Suggester{Store: db, Sync: "s", Source: connector.Connection{Name: "billing", Source: from},
		Target: connector.Connection{Name: "crm", TargetList: dirty{list{{ID: "rec_1", Keys: map[string]string{"name": "Ana Ruiz"}}}}}}
	got, err := s.Run(t.Context())
	if err != nil || got.Found != 1 || got.SetAside == nil || got.SetAside.Records != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if text := got.SetAside.Text("crm"); text != "1 record of crm cannot be read and is not compared: rec_ (record.keys.email: the value is a list)" {
		t.Errorf("it says %q", text)
	}
}

// parked opens an unmatched exception for so many customers, whom the source
// knows but for the first unreadable ones.
func parked(t *testing.T, customers, unreadable int) (*store.DB, source) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	from := source{}
	for n := range customers {
		id := fmt.Sprint("cus_", n)
		if _, err := db.OpenException(t.Context(), store.NewException{Sync: "s", Customer: id, Kind: status.Unmatched, Stage: status.StageMatch}); err != nil {
			t.Fatal(err)
		}
		if n >= unreadable {
			from[id] = map[string]string{"name": "Ana Ruiz"}
		}
	}
	return db, from
}

func TestEverybodyHasATurnWhenARunIsForAFew(t *testing.T) {
	db, from := parked(t, 7, 3)
	s := &Suggester{Store: db, Sync: "s", Most: 2, Source: connector.Connection{Source: from},
		Target: connector.Connection{TargetList: list{{ID: "rec_1", Keys: map[string]string{"name": "Ana Ruiz"}}}}}
	found := 0
	for range 4 { // of 7, 2 at a time
		got, err := s.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Customers+got.PassedBy > 2 {
			t.Errorf("one run was for %d customers", got.Customers+got.PassedBy)
		}
		found += got.Found
		s.After = got.Last
	}
	if found != 4 {
		t.Errorf("%d of 4 who can be read have candidates", found)
	}
}

// endless is a list that only the caller can end, and a source that a stop cuts
// off in the middle.
type endless struct {
	stop         func()
	reads, pages int // until the stop
	after        int // calls that were made after it
}

func (e *endless) called(left *int) {
	if *left--; *left == 0 {
		e.stop()
		e.stop = nil
	} else if e.stop == nil {
		e.after++
	}
}

func (e *endless) Read(ctx context.Context, id string) (status.SourceRecord, error) {
	e.called(&e.reads)
	return status.SourceRecord{ID: id, Keys: map[string]string{"name": "Ana Ruiz"}}, ctx.Err()
}

func (e *endless) List(context.Context, string) ([]status.TargetRecord, string, error) {
	e.called(&e.pages)
	if e.after > 10 {
		return nil, "", errors.New("it went on after the stop")
	}
	return nil, "more", nil
}

func TestAStopEndsARunAtOnce(t *testing.T) {
	for name, e := range map[string]*endless{"while customers are read": {reads: 2}, "while the list is read": {pages: 2}} {
		t.Run(name, func(t *testing.T) {
			db, _ := parked(t, 5, 0)
			ctx, stop := context.WithCancel(t.Context())
			e.stop = stop
			s := &Suggester{Store: db, Sync: "s", Source: connector.Connection{Source: e}, Target: connector.Connection{TargetList: e}}
			got, err := s.Run(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("it ended with %v", err)
			}
			if got.PassedBy > 0 || e.after > 0 {
				t.Errorf("it went on: %+v, %+v", got, *e)
			}
			if waiting, err := db.WithoutCandidates(t.Context(), "s"); err != nil || len(waiting) != 5 {
				t.Errorf("%d wait for the next run, %v", len(waiting), err)
			}
		})
	}
}
