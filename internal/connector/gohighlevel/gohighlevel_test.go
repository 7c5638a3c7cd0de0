package gohighlevel

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/status"
)

var testNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// words are what a target sync knows.
var words = []string{"Active", "Paused", "Churned"}

func settings() *Settings { return &Settings{LocationID: ghltest.LocationID, Token: ghltest.Token} }

// following and deciding are the two sides of a sync with the field.
func following(field string, values ...string) connector.Use {
	if len(values) == 0 {
		values = words
	}
	return connector.Use{Field: field, Values: values, Target: true}
}

func deciding(field string, values ...string) connector.Use {
	u := following(field, values...)
	u.Target = false
	return u
}

// open connects to an account.
func open(t *testing.T, a *ghltest.Account, s *Settings, use connector.Use, change ...func(*connector.Deps)) connector.Connection {
	t.Helper()
	deps := connector.Deps{Now: func() time.Time { return testNow }, Use: use}
	for _, c := range change {
		c(&deps)
	}
	conn, err := Open("crm", config.Connection{BaseURL: a.URL, Timeout: 5 * time.Second}, s, deps)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// account has Ada, who is active.
func account(t *testing.T) *ghltest.Account {
	a := ghltest.New(t)
	a.Clock(func() time.Time { return testNow })
	a.Set(ghltest.Contact{ID: "ada", Email: "ada@example.com", Phone: "+15550100001", FirstName: "Ada", LastName: "Example",
		Tags: []string{"vip", "active"}, Updated: testNow.Add(-time.Hour),
		Values: map[string]any{ghltest.StatusField: "Active", ghltest.ExternalField: "cus_1"}})
	return a
}

func read(t *testing.T, c connector.Connection, id string) status.TargetRecord {
	t.Helper()
	r, err := c.Target.Read(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fails checks the kind and the effect of a failure and returns it.
func fails(t *testing.T, err error, kind connector.FailureKind, effect connector.Effect) *connector.Failure {
	t.Helper()
	f := connector.FailureOf(err)
	if err == nil || f.Kind != kind || f.Effect != effect {
		t.Fatalf("got %+v (%v), want %s with effect %s", f, err, kind, effect)
	}
	return f
}

// read0 is a record that nobody has read.
func read0(id string) status.TargetRecord { return status.TargetRecord{ID: id, Value: "Active"} }
