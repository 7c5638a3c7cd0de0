package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/store"
)

func liveRoutes() []route {
	return []route{{http.MethodGet, livePath, open, live}}
}

// fingerprints are what the live parts of an answer look like now, by name.
func (p *Pages) fingerprints(v *visit, a answer) (map[string]string, error) {
	parts, err := p.parts(v, a)
	seen := map[string]string{}
	for name, html := range parts {
		seen[name] = name + digest(html)
	}
	return seen, err
}

// parts renders the live parts of an answer, by name.
func (p *Pages) parts(v *visit, a answer) (map[string]string, error) {
	all := map[string]string{}
	for _, part := range a.Live {
		html, err := p.looks.execute(v, a.Page, part.Template, part.Data)
		if err != nil {
			return nil, err
		}
		all[part.Name] = string(html)
	}
	return all, nil
}

// alive is how often a stream shows that it is there when nothing changes, and
// writeTime bounds one message.
const (
	alive     = 15 * time.Second
	writeTime = 10 * time.Second
)

// livePath is where an open page asks for its parts that change.
const livePath = "/live"

// SessionOf returns the session of the browser that sent a request. A page that is left
// open does not keep it from ending.
func SessionOf(d *people.Door, r *http.Request) (store.Session, error) {
	if r.URL.Path == livePath {
		return d.FromOpenPage(r)
	}
	return d.FromRequest(r)
}

// live answers GET /live?page=ADDRESS&seen=FINGERPRINT: a stream of server-sent
// events, each a part of the page that has changed. A browser that was away sends
// what it has seen, and gets everything when that is no longer so.
func live(v *visit) (answer, error) {
	shown, page, err := v.showing(v.FormValue("page"))
	if err != nil {
		return answer{}, err
	}
	out := http.NewResponseController(v.w)
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	seen, err := v.fingerprints(shown, page)
	if err != nil {
		return answer{}, err
	}
	if digest(strings.Join(slices.Sorted(maps.Values(seen)), " ")) != v.FormValue("seen") {
		seen = map[string]string{}
	}
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := v.w.Write([]byte(text))
		return err == nil && out.Flush() == nil
	}
	if !send(": here\n\n") {
		return answer{done: true}, nil
	}
	tick := time.NewTicker(v.Pulse)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-v.ctx().Done():
			return answer{done: true}, nil
		case <-v.ending:
			return answer{done: true}, nil
		case <-tick.C:
		}
		text, err := v.news(v.FormValue("page"), seen)
		if err != nil { // signed out, a sync removed, the database down: the browser asks again
			return answer{done: true}, nil
		}
		if text == "" && time.Since(last) >= alive {
			text = ": here\n\n"
		}
		if text != "" {
			last = time.Now()
			if !send(text) {
				return answer{done: true}, nil
			}
		}
	}
}

// news are the events for the parts that no longer look as they were seen.
func (v *visit) news(page string, seen map[string]string) (string, error) {
	shown, a, err := v.showing(page)
	if err != nil {
		return "", err
	}
	parts, err := v.parts(shown, a)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		now := name + digest(parts[name])
		if seen[name] == now {
			continue
		}
		seen[name] = now
		data, err := json.Marshal(map[string]string{"name": name, "html": parts[name]})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "event: part\ndata: %s\n\n", data)
	}
	return text.String(), nil
}

// showing makes the page of an address for the visitor who looks at it, as if it
// were asked for now.
func (v *visit) showing(address string) (*visit, answer, error) {
	u, err := url.ParseRequestURI(local(address))
	if err != nil {
		return nil, answer{}, err
	}
	r := v.Request.Clone(v.ctx())
	r.Method, r.URL, r.RequestURI, r.Form, r.PostForm = http.MethodGet, u, u.RequestURI(), nil, nil
	_, pattern := v.mux.Handler(r)
	for _, route := range v.table {
		if route.Method+" "+route.Path != pattern || route.Path == livePath {
			continue
		}
		shown := &visit{Request: r, Pages: v.Pages, zone: v.zone, now: v.Now(), w: noWriter{}}
		if err := pathValues(r, route.Path); err != nil {
			return nil, answer{}, err
		}
		person, err := v.Visitor(v.Request)
		switch {
		case err == nil:
			shown.Person = person
		case route.Role != open || !errors.Is(err, ErrNobody):
			return nil, answer{}, err
		}
		if route.Role != open && !shown.may(route.Role) {
			return nil, answer{}, v.forbidden(person, route.Role)
		}
		a, err := route.do(shown)
		if err == nil && len(a.Live) == 0 {
			err = fmt.Errorf("%s has no live part", pattern)
		}
		return shown, a, err
	}
	return nil, answer{}, &Refusal{Status: http.StatusNotFound, Title: "There is no such page", Text: "Nothing is live here."}
}

// pathValues fills in what the mux would have read from the address.
func pathValues(r *http.Request, pattern string) error {
	have, want := strings.Split(r.URL.EscapedPath(), "/"), strings.Split(pattern, "/")
	for i, piece := range want {
		name, is := strings.CutPrefix(piece, "{")
		name, closed := strings.CutSuffix(name, "}")
		if !is || !closed || name == "$" || i >= len(have) {
			continue
		}
		value, err := url.PathUnescape(have[i])
		if err != nil {
			return err
		}
		r.SetPathValue(name, value)
	}
	return nil
}

// noWriter is where a page that is only looked through writes: nowhere.
type noWriter struct{}

func (noWriter) Header() http.Header            { return http.Header{} }
func (noWriter) Write(text []byte) (int, error) { return len(text), nil }
func (noWriter) WriteHeader(int)                {}
