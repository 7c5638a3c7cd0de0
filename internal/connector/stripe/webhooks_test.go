package stripe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector"
)

func endpointJSON(id, url, status string, types ...string) string {
	return fmt.Sprintf(`{"id":%q,"object":"webhook_endpoint","url":%q,"status":%q,"enabled_events":["%s"],"api_version":null,"livemode":false}`,
		id, url, status, strings.Join(types, `","`))
}

func TestEveryEndpointOfTheAccountIsListed(t *testing.T) {
	f := newFake(t)
	var want []connector.Endpoint
	for i := range 120 {
		address := fmt.Sprintf("https://other.example.com/%d", i)
		f.endpoints = append(f.endpoints, endpointJSON(fmt.Sprintf("we_%d", i), address, "enabled", "charge.succeeded"))
		want = append(want, connector.Endpoint{URL: address, Types: []string{"charge.succeeded"}})
	}
	f.endpoints = append(f.endpoints,
		endpointJSON("we_off", "https://sync.example.com/hooks/billing", "disabled", "customer.deleted", "customer.updated"),
		endpointJSON("we_all", "https://sync.example.com/hooks/all", "enabled", "*"))
	want = append(want,
		connector.Endpoint{URL: "https://sync.example.com/hooks/billing", Disabled: true, Types: []string{"customer.deleted", "customer.updated"}},
		connector.Endpoint{URL: "https://sync.example.com/hooks/all"})
	hooks := f.open().Webhooks
	got, err := hooks.Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if types := hooks.EventTypes(); !slices.Contains(types, "customer.subscription.updated") || slices.Contains(types, "*") {
		t.Errorf("it needs %v", types)
	}
}

func TestAKeyThatMayNotListEndpointsNamesThePermission(t *testing.T) {
	f := newFake(t)
	f.instead = func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, 403, `{"error":{"type":"invalid_request_error","message":"The provided key 'rk_test_***' does not have the required permissions"}}`)
		return true
	}
	_, err := f.open().Webhooks.Endpoints(t.Context())
	if f := connector.FailureOf(err); err == nil || f.Kind != connector.Unauthorized ||
		f.Detail != "the API key cannot read webhook endpoints; give it the permission Read on Webhook Endpoints in the Stripe Dashboard" {
		t.Error(err)
	}
}

func TestAnEndpointWithoutAnAddressIsNoEndpoint(t *testing.T) {
	f := newFake(t)
	f.endpoints = []string{endpointJSON("we_1", "", "enabled", "*")}
	if _, err := f.open().Webhooks.Endpoints(t.Context()); err == nil {
		t.Error("it is accepted")
	}
}
