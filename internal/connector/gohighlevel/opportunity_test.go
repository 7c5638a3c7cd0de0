package gohighlevel

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

func opportunities(t *testing.T, all ...ghltest.Opportunity) *ghltest.Account {
	a := account(t)
	for _, o := range all {
		o.Contact = "ada"
		a.SetOpportunity(o)
	}
	return a
}

func TestTheStatusOfTheOneOpportunityIsReadAndWritten(t *testing.T) {
	at := testNow.Add(-2 * time.Hour)
	a := opportunities(t, ghltest.Opportunity{ID: "o1", Pipeline: ghltest.Pipeline, Status: "open", StatusAt: at}, ghltest.Opportunity{ID: "o2", Pipeline: "P1pEl1nE2", Status: "won"})
	for _, name := range []string{"Renewals", ghltest.Pipeline} {
		s := settings()
		s.Pipeline = name
		c := open(t, a, s, following("opportunity.status", "open", "lost"))
		r := read(t, c, "ada")
		if r.Value != "open" || !r.EditedAt.Equal(at) || !r.FieldTime || r.Keys["opportunity_id"] != "o1" || !c.Knows.FieldTime {
			t.Errorf("read %+v", r)
		}
	}
	s := settings()
	s.Pipeline = "Renewals"
	src, err := open(t, a, s, deciding("opportunity.status", "open")).Source.Read(t.Context(), "ada")
	if err != nil || src.Value != "open" || !src.ValueAt.Equal(at) {
		t.Errorf("as a source: %+v, %v", src, err)
	}
	c := open(t, a, s, following("opportunity.status", "open", "lost"))
	if err := written(c.Target.Write(t.Context(), read(t, c, "ada"), "lost")); err != nil {
		t.Fatal(err)
	}
	if a.OpportunityStatus("o1") != "lost" || a.OpportunityStatus("o2") != "won" {
		t.Errorf("they are %s and %s", a.OpportunityStatus("o1"), a.OpportunityStatus("o2"))
	}
	found, err := c.Target.Find(t.Context(), "opportunity_id", "o1")
	if err != nil || len(found) != 1 || found[0].ID != "ada" || found[0].Keys["opportunity_id"] != "o1" {
		t.Errorf("found %+v, %v", found, err)
	}
	if found, err = c.Target.Find(t.Context(), "opportunity_id", "o9"); err != nil || len(found) != 0 {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestOfSeveralOpportunitiesNoneIsChosen(t *testing.T) {
	a := opportunities(t, ghltest.Opportunity{ID: "o1", Status: "won"}, ghltest.Opportunity{ID: "o2", Status: "open"}, ghltest.Opportunity{ID: "o3", Status: "open"})
	c := open(t, a, settings(), following("opportunity.status", "open", "lost"))
	r := read(t, c, "ada")
	if r.Value != "open + open + won" || r.Keys["opportunity_id"] != "" {
		t.Errorf("read %+v", r)
	}
	f := fails(t, written(c.Target.Write(t.Context(), r, "lost")), connector.Refused, connector.EffectNone)
	if !strings.Contains(f.Detail, "or several") || len(a.Effects()) > 0 {
		t.Errorf("%s, %v", f.Detail, a.Effects())
	}
}

func TestAContactWithoutAnOpportunityHasNoStatus(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("opportunity.status", "open"))
	if r := read(t, c, "ada"); r.Value != "" || r.Keys["opportunity_id"] != "" {
		t.Errorf("read %+v", r)
	}
	fails(t, written(c.Target.Write(t.Context(), read(t, c, "ada"), "open")), connector.Refused, connector.EffectNone)
	fails(t, written(c.Target.Write(t.Context(), read(t, c, "ada"), "paused")), connector.Refused, connector.EffectNone)
}

func TestAPipelineThatIsNotThereIsNamed(t *testing.T) {
	a := opportunities(t, ghltest.Opportunity{ID: "o1", Status: "won"})
	s := settings()
	s.Pipeline = "Retention"
	c := open(t, a, s, following("opportunity.status", "open"))
	_, err := c.Target.Read(t.Context(), "ada")
	if f := fails(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, `no pipeline "Retention"`) {
		t.Error(f.Detail)
	}
}

func TestAListTellsTheOpportunitiesOfThePipelineOnly(t *testing.T) {
	a := opportunities(t, ghltest.Opportunity{ID: "o1", Pipeline: ghltest.Pipeline, Status: "open"}, ghltest.Opportunity{ID: "o2", Pipeline: "P1pEl1nE2", Status: "won"})
	s := settings()
	s.Pipeline = "Renewals"
	found, next, err := open(t, a, s, deciding("opportunity.status", "open")).SourceList.List(t.Context(), "")
	if err != nil || next != "" || len(found) != 1 {
		t.Fatalf("%+v, %q, %v", found, next, err)
	}
	if diff := cmp.Diff("open", found[0].Value); diff != "" {
		t.Error(diff)
	}
}
