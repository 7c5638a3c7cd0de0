package suggest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"trueup/internal/connector"
	"trueup/internal/status"
	"trueup/internal/store"
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
	db, err := store.Open(t.Context(), store.Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
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
	if want := (Result{Customers: 2, Found: 1, Records: 3, PassedBy: 1}); err != nil || got != want {
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
