package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// maxSubscriptionPages bounds how many subscriptions of one customer are read.
const maxSubscriptionPages = 50

// source implements connector.Source.
type source struct {
	api   *client
	words *words // nil for Stripe's own
}

// customer is what is read of a customer object.
type customer struct {
	Object   string            `json:"object"`
	ID       string            `json:"id"`
	Deleted  bool              `json:"deleted"`
	Email    string            `json:"email"`
	Name     string            `json:"name"`
	Phone    string            `json:"phone"`
	Metadata map[string]string `json:"metadata"`
}

// Read implements connector.Source.
func (s source) Read(ctx context.Context, id string) (status.SourceRecord, error) {
	if !plausibleID(id) {
		return status.SourceRecord{}, &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone,
			Detail: "no Stripe customer can have this id"}
	}
	var c customer
	if err := s.api.get(ctx, customers, customers.path()+"/"+url.PathEscape(id), nil, &c); err != nil {
		return status.SourceRecord{}, err
	}
	if c.Object != "customer" || c.ID != id {
		return status.SourceRecord{}, unexpected(customers, "is about something else", nil)
	}
	record := status.SourceRecord{ID: id, Keys: keys(c)}
	if c.Deleted {
		// Deleting a customer ends every subscription at once. What is left
		// of the object says nothing but that.
		record.Value = canceled
		return record, nil
	}
	all, err := s.subscriptions(ctx, id)
	if err != nil {
		return status.SourceRecord{}, err
	}
	return s.standing(record, all), nil
}

// standing fills in the status that all subscriptions give.
func (s source) standing(r status.SourceRecord, all []Subscription) status.SourceRecord {
	standing := Fold(all)
	if s.words != nil {
		own := make([]string, len(all))
		for i := range all {
			own[i] = all[i].Own
		}
		standing = s.words.best(own)
	}
	r.Value, r.NoStatus, r.ValueAt = standing.Value, standing.None, standing.At
	return r
}

// keys are the values match rules may use; what is empty is left out.
func keys(c customer) map[string]string {
	all := map[string]string{"id": c.ID, "email": c.Email, "name": c.Name, "phone": c.Phone}
	for name, value := range c.Metadata {
		all["metadata."+name] = value
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

// subscriptions reads every subscription of the customer. Without status=all
// Stripe leaves the canceled ones out, and a customer who left would look like
// one who never came.
func (s source) subscriptions(ctx context.Context, id string) ([]Subscription, error) {
	var all []Subscription
	query := url.Values{"customer": {id}, "status": {"all"}}
	err := s.api.list(ctx, subscriptions, query, maxSubscriptionPages, func(_ string, object json.RawMessage) error {
		sub, err := s.subscriptionOf(id, object)
		all = append(all, sub)
		return err
	})
	return all, err
}

// subscriptionOf reads one that is to be a customer's.
func (s source) subscriptionOf(customer string, object json.RawMessage) (Subscription, error) {
	sub, owner, err := readSubscription(object)
	if err != nil {
		return Subscription{}, unexpected(subscriptions, "has one that cannot be read", err)
	}
	if owner != customer {
		return Subscription{}, unexpected(subscriptions, "has one of another customer", nil)
	}
	if s.words != nil {
		sub.Own, err = s.words.of(sub, object)
	}
	return sub, err
}

// decides reports whether no other subscription can be better than this one.
func (s source) decides(sub Subscription) bool {
	if s.words != nil {
		return sub.Own == s.words.rank[0]
	}
	return sub.word() == active
}

func readSubscription(object json.RawMessage) (s Subscription, owner string, err error) {
	var o struct {
		Object          string          `json:"object"`
		Status          string          `json:"status"`
		Customer        json.RawMessage `json:"customer"`
		PauseCollection *struct{}       `json:"pause_collection"`
		EndedAt         *int64          `json:"ended_at"`
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return Subscription{}, "", err
	}
	if o.Object != "subscription" || o.Status == "" {
		return Subscription{}, "", errors.New("not a subscription with a status")
	}
	s = Subscription{Status: o.Status, CollectionPaused: o.PauseCollection != nil}
	if o.EndedAt != nil {
		var ok bool
		if s.EndedAt, ok = unixTime(*o.EndedAt); !ok {
			return Subscription{}, "", errors.New("ended_at is not a time")
		}
	}
	return s, reference(o.Customer), nil
}
