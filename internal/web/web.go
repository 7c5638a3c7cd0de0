// Package web is the one mux of the service: webhooks, the API, health,
// metrics, and the pages.
//
// Main functions: New, or Public and Admin for two addresses. Invariant: answers have strict headers and show no customer;
// only the API and the pages do, to callers with a token and people who signed in.
//
// It must not import the store, the pipeline or a connector.
package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// Options is what the mux serves.
type Options struct {
	// Hooks answers POST and GET /hooks/{connection}, and the same with a secret
	// after it.
	Hooks http.Handler
	// Proof answers GET /hooks/-/{nonce}: it proves to those who know it that this
	// server is the one they look for; nil leaves it out.
	Proof http.Handler
	// Consent answers GET /oauth/{connection}/back, where a person comes back from a
	// tool's consent; nil leaves it out.
	Consent http.Handler
	// API answers everything below /api/v1.
	API http.Handler
	// Slack answers POST /slack/interactions; nil when Slack is not set up.
	Slack http.Handler
	// Ready reports why the service could not store or work now.
	Ready func(context.Context) error
	// File returns why the configuration on disk is not used and where its fault
	// is, "" when it is used; nil leaves it out.
	File    func() string
	Metrics http.Handler
	// Pages answers everything else: what people see in a browser.
	Pages http.Handler
	Log   *slog.Logger
}

// readyTime bounds how long /readyz waits for the database.
const readyTime = 2 * time.Second

// New returns the handler of the whole service.
func New(o Options) http.Handler { return o.serving(o.public, o.admin) }

// Public returns the handler of what tools need to reach.
func Public(o Options) http.Handler { return o.serving(o.public) }

// Admin returns the handler of what people and programs use.
func Admin(o Options) http.Handler { return o.serving(o.admin) }

func (o Options) serving(parts ...func(*http.ServeMux)) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	for _, add := range parts {
		add(mux)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", o.ready)
	return strict(mux)
}

func (o Options) public(mux *http.ServeMux) {
	mux.Handle("POST /hooks/{connection}", o.Hooks)
	mux.Handle("POST /hooks/{connection}/{secret}", o.Hooks)
	mux.Handle("GET /hooks/{connection}", o.Hooks) // some tools first ask whether the address is ours
	mux.Handle("GET /hooks/{connection}/{secret}", o.Hooks)
	mux.HandleFunc("/hooks/", func(w http.ResponseWriter, _ *http.Request) { // else a page would answer
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "webhooks are sent by POST to /hooks/CONNECTION", http.StatusMethodNotAllowed)
	})
	if o.Proof != nil {
		mux.Handle("GET /hooks/-/{nonce}", o.Proof)
	}
	if o.Consent != nil {
		mux.Handle("GET /oauth/{connection}/back", o.Consent)
	}
	if o.Slack != nil {
		mux.Handle("POST /slack/interactions", o.Slack)
	}
}

func (o Options) admin(mux *http.ServeMux) {
	mux.Handle("/api/v1/", o.API)
	mux.Handle("GET /metrics", o.Metrics)
	if o.Pages != nil {
		mux.Handle("/", o.Pages)
	}
}

// strict gives every answer the headers that let a browser show its text and do
// nothing else; the pages have their own.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (o Options) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	answer := struct {
		Ready bool   `json:"ready"`
		Error string `json:"error,omitempty"`
		// Configuration is set while the file on disk cannot be used.
		Configuration string `json:"configuration,omitempty"`
	}{Ready: true}
	if o.File != nil {
		answer.Configuration = o.File()
	}
	status := http.StatusOK
	if err := o.Ready(ctx); err != nil {
		// The detail may name hosts and users: it goes to the log.
		o.Log.Error("not ready", slog.Any("error", err))
		answer.Ready, answer.Error = false, "events cannot be stored and synced now; the log has the cause"
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}
