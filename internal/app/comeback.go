package app

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/token"
)

// longestReturn bounds the state and the code that anybody may send us.
const longestReturn = 4 << 10

// What a person is told who comes back from a consent.
const (
	saidStranger = "This answer does not belong to the current request, or it came too late. Run trueup connect and open the address that it shows."
	saidDeclined = "Access was not granted. You can close this window."
	saidThanks   = "Thank you. You can close this window; trueup connect shows the result."
)

// comeBack takes a person who comes back from a consent to the running service,
// for the trueup connect that waits for him, on whatever node.
func (a *App) comeBack(w http.ResponseWriter, r *http.Request) {
	cfg, name := a.wiring.Load().config, r.PathValue("connection")
	c, known := cfg.Connections[name]
	if !known || !keepsTokens(c) || r.Method != http.MethodGet { // a HEAD asks what a link leads to
		say(w, http.StatusNotFound, "There is nothing here.")
		return
	}
	state, code := r.URL.Query().Get("state"), r.URL.Query().Get("code")
	err := token.ErrNoReturn
	if state != "" && len(state)+len(code) <= longestReturn {
		err = token.Return(r.Context(), a.store, cfg.Key(), name, state, code)
	}
	switch {
	case errors.Is(err, token.ErrNoReturn):
		say(w, http.StatusBadRequest, saidStranger)
	case err != nil:
		a.log.Error("the answer of a consent could not be stored", slog.String("connection", name), slog.Any("error", err))
		say(w, http.StatusServiceUnavailable, "Trueup could not store the answer; its log has the cause. Run trueup connect again.")
	case code == "":
		say(w, http.StatusOK, saidDeclined)
	default:
		say(w, http.StatusOK, saidThanks)
	}
}

// callback listens at a loopback address until the person comes back, and
// returns the code, "" when access was not granted. ready is called when it
// listens.
func callback(ctx context.Context, redirect, state string, ready func()) (code string, err error) {
	at, err := url.Parse(redirect)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", at.Host)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w; stop what is using it, choose another port in the app and in redirect_url, or use --paste", at.Host, err)
	}
	came := make(chan string, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case r.Method != http.MethodGet || r.URL.Path != at.Path:
			say(w, http.StatusNotFound, "There is nothing here.")
			return
		case !same(q.Get("state"), state):
			say(w, http.StatusBadRequest, saidStranger)
			return
		case q.Get("code") == "":
			say(w, http.StatusOK, saidDeclined)
		default:
			say(w, http.StatusOK, saidThanks)
		}
		select {
		case came <- q.Get("code"):
		default: // the first answer counts
		}
	})}
	go server.Serve(listener) // ends with Shutdown
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, server.Shutdown(ctx))
	}()
	ready()
	select {
	case code := <-came:
		return code, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// pasted returns the code in what a person pasted: the code alone, or the
// address at which the browser ended. No error quotes it.
func pasted(ctx context.Context, redirect, state string, paste func(context.Context) (string, error)) (code string, err error) {
	text, err := paste(ctx)
	text = strings.TrimSpace(text)
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", errors.New("nothing was pasted; run trueup connect again")
	case len(text) > 2*longestReturn || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", errors.New("what was pasted is neither a code nor an address; run trueup connect again")
	case !strings.Contains(text, "://"):
		if strings.ContainsAny(text, "&=?") && strings.Contains(text, "code=") {
			return "", errors.New("only a part of an address was pasted; run trueup connect again and paste the whole address, or the code alone")
		}
		return text, nil
	}
	at, err := url.Parse(text)
	want, wantErr := url.Parse(redirect)
	switch {
	case err != nil || wantErr != nil || at.Scheme != want.Scheme || at.Host != want.Host || at.Path != want.Path:
		return "", fmt.Errorf("the pasted address does not begin with %s; run trueup connect again and paste the address at which the browser ends after access is granted", redirect)
	case !same(at.Query().Get("state"), state):
		return "", errors.New("the pasted address belongs to another run of trueup connect; run it again and open the address that it shows")
	}
	return at.Query().Get("code"), nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func say(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><title>Trueup</title><p>%s</p>\n", html.EscapeString(text))
}
