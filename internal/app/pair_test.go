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
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestALinkIsLookedAtBeforeItIsMade(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	load := func(change func(*config.Sync)) *config.Config {
		cfg, err := config.Load(l.configFile(), app.Types(), os.LookupEnv)
		l.must(err)
		for name, s := range cfg.Syncs {
			change(&s)
			cfg.Syncs[name] = s
		}
		return cfg
	}
	byEmail := load(func(*config.Sync) {})
	byID := load(func(s *config.Sync) { s.Match = []config.MatchRule{{Source: "id", Target: "email", Confidence: 1}} })
	l.carried(1)
	// Two records with one address are nobody's until somebody says.
	l.billing.Set(resttest.Record{ID: "cus_2", Email: mail(2), Status: "active"})
	for _, id := range []string{"rec_2", "rec_3"} {
		l.crm.Set(resttest.Record{ID: id, Email: mail(2), UpdatedBy: "human:ben"})
	}
	l.change(2, "evt_2", "active")
	l.until("the two are told of", func() bool { return len(l.exceptions(status.AmbiguousMatch)) == 1 })
	l.billing.Set(resttest.Record{ID: "cus_9", Email: mail(9), Status: "active"})
	l.billing.Set(resttest.Record{ID: "cus_10", Email: mail(10), Status: "active"})
	l.crm.Set(resttest.Record{ID: "rec_8", Email: "cus_10"})
	l.crm.Set(resttest.Record{ID: "rec_9", Email: "someone.else@example.com"})
	l.crm.Set(resttest.Record{ID: "rec_10", Email: mail(1)})

	byPhone := load(func(s *config.Sync) { s.Match = []config.MatchRule{{Source: "phone", Target: "phone", Confidence: 1}} })
	_, err := l.db.OpenException(t.Context(), store.NewException{Sync: "customer-status", Customer: "cus_7", Kind: status.LowConfidence, Stage: status.StageMatch, Reason: reason.Text("only 0.5 sure"),
		Candidates: []status.Candidate{{TargetID: "rec_9", Rule: "phone = phone"}, {TargetID: "rec_10", Rule: "like in name"}}})
	l.must(err)

	for _, tt := range []struct {
		name, customer, record string
		cfg                    *config.Config
		force                  bool
		want                   string // part of the refusal, "" is none
	}{
		{"a record that is nobody else's", "cus_9", "rec_9", byEmail, false, ""},
		{"a record that is linked to another", "cus_9", "rec_1", byEmail, true, "linked to customer cus_1"},
		{"a record with another's address", "cus_9", "rec_10", byEmail, false, "has the email of customer cus_1, which matches it by email = email"},
		{"the same by force", "cus_9", "rec_10", byEmail, true, ""},
		{"a record with the address of one who was parked", "cus_9", "rec_3", byEmail, false, "of customer cus_2"},
		{"one of the two, for whom they match", "cus_2", "rec_3", byEmail, false, ""},
		{"a record with the id of one whom only the source knows", "cus_9", "rec_8", byID, false, "has the email of customer cus_10, which matches it by id = email"},
		{"a record with the own id", "cus_10", "rec_8", byID, false, ""},
		{"a record that another's exception has as a match", "cus_9", "rec_9", byPhone, false, "rec_9 matches customer cus_7 by phone = phone, whose exception"},
		{"a record that is only like another", "cus_9", "rec_10", byPhone, false, ""},
		{"a record that is not there", "cus_9", "rec_none", byEmail, true, "crm has no record rec_none"},
		{"what is so already", "cus_1", "rec_1", byEmail, false, ""},
	} {
		p, err := app.LookAtPair(t.Context(), tt.cfg, l.db, "customer-status", tt.customer, tt.record, tt.force)
		if got := errorText(err); (tt.want == "") != (err == nil) || !strings.Contains(got, tt.want) || strings.Contains(got, "@") {
			t.Errorf("%s: the refusal is %q", tt.name, got)
		}
		if shown := !p.So && !errors.As(err, new(*store.DuplicateLinkError)) && !errors.As(err, new(*exceptions.MissingRecordError)); shown &&
			(p.Source.Keys["email"] == "" || p.Target.Keys["email"] == "" || p.Source.ID != tt.customer || p.Target.ID != tt.record) {
			t.Errorf("%s: shown are %+v and %+v", tt.name, p.Source, p.Target)
		}
	}

	l.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	p, err := app.LookAtPair(t.Context(), byEmail, l.db, "customer-status", "cus_9", "rec_9", false)
	if err != nil || p.Unasked == nil || p.Target.Error == "" || p.Source.Value != "active" {
		t.Errorf("a target that is away gives %+v, %v", p, err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
