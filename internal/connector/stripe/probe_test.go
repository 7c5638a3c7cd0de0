package stripe

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trueup-sync/trueup/internal/connector"
)

func TestProbeReadsOneOfEach(t *testing.T) {
	f := newFake(t)
	got, err := f.open().Probe.Probe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"the API key may read customers", "the API key may read subscriptions",
		"the API key may read events", "the API key is for the test mode"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	requests := []string{"GET /v1/customers?limit=1", "GET /v1/subscriptions?limit=1", "GET /v1/events?limit=1"}
	if diff := cmp.Diff(requests, f.seen()); diff != "" {
		t.Error(diff)
	}
}

func TestProbeNamesTheMissingPermission(t *testing.T) {
	for path, permission := range map[string]string{
		"/v1/customers":     "Read on Customers",
		"/v1/subscriptions": "Read on Subscriptions",
		"/v1/events":        "Read on Events",
	} {
		f := newFake(t)
		f.instead = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			answer(w, 403, `{"error":{"type":"invalid_request_error","message":"The provided key 'rk_test_***' does not have the required permissions"}}`)
			return true
		}
		_, err := f.open().Probe.Probe(context.Background())
		if err == nil || connector.FailureOf(err).Kind != connector.Unauthorized || !strings.Contains(err.Error(), permission) {
			t.Errorf("without %s: %v", permission, err)
		}
	}
	f := newFake(t)
	f.instead = func(w http.ResponseWriter, _ *http.Request) bool { answer(w, 200, `{"hello":"world"}`); return true }
	if _, err := f.open().Probe.Probe(context.Background()); err == nil || connector.FailureOf(err).Kind != connector.Misconfigured {
		t.Errorf("another service: %v", err)
	}
}
