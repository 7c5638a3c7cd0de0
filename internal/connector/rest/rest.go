// Package rest is the one way connectors call a tool over HTTP: it bounds the
// call, waits for the connection's rate limit, and turns every way an answer
// can be bad into a connector.Failure.
//
// Main types: Client, Request, Response.
//
// Invariants: redirects are never followed, because a write that is answered
// with one has an effect nobody can see, and a read would bring another record
// than was asked for; a write whose request may have reached
// the tool and whose answer proves nothing has EffectUnknown; at most maxAnswer
// bytes of an answer are read; no error text, and no text of an error's cause,
// holds a URL's query, a body or a credential.
//
// It must not import the store or any single vendor's package.
package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

// maxAnswer bounds how much of an answer is read: the largest page a list call
// returns is far below it.
const maxAnswer = 8 << 20

// defaultTimeout bounds a call when a Client does not say.
const defaultTimeout = 10 * time.Second

// Client calls one tool.
type Client struct {
	// Base is the address every path is joined to.
	Base *url.URL
	// HTTP makes the calls; nil means one that is guarded and may reach no
	// more than every connection may.
	HTTP *http.Client
	// Timeout bounds one call, its answer included; 0 means 10 s.
	Timeout time.Duration
	// Gate is waited for before each call; nil means no limit.
	Gate connector.Gate
	// Authorize adds credentials and fixed headers to each request.
	Authorize func(*http.Request)
	// Now is the clock that Retry-After dates are compared with.
	Now func() time.Time
	// Answered, when set, sees each complete answer before the caller does, for
	// what a tool says in its own words: a missing record in the text of a 400,
	// the calls that are left in a header. The failure is nil for a 2xx, and may
	// be changed; the body must not get into it.
	Answered func(status int, header http.Header, body []byte, failure *connector.Failure)

	clock atomic.Int64 // what Clock returns, in Unix seconds; 0 for nothing yet
}

// Clock is the time that the tool's last answer says it was sent at, zero before
// the first and for a tool that does not say: its clock, which may differ from
// ours by hours.
func (c *Client) Clock() time.Time {
	if at := c.clock.Load(); at != 0 {
		return time.Unix(at, 0).UTC()
	}
	return time.Time{}
}

// Request is one call.
type Request struct {
	Method string
	// Path is joined to the base; it may carry a query of its own.
	Path string
	// Origin says that Path is joined to the base's scheme and host alone.
	Origin bool
	Query  url.Values
	Header http.Header
	// Body and ContentType are both empty for a call without a body.
	Body        []byte
	ContentType string
	// Write marks calls that change something in the tool.
	Write bool
	// Survivor reads out of the address that a read is redirected to for good
	// (301, 308) which record it is, "" when it is not the same resource under
	// another id. The caller is told, and nothing is followed. nil takes every
	// redirect for a mistake.
	Survivor func(to *url.URL) string
	// Judge says what an answer means where its status does not; it returns the
	// failure of the answer, nil for none, and sees each complete answer that
	// names no survivor. Neither the body nor a header may get into the failure.
	Judge func(Answer) *connector.Failure
}

// Answer is a complete answer before anything is made of it.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Failure is what the status says by itself, nil for a 2xx.
	Failure *connector.Failure
	// Write is that of the request.
	Write bool
}

// Effect is that of an answer that proves nothing.
func (a Answer) Effect() connector.Effect { return effect(a.Write) }

// Response is a complete answer with a 2xx status.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reports whether the answer says it is JSON.
func (r Response) JSON() bool {
	ct := strings.ToLower(r.Header.Get("Content-Type"))
	return strings.Contains(ct, "json")
}

// HTML reports whether the answer is a web page: a proxy's or a login form, in
// either case no answer of the tool's API.
func (r Response) HTML() bool { return looksHTML(r.Header, r.Body) }

