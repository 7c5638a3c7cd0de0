package gohighlevel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// client calls HighLevel for one location.
type client struct {
	rest     *rest.Client
	auth     credentials
	location string
}

// call is one of the things that are asked of HighLevel: what it is about, and
// the scope a token needs for it.
type call struct {
	about string
	scope string
	// oneRecord says that the path names one record, which can be gone.
	oneRecord bool
}

var (
	readContact         = call{"a contact", "contacts.readonly", true}
	searchContacts      = call{"the search for contacts", "contacts.readonly", false}
	writeContact        = call{"a contact", "contacts.write", true}
	writeTags           = call{"a contact's tags", "contacts.write", true}
	listFields          = call{"the custom fields", "locations/customFields.readonly", false}
	readOpportunity     = call{"an opportunity", "opportunities.readonly", true}
	searchOpportunities = call{"the search for opportunities", "opportunities.readonly", false}
	writeOpportunity    = call{"an opportunity", "opportunities.write", true}
	listPipelines       = call{"the pipelines", "opportunities.readonly", false}
)

// get asks for one answer.
func (c *client) get(ctx context.Context, what call, path string, query url.Values, into any) error {
	return c.do(ctx, what, rest.Request{Method: http.MethodGet, Path: path, Query: query}, into)
}

// search asks by a body, which changes nothing.
func (c *client) search(ctx context.Context, what call, path string, body, into any) error {
	return c.send(ctx, what, http.MethodPost, path, body, into, false)
}

// write changes something.
func (c *client) write(ctx context.Context, what call, method, path string, body, into any) error {
	return c.send(ctx, what, method, path, body, into, true)
}

func (c *client) send(ctx context.Context, what call, method, path string, body, into any, write bool) error {
	text, err := json.Marshal(body)
	if err != nil {
		return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Err: err, Detail: "the request could not be encoded as JSON"}
	}
	return c.do(ctx, what, rest.Request{Method: method, Path: path, Body: text, ContentType: "application/json", Write: write}, into)
}

// do makes a call. A token that HighLevel does not take any more is renewed
// once, where that can be done: the refused call had no effect.
func (c *client) do(ctx context.Context, what call, req rest.Request, into any) error {
	token, err := c.auth.token(ctx)
	if err != nil {
		return err
	}
	answer, err := c.authorized(ctx, req, token)
	if f := connector.FailureOf(err); err != nil && f.Status == http.StatusUnauthorized && f.Code != codeScope {
		fresh, renewed := c.auth.renew(ctx, token)
		switch {
		case renewed != nil:
			return renewed
		case fresh != token:
			answer, err = c.authorized(ctx, req, fresh)
		}
	}
	if err != nil {
		return c.explain(what, err)
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return unexpected(what, "is not the expected JSON", req.Write)
	}
	return nil
}

func (c *client) authorized(ctx context.Context, req rest.Request, token string) (rest.Response, error) {
	req.Header = http.Header{"Authorization": {"Bearer " + token}}
	return c.rest.Do(ctx, req)
}

// The words that HighLevel's error texts amount to.
const (
	codeNotFound = "not_found"
	codeNoRoute  = "no_route"
	codeScope    = "scope"
	codeLocation = "location"
	codeVersion  = "version"
)

// answered returns what sees each answer first: it tells the gate what is left
// of the day, and reads the few texts that mean something.
func answered(gate connector.Gate) func(int, http.Header, []byte, *connector.Failure) {
	return func(status int, h http.Header, body []byte, f *connector.Failure) {
		if b, ok := gate.(connector.Budgeted); ok {
			if left, limit, ok := dailyBudget(h); ok {
				b.Remaining(left, limit)
			}
		}
		if f == nil {
			return
		}
		if status == http.StatusTooManyRequests && f.RetryAfter == 0 {
			f.RetryAfter = restOf(h)
		}
		if f.Code = codeOf(messageOf(body)); f.Code != "" {
			f.Detail = strings.SplitN(f.Detail, ":", 2)[0]
		}
	}
}

// messageOf reads the text of an error, which is a string or a list of them.
func messageOf(body []byte) string {
	var shape struct {
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return ""
	}
	var one string
	if json.Unmarshal(shape.Message, &one) == nil {
		return one
	}
	var several []string
	if json.Unmarshal(shape.Message, &several) == nil {
		return strings.Join(several, "; ")
	}
	return ""
}

