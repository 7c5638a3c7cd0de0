package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// pageSize is the most Stripe gives in one page.
const pageSize = 100

// resource is one of the things that are read: its name in the path, and in
// Stripe's list of permissions with a capital.
type resource string

const (
	customers     resource = "customers"
	subscriptions resource = "subscriptions"
	events        resource = "events"
	endpoints     resource = "webhook_endpoints"
)

func (r resource) path() string { return "/v1/" + string(r) }

func (r resource) permission() string {
	if r == endpoints {
		return "Webhook Endpoints"
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// String is what people call it.
func (r resource) String() string { return strings.ReplaceAll(string(r), "_", " ") }

// client makes Stripe's GET requests and reads the answers.
type client struct{ rest *rest.Client }

// get reads one answer.
func (c *client) get(ctx context.Context, r resource, path string, query url.Values, into any) error {
	answer, err := c.rest.Do(ctx, rest.Request{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return explain(r, err)
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return unexpected(r, "is not the expected JSON", err)
	}
	return nil
}

// page is Stripe's list object.
type page struct {
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

// list gives every object of a list to item, newest first as Stripe has them,
// reading at most maxPages pages.
func (c *client) list(ctx context.Context, r resource, query url.Values, maxPages int, item func(id string, object json.RawMessage) error) error {
	query = maps.Clone(query)
	query.Set("limit", strconv.Itoa(pageSize))
	for range maxPages {
		last, more, err := c.page(ctx, r, query, item)
		if err != nil || !more {
			return err
		}
		if last == "" || last == query.Get("starting_after") {
			return unexpected(r, "says there is more and has no next page", nil)
		}
		query.Set("starting_after", last)
	}
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("Stripe lists more than %d %s at once, which Trueup does not read", maxPages*pageSize, r)}
}

// page gives every object of one page of a list to item, and returns the last
// one's id and whether there are more.
func (c *client) page(ctx context.Context, r resource, query url.Values, item func(id string, object json.RawMessage) error) (last string, more bool, err error) {
	var p page
	if err := c.get(ctx, r, r.path(), query, &p); err != nil {
		return "", false, err
	}
	if p.Object != "list" {
		return "", false, unexpected(r, "is not a list", nil)
	}
	for _, object := range p.Data {
		var head struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(object, &head); err != nil || head.ID == "" {
			return "", false, unexpected(r, "lists an object without an id", err)
		}
		last = head.ID
		if err := item(last, object); err != nil {
			return "", false, err
		}
	}
	return last, p.HasMore, nil
}

// explain says of a failed call what it means for Stripe.
func explain(r resource, err error) error {
	var known *connector.Failure
	if !errors.As(err, &known) {
		return err
	}
	f := *known
	switch {
	case f.Status == http.StatusUnauthorized:
		f.Detail = "Stripe does not accept the API key; it was mistyped, rolled or deleted"
	case f.Status == http.StatusForbidden:
		f.Detail = fmt.Sprintf("the API key cannot read %s; give it the permission Read on %s in the Stripe Dashboard", r, r.permission())
	case f.Code == "resource_missing":
		// 404 for what a path names, 400 for what a parameter names.
		f.Kind, f.Detail = connector.Gone, "Stripe has no such customer"
	case f.Kind == connector.Gone:
		f.Kind, f.Detail = connector.Misconfigured, "this is not the address of Stripe's API; leave base_url out unless there is a proxy"
	case f.Status == http.StatusTooManyRequests && f.Code == "lock_timeout":
		// Not a rate limit: another request holds this one object, and the
		// rest of the connection may go on.
		f.Kind, f.Detail = connector.Transient, "another request to Stripe has locked the object"
	}
	return &f
}

// unexpected is a 2xx answer that is not what Stripe's reference promises.
func unexpected(r resource, what string, err error) error {
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Err: err,
		Detail: fmt.Sprintf("Stripe's answer about %s %s; base_url may lead somewhere else", r, what)}
}

// reference reads a field that holds an object's id, or, where it was
// expanded, the object. "" is everything else.
func reference(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil && json.Unmarshal(object["id"], &id) == nil {
		return id
	}
	return ""
}

// plausibleID refuses what could change the meaning of a path or a log line.
// It does not insist on cus_: old accounts chose their own ids.
func plausibleID(id string) bool {
	if id == "" || len(id) > 255 || id == "." || id == ".." {
		return false
	}
	for _, r := range id {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

// unixTime reads a time in Unix seconds. What lies before 1970 or after the
// year 9999 is no time that anything here could be compared with.
func unixTime(seconds int64) (t time.Time, ok bool) {
	if seconds <= 0 || seconds > 253402300799 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}
