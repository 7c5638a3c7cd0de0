package app

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/connector/registry"
	"trueup/internal/dialguard"
	"trueup/internal/store"
	"trueup/internal/token"
)

// consentTime is how long a person has for it.
const consentTime = 10 * time.Minute

// Connect walks a person through the consent of a connection and stores what it
// gives: it listens where the tool sends them back to, and gives the address to
// open to tell. It returns for which account the consent is.
func Connect(ctx context.Context, cfg *config.Config, name string, tell func(page string)) (account string, err error) {
	c := cfg.Connections[name]
	client := dialguard.Client(c.Name, c.AlsoAllow)
	defer client.CloseIdleConnections()
	consent, err := registry.Consent(c, connector.Deps{HTTP: client, Uses: usesOf(cfg, name), FindBy: findBy(cfg, name)})
	if err != nil {
		return "", err
	}
	// The database first: a consent that cannot be stored is not asked for.
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.Reveal(), Migrate: true})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keeper, err := token.New(db, cfg.Key(), name)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, consentTime)
	defer cancel()
	state := rand.Text()
	code, err := callback(ctx, consent.Redirect(), state, func() { tell(consent.Page(state)) })
	if err != nil {
		return "", err
	}
	granted, account, err := consent.Exchange(ctx, code)
	if err != nil {
		return "", err
	}
	return account, keeper.Put(ctx, granted)
}

// callback listens at a loopback address until the person comes back with a
// code. ready is called when it listens.
func callback(ctx context.Context, redirect, state string, ready func()) (code string, err error) {
	at, err := url.Parse(redirect)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", at.Host)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w; stop what is using it, or choose another port in the app and in oauth.redirect_url", at.Host, err)
	}
	type answer struct {
		code string
		err  error
	}
	came := make(chan answer, 1)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch {
		case r.Method != http.MethodGet || r.URL.Path != at.Path:
			say(w, http.StatusNotFound, "There is nothing here.")
		case subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1:
			say(w, http.StatusBadRequest, "This answer does not belong to the current request. Open the address that trueup connect shows.")
		case q.Get("code") == "":
			say(w, http.StatusOK, "Access was not granted. You can close this window.")
			offer(came, answer{err: errors.New("access was not granted; run trueup connect again")})
		default:
			say(w, http.StatusOK, "Thank you. You can close this window; trueup connect shows the result.")
			offer(came, answer{code: q.Get("code")})
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
	case a := <-came:
		return a.code, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for access to be granted: %w", ctx.Err())
	}
}

// offer gives the first answer and drops any later one.
func offer[T any](to chan<- T, a T) {
	select {
	case to <- a:
	default:
	}
}

func say(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><title>Trueup</title><p>%s</p>\n", html.EscapeString(text))
}
