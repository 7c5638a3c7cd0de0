package httpconn

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// onePage is what a page of the list held.
type onePage struct {
	vars    map[string]any
	records []any
	next    string // the cursor of the next page, "" on the last
	digest  string // of the whole answer, "" when it has no records
}

// ask makes a call that only reads and returns its answer.
func (a *api) ask(ctx context.Context, c asking, values map[string]string) (rest.Response, error) {
	path, err := c.path.expand(values)
	if err != nil {
		return rest.Response{}, unsafeAddress(err)
	}
	req := rest.Request{Method: c.method, Path: path, Judge: a.judge(values, false)}
	if c.body != nil {
		if req.Body, err = fillBody(c.body, &filling{texts: values}); err != nil {
			return rest.Response{}, unsafeAddress(err)
		}
		req.ContentType = "application/json"
	}
	return a.call(ctx, req)
}

// page reads one page of the list. cursor is "" for the first one, and after
// the time from which changes are wanted, zero for all records.
func (a *api) page(ctx context.Context, cursor, after string) (onePage, error) {
	l := a.list
	var answer rest.Response
	var err error
	if l.nextURL != nil && cursor != "" {
		answer, err = a.call(ctx, rest.Request{Method: http.MethodGet, Path: cursor, Origin: true, Judge: a.judge(nil, false)})
	} else {
		asked := cursor
		if asked == "" {
			asked = l.first
		}
		answer, err = a.ask(ctx, l.call, map[string]string{phCursor: asked, phSince: after})
	}
	if err != nil {
		return onePage{}, a.notListed(err, cursor)
	}
	p := onePage{}
	if p.vars, err = variables(answer); err != nil {
		return onePage{}, err
	}
	if p.records, err = l.records.list(p.vars); err != nil {
		return onePage{}, misconfigured(err)
	}
	if p.next, err = a.following(p.vars, cursor, after); err != nil {
		return onePage{}, misconfigured(err)
	}
	if err := a.learnFrom(ctx, p.vars, p.records); err != nil {
		return onePage{}, err
	}
	if len(p.records) > 0 {
		p.digest = digest(answer.Body)
	}
	return p, nil
}

// notListed is the failure of a page. A list is no record that could be gone:
// either its address is wrong, or it does not take the cursor any more.
func (a *api) notListed(err error, cursor string) error {
	f := connector.FailureOf(err)
	missing := f.Kind == connector.Gone
	if !missing && (cursor == "" || f.Status != http.StatusBadRequest) {
		return err
	}
	out := *f
	out.Err = err
	if missing {
		out.Kind, out.Effect, out.Survivor = connector.Misconfigured, connector.EffectNone, ""
		out.Detail = "the tool has nothing at " + a.list.call.method + " " + a.rest.Shown(a.list.call.path.text) + " (" + a.list.call.key + ")"
	}
	out.Anew = cursor != ""
	return &out
}

// variables are the names that an answer's expressions may use.
func variables(answer rest.Response) (map[string]any, error) {
	body, err := strictjson.DecodeVariants(answer.Body)
	if err != nil {
		return nil, unreadable(answer.Status, err)
	}
	return map[string]any{varBody: body, varHeaders: headersOf(answer.Header)}, nil
}

// following is the cursor of the page after the one that cursor asked for.
func (a *api) following(vars map[string]any, cursor, after string) (string, error) {
	l := a.list
	if l.nextURL == nil {
		asked := cursor
		if asked == "" {
			asked = l.first
		}
		with := map[string]any{varCursor: asked, varBody: vars[varBody], varHeaders: vars[varHeaders]}
		next, _, err := l.next.textWithin(with, maxCursor)
		return next, err
	}
	text, ok, err := l.nextURL.textWithin(vars, maxCursor)
	if err != nil || !ok {
		return "", err
	}
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		text = linkTo(text, "next")
	}
	if text == "" {
		return "", nil
	}
	asked := strings.TrimSuffix(a.rest.Base.EscapedPath(), "/")
	if cursor != "" {
		asked = cursor
	} else if path, err := l.call.path.expand(map[string]string{phSince: after}); err == nil {
		asked += path
	}
	next, problem := sameOrigin(a.rest.Base, asked, text)
	if problem != "" {
		return "", misfit{l.nextURL.path, problem}
	}
	return next, nil
}

// sameOrigin is the path and query of an address that the tool gives as its next
// page, read as RFC 3986 does beside the one that was asked for. Credentials go
// with each call, so no other origin is ever asked.
func sameOrigin(base *url.URL, asked, address string) (path, problem string) {
	from, err := url.Parse(base.Scheme + "://" + base.Host + asked)
	if err != nil {
		return "", "the address of the next page cannot be read"
	}
	to, err := from.Parse(address)
	if err != nil || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) || to.Opaque != "" {
		return "", "the address of the next page cannot be read"
	}
	if !strings.EqualFold(to.Scheme, base.Scheme) || !strings.EqualFold(to.Host, base.Host) || to.User != nil {
		return "", "the next page is at another origin than base_url, so nothing was sent there"
	}
	if path = to.EscapedPath(); path == "" {
		path = "/"
	}
	if to.RawQuery != "" {
		path += "?" + to.RawQuery
	}
	return path, ""
}

// unreadable is the failure of an answer that is no JSON we could read.
func unreadable(status int, err error) error {
	f := &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Status: status,
		Detail: "the tool's answer cannot be read: " + err.Error(), Err: err}
	if isCutOff(err) {
		f.Kind = connector.Transient
	}
	return f
}
