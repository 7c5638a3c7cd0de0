// Package stripe connects a Stripe account as a source of truth: a customer's
// status is the best standing of all of their subscriptions.
//
// Main types: Settings (what the configuration says), Open (the connection),
// Fold (many subscriptions to one word, pure) and, not exported, words (what an
// account calls its subscriptions itself).
//
// Invariants: only GET requests are made, so nothing in Stripe can change; an
// event is never more than "look at this customer again", because one
// subscription does not tell the standing of a customer who has several; every
// request names APIVersion, so an account's own default version changes
// nothing here; fields that decide are checked and never defaulted.
//
// Stripe's answers are not held to package strictjson's rules, though anybody's
// would be under type http. The keys of metadata are the account's own, and two
// of them may differ only in letter case: the customer, and the page of a list
// that he stands on, could not be read at all. Nothing rests on it:
// what decides is written by Stripe's own encoder, which writes no key twice.
//
// It must not import the store, the pipeline or another connector.
package stripe

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/signature"
)

// Type is the connection's type in the configuration.
const Type = "stripe"

// APIVersion is sent with every request. Events come in the version of their
// endpoint instead, which does not matter: the few fields read of them are the
// same in every version.
const APIVersion = "2026-08-26.dahlia"

const (
	defaultBaseURL = "https://api.stripe.com"
	defaultTimeout = 10 * time.Second
)

// Open returns the connection. It makes no request.
func Open(name string, common config.Connection, s *Settings, deps connector.Deps) (connector.Connection, error) {
	base := common.BaseURL
	if base == "" {
		base = defaultBaseURL
	}
	address, err := url.Parse(base)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" {
		return connector.Connection{}, fmt.Errorf("open connection %s: base_url is not an http address", name)
	}
	var secrets []string
	for _, secret := range s.WebhookSecrets {
		secrets = append(secrets, secret.Reveal())
	}
	scheme, err := signature.NewStripe(secrets)
	if err != nil {
		return connector.Connection{}, fmt.Errorf("open connection %s: webhook_secrets: %w", name, err)
	}
	timeout := common.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	now := deps.Now
	if now == nil {
		now = time.Now
	}
	log := deps.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	key := s.APIKey.Reveal()
	var own *words
	if s.Status != "" {
		var problem string
		if own, problem = compileWords(s.Status, s.Values); problem != "" {
			return connector.Connection{}, fmt.Errorf("open connection %s: status %s", name, problem)
		}
	}
	api := &client{rest: &rest.Client{Base: address, HTTP: deps.HTTP, Timeout: timeout, Gate: deps.Gate, Now: now,
		Authorize: func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Stripe-Version", APIVersion)
		}}}
	return connector.Connection{
		Name:       name,
		Type:       Type,
		SourceList: sourceList{source{api: api, words: own}},
		// Events carry the time of the change and deletions are announced. A
		// customer has no updated-at, no editor and no conditional write.
		Knows:      connector.Knowledge{Order: true, DeleteNotice: true},
		Values:     s.vocabulary(),
		Receiver:   receiver{scheme: scheme, mode: modeOf(key)},
		Source:     source{api: api, words: own},
		SourceFind: sourceFind{api: api}, Precedence: s.vocabulary(),
		Changes:  changes{api: api, name: name, now: now, log: log},
		Probe:    probe{api: api, key: key, now: now},
		Webhooks: webhooks{api},
	}, nil
}

// mode is which of Stripe's two separate worlds a key or an event belongs to.
type mode string

const (
	modeUnknown mode = ""
	modeLive    mode = "live"
	modeTest    mode = "test"
)

// modeOf reads the mode from a key such as rk_test_….
func modeOf(key string) mode {
	switch {
	case strings.HasPrefix(key, "sk_live_"), strings.HasPrefix(key, "rk_live_"):
		return modeLive
	case strings.HasPrefix(key, "sk_test_"), strings.HasPrefix(key, "rk_test_"):
		return modeTest
	}
	return modeUnknown
}
