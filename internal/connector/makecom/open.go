package makecom

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

// Open returns the connection. It makes no call.
func Open(name string, common config.Connection, s *Settings, deps connector.Deps) (connector.Connection, error) {
	conn := connector.Connection{Name: name, Type: Type,
		// A scenario may tell when a record changed and who did it. Make has no
		// conditional write, no list of options and no news of deletions.
		Knows: connector.Knowledge{Order: s.knows(KnowsChangedAt), Actor: s.knows(KnowsChangedBy)}}
	if s.Webhook != nil {
		scheme, err := s.Webhook.Verify.open()
		if err != nil {
			return conn, fmt.Errorf("open connection %s: webhook.verify.secrets: %w", name, err)
		}
		conn.Receiver = receiver{scheme: scheme, hasHeaderID: s.Webhook.Verify.Scheme == SchemeStandard, canRead: s.WebhookURL != ""}
		conn.EventSource = eventSource{}
	}
	if s.WebhookURL == "" {
		return conn, nil
	}
	api, err := newScenario(name, common, s, deps)
	if err != nil {
		return conn, fmt.Errorf("open connection %s: %w", name, err)
	}
	// Who can be asked is not read from old events.
	conn.Source, conn.EventSource = source{api}, nil
	conn.Target, conn.Probe = target{api}, probe{api, deps.Use}
	if s.knows(KnowsList) {
		conn.SourceList, conn.TargetList = sourceList{api}, targetList{api}
	}
	return conn, nil
}

// scenario asks one Make scenario.
type scenario struct {
	rest *rest.Client
	path string
	// field is the sync's field, sent along for scenarios that keep several.
	field string
	now   func() time.Time
	newID func() string
}

func newScenario(name string, common config.Connection, s *Settings, deps connector.Deps) (*scenario, error) {
	hook, err := url.Parse(s.WebhookURL.Reveal())
	if err != nil || hook.Host == "" {
		return nil, errors.New("webhook_url is not an http address") // not quoted: it is a secret
	}
	base := &url.URL{Scheme: hook.Scheme, Host: hook.Host}
	if common.BaseURL != "" {
		if base, err = url.Parse(common.BaseURL); err != nil || base.Host == "" {
			return nil, errors.New("base_url is not an http address")
		}
	}
	now := deps.Now
	if now == nil {
		now = time.Now
	}
	client := deps.HTTP
	if client == nil || client.Transport == nil {
		client = dialguard.Client(name, common.AlsoAllow)
	}
	overheard := *client
	overheard.Transport = listener{client.Transport}
	key := s.APIKey.Reveal()
	return &scenario{path: strings.TrimPrefix(hook.EscapedPath(), "/"), field: deps.Use.Field, now: now, newID: rand.Text,
		rest: &rest.Client{Base: base, HTTP: &overheard, Timeout: common.Timeout, Gate: deps.Gate, Now: now,
			Authorize: func(r *http.Request) { r.Header["x-make-apikey"] = []string{key} }}}, nil
}
