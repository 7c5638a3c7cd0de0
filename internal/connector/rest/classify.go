package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// maxRetryAfter bounds what a tool may ask for: a header that says "in a year"
// is a mistake, and a longer outage is looked at again anyway.
const maxRetryAfter = time.Hour

// Classify turns an answer into a Failure, or nil when it is a 2xx that a
// caller may read. It is the table of what each status means for a customer:
//
//	status            kind           effect of a write
//	2xx               (none)         proved
//	2xx with a page   misconfigured  unknown
//	3xx               misconfigured  unknown
//	401, 403          unauthorized   none
//	404, 410          gone           none
//	  with a page     transient      unknown
//	408               transient      unknown
//	409, 412          moved          none
//	425               transient      none
//	429               rate limited   none
//	other 4xx         refused        none
//	5xx               transient      unknown
//
// A tool that has no record says so in its own way; a page at 404 comes from a
// gateway whose tool is away, and says nothing of any record.
//
// A redirect is what forms answer after they did what was asked (303), and a
// gateway sends 408 for a tool that is slow behind it: neither proves that
// nothing happened. A read that meets a conflict (409) is only told to come
// again, since it has no condition that could fail.
func Classify(write bool, code int, h http.Header, body []byte, after time.Duration) *connector.Failure {
	f := &connector.Failure{Status: code, RetryAfter: after, Effect: connector.EffectNone}
	page := looksHTML(h, body)
	switch {
	case code >= 200 && code < 300:
		if !page {
			return nil
		}
		f.Kind, f.Effect = connector.Misconfigured, effect(write)
		f.Detail = "the tool answered with a web page instead of data"
		return f
	case code >= 300 && code < 400:
		f.Kind, f.Effect = connector.Misconfigured, effect(write)
		f.Detail = "the tool answered with a redirect; base_url must be the final address"
		return f
	case code == http.StatusUnauthorized:
		f.Kind, f.Detail = connector.Unauthorized, "the tool does not accept the credentials"
	case code == http.StatusForbidden:
		f.Kind, f.Detail = connector.Unauthorized, "the credentials do not allow this call"
	case page && (code == http.StatusNotFound || code == http.StatusGone):
		f.Kind, f.Effect = connector.Transient, effect(write)
		f.Detail = "a gateway answered with a web page instead of the tool, so it is unknown whether the record exists"
	case code == http.StatusNotFound || code == http.StatusGone:
		f.Kind, f.Detail = connector.Gone, "the tool has no such record"
	case code == http.StatusRequestTimeout:
		f.Kind, f.Effect = connector.Transient, effect(write)
		f.Detail = "the tool asked for a retry"
	case code == http.StatusTooEarly || code == http.StatusConflict && !write:
		f.Kind, f.Detail = connector.Transient, "the tool asked for a retry"
	case write && (code == http.StatusConflict || code == http.StatusPreconditionFailed):
		f.Kind, f.Detail = connector.Moved, "the record changed between reading and writing"
	case code == http.StatusTooManyRequests:
		f.Kind, f.Detail = connector.RateLimited, "the tool's rate limit is reached"
	case code >= 400 && code < 500:
		f.Kind, f.Detail = connector.Refused, "the tool refused the request"
	default:
		f.Kind, f.Effect = connector.Transient, effect(write)
		f.Detail = "the tool failed"
	}
	if page {
		return f
	}
	return withCode(f, body)
}

// withCode adds the tool's machine word for an error to a failure without one.
func withCode(f *connector.Failure, body []byte) *connector.Failure {
	if f == nil || f.Code != "" {
		return f
	}
	if code := errorCode(body); code != "" {
		f.Code = code
		f.Detail += ": " + code
	}
	return f
}

// looksHTML recognises a page by its header or its first bytes. An empty body
// is none, whatever its header says: frameworks label a 204 text/html.
func looksHTML(h http.Header, body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 {
		return false
	}
	if strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") {
		return true
	}
	head := bytes.ToLower(body[:min(len(body), 32)])
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// errorCode finds a machine word for the error in the common shapes of JSON
// error bodies. Free text is left out: tools put e-mail addresses and names
// into it.
func errorCode(body []byte) string {
	var all []json.RawMessage // Salesforce answers with a list of errors
	if json.Unmarshal(body, &all) == nil {
		if len(all) == 0 || bytes.HasPrefix(bytes.TrimSpace(all[0]), []byte("[")) {
			return ""
		}
		return errorCode(all[0])
	}
	var shape struct {
		Code     json.RawMessage `json:"code"`
		Type     json.RawMessage `json:"type"`
		Error    json.RawMessage `json:"error"`
		Named    json.RawMessage `json:"errorCode"`      // Salesforce
		OfAPI    json.RawMessage `json:"api_error_code"` // Chargebee
		Category json.RawMessage `json:"category"`       // HubSpot
		Errors   json.RawMessage `json:"errors"`         // Intercom
	}
	if json.Unmarshal(body, &shape) != nil {
		return ""
	}
	var nested struct {
		Code string `json:"code"`
		Type string `json:"type"`
	}
	if json.Unmarshal(shape.Error, &nested) == nil {
		for _, w := range []string{nested.Code, nested.Type} {
			if isWord(w) {
				return w
			}
		}
	}
	for _, raw := range []json.RawMessage{shape.Code, shape.Error, shape.Named, shape.OfAPI, shape.Category, shape.Type} {
		var w string
		if json.Unmarshal(raw, &w) == nil && isWord(w) {
			return w
		}
	}
	if json.Unmarshal(shape.Errors, &all) == nil && len(all) > 0 {
		var w struct {
			Code string `json:"code"`
		}
		if json.Unmarshal(all[0], &w) == nil && isWord(w.Code) {
			return w.Code
		}
	}
	return ""
}

// isWord accepts identifiers such as resource_missing and nothing that could
// be a sentence, an address or a token.
func isWord(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && r != '_' && r != '-' {
			return false
		}
	}
	return true
}

// echoes reports whether the word stands in what we sent, in any letter case: a
// tool that repeats a name, a key or a credential in its error, perhaps in the
// form it looks them up by, is not naming the error.
func echoes(r *http.Request, body []byte, word string) bool {
	if word == "" {
		return false
	}
	user, password, _ := r.BasicAuth()
	sent := []string{user, password, r.URL.String(), string(body)}
	for _, values := range r.Header {
		sent = append(sent, values...)
	}
	word = strings.ToLower(word)
	return slices.ContainsFunc(sent, func(s string) bool { return strings.Contains(strings.ToLower(s), word) })
}

func (c *Client) retryAfter(h http.Header) time.Duration {
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	return RetryAfter(h.Get("Retry-After"), now())
}

// RetryAfter reads the header of that name: seconds or an HTTP date (RFC 9110,
// section 10.2.3). What cannot be read, is past or is absent gives 0.
func RetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if secs, err := strconv.ParseInt(value, 10, 64); err == nil {
		if secs <= 0 {
			return 0
		}
		if secs > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(secs) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil || !at.After(now) {
		return 0
	}
	return min(at.Sub(now), maxRetryAfter)
}
