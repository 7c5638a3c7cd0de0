package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestTheServiceLooksAtItselfOnceADay(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Work: true, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cfg := &config.Config{Connections: map[string]config.Connection{"billing": {}}}
	var log bytes.Buffer
	looks := 0
	d := daily{db: db, log: slog.New(slog.NewTextHandler(&log, nil)), look: func(context.Context) []health.Check {
		looks++
		return []health.Check{{Check: health.Webhook, Subject: "billing", Result: health.Fault, Text: "no endpoint", Remedy: "add one"},
			{Check: health.Clock, Subject: "gone", Result: health.Fault, Text: "wrong"}, {Check: health.Disk, Subject: health.Service, Result: health.Pass, Text: "enough"}}
	}}
	run := func(want int) {
		t.Helper()
		if err := d.run(t.Context()); err != nil || looks != want {
			t.Fatalf("it looked %d times, not %d: %v", looks, want, err)
		}
	}
	if found, err := overview.Health(t.Context(), db, cfg); err != nil || found != nil {
		t.Errorf("before the first time: %+v, %v", found, err)
	}
	run(1)
	first := clock.Now()
	clock.Move(healthEvery - time.Minute)
	run(1)
	found, err := overview.Health(t.Context(), db, cfg)
	if err != nil || found == nil || !found.CheckedAt.Equal(first) || len(found.Checks) != 2 || found.Checks[0].Remedy != "add one" {
		t.Errorf("it keeps %+v, %v", found, err)
	}
	if text := log.String(); !strings.Contains(text, "subject=billing") || strings.Contains(text, "enough") {
		t.Errorf("the log has %s", text)
	}
	clock.Move(2 * time.Minute)
	run(2)

	// A stop in the middle looks like faults everywhere, and is none.
	before := clock.Now()
	clock.Move(healthEvery)
	ctx, stop := context.WithCancel(t.Context())
	d.look = func(context.Context) []health.Check { stop(); looks++; return nil }
	if err := d.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if found, err := overview.Health(t.Context(), db, cfg); err != nil || !found.CheckedAt.Equal(before) {
		t.Errorf("it keeps %+v, %v", found, err)
	}
	d.look = func(context.Context) []health.Check { looks++; return nil }
	run(4) // and the next node goes on at once
}

// dailyFile has two tools that are away, and a public_url that leads nowhere.
const dailyFile = `
listen: 127.0.0.1:0
public_url: http://127.0.0.1:1
connections:
  billing:
    type: http
    base_url: http://127.0.0.1:1
    webhook:
      verify: {scheme: header, name: X-Token, secrets: [hook-token]}
      id: event.id
      customer: event.customer
      status: event.status
    record: {id: record.customer, status: record.status, keys: {email: record.email}}
  crm:
    type: http
    base_url: http://127.0.0.1:2
    record: {id: record.id, status: record.status, keys: {email: record.email}}
    find: {get: "/records?{key}={value}", records: body.records}
    read: {get: "/records/{id}", record: body}
    write: {put: "/records/{id}", body: {status: "{value}"}}
    list: {get: "/records", records: body.records}
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active], to: Active}}
    mode: live
    sweep: off
`

func TestARunningServiceLooksWithoutItsPortAndGoesOn(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse("trueup.yaml", []byte(dailyFile), t.TempDir(), Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Start(t.Context(), Options{Config: cfg})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	parts := a.wiring.Load().background()
	i := slices.IndexFunc(parts, func(p part) bool { j, ok := p.(job); return ok && j.what == "look at the service from outside" })
	if i < 0 {
		t.Fatal("nobody looks")
	}
	look := parts[i].(job)
	if look.first != healthFirst || look.interval != healthCheck {
		t.Errorf("it is done after %s, then each %s", look.first, look.interval)
	}
	if err := look.do(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := a.Status(t.Context())
	if err != nil || s.Health == nil {
		t.Fatal(s.Health, err)
	}
	found := map[string]string{}
	for _, c := range s.Health.Checks {
		found[c.Check+" "+c.Subject] = c.Result
	}
	want := map[string]string{"database trueup": "pass", "disk trueup": found["disk trueup"], "public_url trueup": "fault",
		"connection billing": "unknown", "webhook billing": "unknown", "connection crm": "warning"}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if len(s.NeedsPerson) != 1 || !strings.HasPrefix(s.NeedsPerson[0], "trueup: public_url: ") {
		t.Errorf("people are to see to %q", s.NeedsPerson)
	}
	if err := a.ready(t.Context()); err != nil {
		t.Error(err)
	}
	w := httptest.NewRecorder()
	a.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{`trueup_check_result{check="public_url",subject="trueup"} 2`, `trueup_check_result{check="connection",subject="crm"} 1`,
		`trueup_check_result{check="webhook",subject="billing"} 0`, "trueup_check_timestamp_seconds "} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("the metrics do not have %s", line)
		}
	}
}
