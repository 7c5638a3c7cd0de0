package stripe

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/trueup-sync/trueup/internal/connector"
)

// maxEndpointPages bounds the list of endpoints; Stripe allows an account 16 of
// them in each mode, and more to a platform.
const maxEndpointPages = 10

// everyType stands in an endpoint's list for all types of event.
const everyType = "*"

// webhooks implements connector.Webhooks.
type webhooks struct{ api *client }

// EventTypes implements connector.Webhooks.
func (webhooks) EventTypes() []string { return slices.Clone(eventTypes) }

// Endpoints implements connector.Webhooks. The list is that of the key's mode. The
// version of an endpoint does not matter: see APIVersion.
func (w webhooks) Endpoints(ctx context.Context) ([]connector.Endpoint, error) {
	var all []connector.Endpoint
	err := w.api.list(ctx, endpoints, url.Values{}, maxEndpointPages, func(_ string, object json.RawMessage) error {
		var e struct {
			URL    string   `json:"url"`
			Status string   `json:"status"`
			Types  []string `json:"enabled_events"`
		}
		if err := json.Unmarshal(object, &e); err != nil || e.URL == "" || e.Status == "" {
			return unexpected(endpoints, "has an endpoint without an address or a status", err)
		}
		found := connector.Endpoint{URL: e.URL, Disabled: e.Status != "enabled"}
		if !slices.Contains(e.Types, everyType) {
			found.Types = append([]string{}, e.Types...)
		}
		all = append(all, found)
		return nil
	})
	return all, err
}
