package inbox

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// called is the address that the tool called. Its beginning is public_url: what
// the request says about its host is anybody's word.
func (i *Inbox) called(r *http.Request) string {
	url := strings.TrimSuffix(i.PublicURL, "/") + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		url += "?" + r.URL.RawQuery
	}
	return url
}

// answerGet answers what is not a POST: hand-shakes, and nothing else.
func (i *Inbox) answerGet(w http.ResponseWriter, r *http.Request, name string) {
	endpoint := i.Connections[name]
	if greeter, ok := endpoint.Receiver.(connector.Greeter); ok && len(endpoint.Routes) > 0 {
		if g, ok := greeter.Hello(r.Method, r.Header, r.URL.Query()); ok {
			greeting(g).write(w)
			i.Metrics.Received(name, "handshake", 1)
			return
		}
	}
	w.Header().Set("Allow", http.MethodPost)
	http.Error(w, "webhooks are sent by POST to /hooks/CONNECTION", http.StatusMethodNotAllowed)
}

// empty reports whether a body holds nothing that could be lost.
func empty(body []byte) bool {
	text := bytes.TrimSpace(body)
	return len(text) == 0 || string(text) == "{}"
}

// greeting is the answer to a hand-shake.
func greeting(g connector.Greeting) answer {
	a := answer{status: http.StatusOK, result: "handshake", contentType: "text/plain; charset=utf-8", body: g.Text, header: g.Header, value: g.Value}
	if g.JSON {
		a.contentType = "application/json"
	}
	return a
}

// greet answers a verified hand-shake, and first keeps what a person has to see.
func (i *Inbox) greet(ctx context.Context, name string, routes []Route, g connector.Greeting, got *arrival) answer {
	if g.Keep != nil {
		if err := i.keep(ctx, name, routes, []connector.Reading{*g.Keep}, got); err != nil {
			got.err = err
			return unavailable
		}
	}
	return greeting(g)
}
