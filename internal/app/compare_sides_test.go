package app_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// field is what a compared record has in a field.
func field(r contract.ComparedRecord, name string) contract.ComparedField {
	for _, f := range r.Fields {
		if f.Field == name {
			return f
		}
	}
	return contract.ComparedField{}
}

func TestAConflictIsComparedWithTheLinkedRecord(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	conflict(l)
	l.quiet()
	cfg, err := config.Load(l.configFile(), app.Types(), os.LookupEnv)
	l.must(err)
	c, err := app.Compare(t.Context(), cfg, l.db, l.exceptions(status.Conflict)[0])
	l.must(err)
	if c.Customer.ID != "cus_1" || len(c.Candidates) != 1 || c.Candidates[0].ID != "rec_1" || !c.Candidates[0].Linked || c.Candidates[0].Value != "Churned" || c.Candidates[0].Status != "churned" {
		t.Errorf("%+v", c)
	}
	if f := field(c.Candidates[0], "email"); f.Value != mail(1) || f.Likeness != identity.Same || c.Partial != "" || c.Candidates[0].ReadAt == nil {
		t.Errorf("the address is %+v", f)
	}
}

// unmatched is a customer nobody can match, with two candidates.
func unmatched(l *live) store.Exception {
	l.Helper()
	l.crm.Set(resttest.Record{ID: "rec_8", Email: "accounts@halden.example", Status: "Active"})
	l.crm.Set(resttest.Record{ID: "rec_9", Email: "nobody@elsewhere.example"})
	l.changeOf("cus_2", "ana@other.example", "evt_0", "paused")
	l.changeOf("cus_1", "billing@halden.example", "evt_1", "paused")
	l.until("nobody is found", func() bool { return len(l.exceptions(status.Unmatched)) == 2 })
	l.must(l.db.SetLink(l.Context(), store.Link{Sync: "customer-status", Customer: "cus_2", TargetID: "rec_9", By: "ana", Confidence: 1}))
	x := l.about(1)
	l.must(l.db.SetCandidates(l.Context(), x.ID, []status.Candidate{{TargetID: "rec_8", Confidence: 0.74}, {TargetID: "rec_9", Confidence: 0.4}}))
	return l.about(1)
}

func TestEachCandidateSaysHowLikeItIsAndWhoseItIs(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	c, err := l.app.Compare(t.Context(), unmatched(l))
	l.must(err)
	if len(c.Candidates) != 2 || c.Customer.Status != "paused" {
		t.Fatalf("%+v", c)
	}
	if one, two := field(c.Candidates[0], "email"), field(c.Candidates[1], "email"); one.Likeness != identity.Close || two.Likeness != identity.Different || two.Value != "nobody@elsewhere.example" {
		t.Errorf("the addresses are %+v and %+v", one, two)
	}
	if c.Candidates[0].LinkedTo != "" || c.Candidates[1].LinkedTo != "cus_2" || c.Candidates[0].Confidence != 0.74 {
		t.Errorf("%+v", c.Candidates)
	}
	if after := l.about(1); after.State != status.Open || after.Count != 1 {
		t.Errorf("it changed the exception: %+v", after)
	}
}

func TestHalfOfAComparisonIsShownWhenOneToolDoesNotAnswer(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	x := unmatched(l)
	l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		away := r.URL.Path == "/records/rec_8"
		if away {
			code(http.StatusServiceUnavailable)(w, r)
		}
		return away
	})
	c, err := l.app.Compare(t.Context(), x)
	l.must(err)
	if c.Candidates[0].Error == "" || c.Candidates[0].ReadAt != nil || field(c.Candidates[0], "email").Likeness != identity.NotCompared {
		t.Errorf("what was not read is %+v", c.Candidates[0])
	}
	if c.Customer.Error != "" || c.Candidates[1].Error != "" || field(c.Candidates[1], "email").Likeness != identity.Different || !strings.Contains(c.Partial, "Not everything could be read") {
		t.Errorf("the rest is %+v", c)
	}
}

func TestAnExceptionAboutAWholeSyncIsNotCompared(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	var refused *exceptions.RefusedError
	if _, err := l.app.Compare(t.Context(), store.Exception{ID: 7, NewException: store.NewException{Sync: "customer-status"}}); !errors.As(err, &refused) || refused.Hint == "" {
		t.Errorf("it comes to %v", err)
	}
	if _, err := l.app.Compare(t.Context(), store.Exception{ID: 7, NewException: store.NewException{Sync: "removed", Customer: "cus_1"}}); !errors.As(err, &refused) || !strings.Contains(refused.Why, "no longer in trueup.yaml") {
		t.Errorf("it comes to %v", err)
	}
}
