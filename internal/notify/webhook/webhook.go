// Package webhook tells programs what people are told: it sends each message as
// JSON to one address, signed by Standard Webhooks.
//
// Main type: Webhook. Main function: New.
//
// Invariants: a message that is sent again has the same id; no error text holds the
// address or a secret; a redirect is not followed, since the message was not
// signed for another address.
//
// It must not import the pipeline or the store.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
)

// Setting is where the configuration has the webhook.
const Setting = "notify.webhook"

// Webhook sends messages to an address.
type Webhook struct {
	url    config.Secret
	keys   [][]byte
	client *http.Client
}

// New returns the webhook of a configuration. The client is this webhook's own.
func New(c config.Webhook, client *http.Client) (*Webhook, error) {
	w := &Webhook{url: c.URL, client: client}
	for i, s := range c.Secrets {
		key, err := signature.StandardSecret(s.Reveal())
		if err != nil {
			return nil, fmt.Errorf("%s.secrets[%d] %w", Setting, i, err)
		}
		w.keys = append(w.keys, key)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w, nil
}

// Body is what is sent.
type Body struct {
	Type      config.Event `json:"type"`
	Timestamp time.Time    `json:"timestamp"` // when what it tells was
	Data      Data         `json:"data"`
}

// Data is what a message says.
type Data struct {
	Sync  string            `json:"sync,omitempty"`
	Alarm status.Alarm      `json:"alarm,omitempty"`
	Kind  status.Kind       `json:"kind,omitempty"`
	Since *time.Time        `json:"since,omitempty"`
	Title string            `json:"title"`
	Text  string            `json:"text,omitempty"`
	Owner string            `json:"owner,omitempty"`
	Facts map[string]string `json:"facts,omitempty"`
	List  []string          `json:"list,omitempty"`
	URL   string            `json:"url,omitempty"` // where Trueup is reached
}

func bodyOf(m notify.Message) Body {
	b := Body{Type: m.About.Event, Timestamp: m.About.At.UTC(), Data: Data{Sync: m.About.Sync, Alarm: m.About.Alarm, Kind: m.About.Kind,
		Title: m.Title, Text: m.Text, Owner: notify.Mask(m.Owner.Name), List: m.List}}
	if !m.About.Since.IsZero() {
		b.Data.Since = new(m.About.Since.UTC())
	}
	for _, f := range m.Facts {
		if b.Data.Facts == nil {
			b.Data.Facts = map[string]string{}
		}
		b.Data.Facts[f.Name] = f.Value
	}
	for _, l := range m.Links {
		b.Data.URL = l.URL // the last one leads to the service
	}
	return b
}

// Post implements notify.Notifier. There is one address and no channel.
func (w *Webhook) Post(ctx context.Context, _ string, m notify.Message) (place string, err error) {
	body, err := json.Marshal(bodyOf(m))
	if err != nil {
		return "", &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Detail: "send to the webhook: cannot encode the message", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "send to the webhook: the address is not valid"}
	}
	w.sign(req.Header, m.ID, body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "trueup")
	resp, err := w.client.Do(req)
	if guarded := (*dialguard.Refused)(nil); errors.As(err, &guarded) {
		return "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "send to the webhook: " + guarded.Error()}
	}
	if err != nil { // its text would show the address, which may hold a secret
		return "", &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "send to the webhook: the call did not complete"}
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10)) // so that the connection can be used again; what it says is of no use
	return "", outcome(resp)
}

// sign puts a signature of each key into one header, as for a secret that is being
// replaced.
func (w *Webhook) sign(h http.Header, id string, body []byte) {
	var all []string
	now := time.Now()
	for _, key := range w.keys {
		signed := signature.SignStandard(key, id, now, body)
		for name := range signed {
			h.Set(name, signed.Get(name))
		}
		all = append(all, h.Get("Webhook-Signature"))
	}
	h.Set("Webhook-Signature", strings.Join(all, " "))
}

// outcome makes a Failure of an answer that is none of 2xx.
func outcome(resp *http.Response) error {
	f := &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Status: resp.StatusCode, Detail: fmt.Sprintf("send to the webhook: it answers %d", resp.StatusCode)}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		f.Kind, f.Detail = connector.Misconfigured, f.Detail+", a redirect, which is not followed; write the address it leads to under "+Setting+".url"
	case code == http.StatusTooManyRequests:
		f.Kind, f.RetryAfter = connector.RateLimited, max(rest.RetryAfter(resp.Header.Get("Retry-After"), time.Now()), time.Second)
	case code >= 500 || code == http.StatusRequestTimeout:
		f.Kind, f.Effect = connector.Transient, connector.EffectUnknown
	}
	return f
}