// codeOf sorts an error's text. The texts hold ids and values, so nothing of
// them is kept.
func codeOf(message string) string {
	m := strings.ToLower(message)
	switch {
	case strings.HasPrefix(m, "cannot "):
		return codeNoRoute
	case strings.Contains(m, "version header"):
		return codeVersion
	case strings.Contains(m, "scope"):
		return codeScope
	case strings.Contains(m, "access to this location"):
		return codeLocation
	case strings.Contains(m, "not found"):
		return codeNotFound
	}
	return ""
}

// restOf is how long to leave HighLevel alone after a 429: until its window is
// over, or for longer when the day's calls are used up.
func restOf(h http.Header) time.Duration {
	if left, _, ok := dailyBudget(h); ok && left == 0 {
		return 15 * time.Minute
	}
	if ms, err := strconv.ParseInt(h.Get("X-RateLimit-Interval-Milliseconds"), 10, 64); err == nil && ms > 0 && ms <= time.Hour.Milliseconds() {
		return time.Duration(ms) * time.Millisecond
	}
	return 10 * time.Second
}

// dailyBudget reads how many calls are left of the day's.
func dailyBudget(h http.Header) (left, limit int, ok bool) {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Daily-Remaining"))
	if err != nil || left < 0 {
		return 0, 0, false
	}
	limit, err = strconv.Atoi(h.Get("X-RateLimit-Limit-Daily"))
	return left, limit, err == nil && limit > 0
}

// explain says of a failed call what it means for HighLevel.
func (c *client) explain(what call, err error) error {
	var known *connector.Failure
	if !errors.As(err, &known) {
		return err
	}
	f := *known
	switch {
	case f.Code == codeVersion:
		f.Kind, f.Detail = connector.Misconfigured, "something between Trueup and HighLevel removes the header Version from the requests"
	case f.Code == codeNoRoute:
		f.Kind, f.Detail = connector.Misconfigured, "this is not the address of HighLevel's API; leave base_url out unless there is a proxy"
	case f.Kind == connector.Unauthorized && f.Code == codeScope:
		f.Detail = fmt.Sprintf("HighLevel says that the token lacks the scope %s, needed for %s; %s. If it has the scope and worked before, wait: HighLevel has answered this during outages",
			what.scope, what.about, c.auth.scopeRemedy())
	case f.Status == http.StatusForbidden && f.Code == codeLocation:
		f.Detail = fmt.Sprintf("the token is not for the location %s; correct location_id, or use a token of that sub-account", c.location)
	case f.Status == http.StatusForbidden:
		f.Detail = fmt.Sprintf("the token may not be used for %s: it belongs to a location other than %s, or lacks the scope %s; %s", what.about, c.location, what.scope, c.auth.scopeRemedy())
	case f.Status == http.StatusUnauthorized:
		f.Detail = c.auth.refused()
	case what.oneRecord && f.Status == http.StatusBadRequest && f.Code == codeNotFound:
		// HighLevel says so with 400.
		f.Kind, f.Detail = connector.Gone, fmt.Sprintf("HighLevel has no such record: %s, deleted or merged", what.about)
	case f.Status == http.StatusBadRequest && f.Code == codeNotFound:
		f.Kind, f.Detail = connector.Misconfigured, fmt.Sprintf("HighLevel has no location %s; correct location_id", c.location)
	case f.Kind == connector.Gone && !what.oneRecord:
		f.Kind, f.Detail = connector.Misconfigured, "this is not the address of HighLevel's API; leave base_url out unless there is a proxy"
	case f.Kind == connector.Refused:
		f.Detail = fmt.Sprintf("HighLevel refused the request about %s", what.about)
	}
	return &f
}

// unexpected is a 2xx answer that is not what HighLevel's reference promises.
func unexpected(what call, how string, write bool) error {
	f := &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
		Detail: fmt.Sprintf("HighLevel's answer about %s %s", what.about, how)}
	if write {
		f.Effect = connector.EffectUnknown
	}
	return f
}

// plausibleID refuses what cannot be an id of HighLevel's and could change the
// meaning of a path.
func plausibleID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