// Do makes the call. A 2xx answer read to its end is a Response; everything
// else is a *connector.Failure.
func (c *Client) Do(ctx context.Context, req Request) (Response, error) {
	if c.Gate != nil {
		if err := c.Gate.Wait(connector.Waiting(ctx)); err != nil {
			return Response{}, err
		}
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// sent is set once any byte of the request may have left: before there is
	// a connection to write to, a failed write has surely had no effect.
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	hr, err := c.build(ctx, req)
	if err != nil {
		return Response{}, err
	}
	var to string // where the answer redirects to
	resp, err := c.transport(&to).Do(hr)
	if err != nil {
		return Response{}, callFailed(req, hr.URL, err, sent.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if (err != nil || len(body) > maxAnswer) && resp.StatusCode >= 300 {
		// The status has said it all; the body would only add a word.
		err, body = nil, nil
	}
	if err != nil {
		f := callFailed(req, hr.URL, err, true)
		f.Status = resp.StatusCode
		if f.Detail == detailBroken {
			f.Detail = "the answer was cut off"
		}
		return Response{}, f
	}
	if len(body) > maxAnswer {
		return Response{}, &connector.Failure{Kind: connector.Misconfigured, Effect: effect(req.Write),
			Status: resp.StatusCode, Detail: fmt.Sprintf("the answer is larger than %d MiB", maxAnswer>>20)}
	}
	named := body
	if (resp.StatusCode < 200 || resp.StatusCode >= 300 || req.Judge != nil) && echoes(hr, req.Body, errorCode(body)) {
		named = nil
	}
	f := Classify(req.Write, resp.StatusCode, resp.Header, named, c.retryAfter(resp.Header))
	if survivor := req.survivor(hr.URL, resp.StatusCode, to); survivor != "" {
		f = &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Status: resp.StatusCode, Survivor: survivor,
			Detail: "the tool reports that another record has replaced it"}
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.clock.Store(date.Unix())
	}
	if req.Judge != nil && (f == nil || f.Survivor == "") {
		f = withCode(req.Judge(Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, Failure: f, Write: req.Write}), named)
	}
	if c.Answered != nil {
		c.Answered(resp.StatusCode, resp.Header, body, f)
	}
	if f != nil {
		return Response{}, f
	}
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

func (c *Client) build(ctx context.Context, req Request) (*http.Request, error) {
	// String concatenation, not url.JoinPath: a percent-encoded id in the
	// path must reach the tool as it was encoded.
	base := *c.Base
	if req.Origin {
		base.Path, base.RawPath = "", ""
	}
	target := strings.TrimSuffix(base.String(), "/") + "/" + strings.TrimPrefix(req.Path, "/")
	if len(req.Query) > 0 {
		sep := "?"
		if strings.Contains(target, "?") {
			sep = "&"
		}
		target += sep + req.Query.Encode()
	}
	var body io.Reader
	if req.Body != nil {
		body = bytes.NewReader(req.Body)
	}
	hr, err := http.NewRequestWithContext(ctx, req.Method, target, body)
	if err != nil {
		return nil, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: "the configured path does not make a valid address"}
	}
	for k, v := range req.Header {
		hr.Header[k] = v
	}
	if req.ContentType != "" {
		hr.Header.Set("Content-Type", req.ContentType)
	}
	if hr.Header.Get("Accept") == "" {
		hr.Header.Set("Accept", "application/json")
	}
	hr.Header.Set("User-Agent", "trueup")
	if c.Authorize != nil {
		c.Authorize(hr)
	}
	for _, values := range hr.Header {
		// net/http would refuse it as well, but as an error like any other:
		// a token file with a line break at its end must not look like an
		// outage.
		if slices.ContainsFunc(values, func(v string) bool { return strings.ContainsFunc(v, isControl) }) {
			return nil, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
				Detail: "a credential or another header value contains a line break or a control character"}
		}
	}
	return hr, nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// guarded is the client of those who bring none.
var guarded = dialguard.Client("", nil)

// survivor is the record that a redirect names, "" for none.
func (r Request) survivor(asked *url.URL, status int, to string) string {
	if r.Survivor == nil || r.Write || to == "" || status != http.StatusMovedPermanently && status != http.StatusPermanentRedirect {
		return ""
	}
	address, err := asked.Parse(to)
	if err != nil || address.Scheme != asked.Scheme || address.Host != asked.Host || address.User != nil || address.Fragment != "" {
		return ""
	}
	return r.Survivor(address)
}

func (c *Client) transport(redirect *string) *http.Client {
	base := c.HTTP
	if base == nil {
		base = guarded
	}
	once := *base
	once.Transport = unfollowed{base.Transport, redirect}
	return &once
}

// unfollowed takes from an answer where it redirects to, and keeps it. That way
// net/http follows nothing, and has no address to quote in an error when it is
// one that cannot be read.
type unfollowed struct {
	through http.RoundTripper
	to      *string
}

// RoundTrip implements http.RoundTripper.
func (u unfollowed) RoundTrip(r *http.Request) (*http.Response, error) {
	through := u.through
	if through == nil {
		through = guarded.Transport
	}
	resp, err := through.RoundTrip(r)
	if err == nil {
		*u.to = resp.Header.Get("Location")
		resp.Header.Del("Location")
	}
	return resp, err
}

const detailBroken = "the connection broke before the answer"

func callFailed(req Request, u *url.URL, err error, sent bool) *connector.Failure {
	// A url.Error quotes the address with its query, where tools want e-mail
	// addresses and some of them keys.
	var in *url.Error
	for errors.As(err, &in) {
		err = in.Err
	}
	f := &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Err: err,
		Detail: detailBroken}
	var refused *dialguard.Refused
	switch {
	case errors.As(err, &refused):
		f.Kind, f.Detail = connector.Misconfigured, refused.Error()
	case errors.Is(err, context.Canceled):
		f.Detail = "the call was canceled before the answer"
	case !sent:
		f.Detail = unreachable(u, err)
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		f.Detail = "the tool did not answer in time"
	}
	if sent && req.Write {
		f.Effect = connector.EffectUnknown
	}
	return f
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func effect(write bool) connector.Effect {
	if write {
		return connector.EffectUnknown
	}
	return connector.EffectNone
}
