package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// listSize is how many customers one page has. They come with their
// subscriptions, at most ten each, and the answer must stay readable.
const listSize = 50

// sourceList implements connector.SourceList. Its cursor is the last customer's
// id. Deleted customers are not listed by Stripe.
type sourceList struct{ source }

// List implements connector.SourceList: what Read returns for each customer of
// the account, with fewer requests.
//
// Stripe gives a customer's subscriptions with the customer when asked to, but
// for the canceled ones and for more than ten (docs.stripe.com/api/customers/object,
// "subscriptions"). One of the best status among them decides, whatever was left out;
// see Fold. Every other customer's subscriptions are listed, as Read does.
func (l sourceList) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	ctx = connector.Background(ctx)
	query := url.Values{"limit": {strconv.Itoa(listSize)}, "expand[]": {"data.subscriptions"}}
	if cursor != "" {
		query.Set("starting_after", cursor)
	}
	var records []status.SourceRecord
	last, more, err := l.api.page(ctx, customers, query, func(id string, object json.RawMessage) error {
		r, err := l.record(ctx, id, object)
		records = append(records, r)
		return err
	})
	if err != nil {
		return nil, "", lostPlace(cursor, err)
	}
	if !more {
		return records, "", nil
	}
	if last == "" || last == cursor {
		return nil, "", unexpected(customers, "says there is more and has no next page", nil)
	}
	return records, last, nil
}

// record is what Read returns for a listed customer.
func (l sourceList) record(ctx context.Context, id string, object json.RawMessage) (status.SourceRecord, error) {
	var c struct {
		customer
		Subscriptions page `json:"subscriptions"`
	}
	if err := json.Unmarshal(object, &c); err != nil {
		return status.SourceRecord{}, unexpected(customers, "has one that cannot be read", err)
	}
	if c.Object != "customer" || !plausibleID(id) {
		return status.SourceRecord{}, unexpected(customers, "lists something else", nil)
	}
	record := status.SourceRecord{ID: id, Keys: keys(c.customer)}
	if c.Deleted {
		record.Value = canceled
		return record, nil
	}
	var all []Subscription
	for _, object := range c.Subscriptions.Data {
		sub, err := l.subscriptionOf(id, object)
		if err != nil {
			return status.SourceRecord{}, err
		}
		all = append(all, sub)
	}
	if !slices.ContainsFunc(all, l.decides) {
		var err error
		if all, err = l.subscriptions(ctx, id); err != nil {
			return status.SourceRecord{}, err
		}
	}
	return l.standing(record, all), nil
}

// lostPlace says of a cursor whose customer Stripe does not have any more what
// it is: nothing that could be asked for again.
func lostPlace(cursor string, err error) error {
	var known *connector.Failure
	if cursor == "" || !errors.As(err, &known) || known.Kind != connector.Gone {
		return err
	}
	f := *known
	f.Kind, f.Detail = connector.Misconfigured, "the customer at which Stripe's list would continue is gone; start the list again"
	return &f
}
