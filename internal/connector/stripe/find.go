package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/trueup-sync/trueup/internal/connector"
)

// maxFindPages bounds how many customers with one address are looked for.
const maxFindPages = 2

// sourceFind implements connector.SourceFind.
type sourceFind struct{ api *client }

// Find implements connector.SourceFind. Stripe's list of customers is asked and not
// its search, which knows of a new customer only a minute later. The list compares
// case as well. Source: docs.stripe.com/api/customers/list, "email".
func (f sourceFind) Find(ctx context.Context, key, value string) ([]string, error) {
	if key != "email" {
		return nil, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: fmt.Sprintf("Stripe lists customers by email, and not by %s", key)}
	}
	var found []string
	err := f.api.list(ctx, customers, url.Values{"email": {value}}, maxFindPages, func(id string, object json.RawMessage) error {
		var c customer
		if err := json.Unmarshal(object, &c); err != nil || c.Object != "customer" || !plausibleID(id) {
			return unexpected(customers, "lists something else", err)
		}
		found = append(found, id)
		return nil
	})
	return found, err
}
