package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
	"github.com/trueup-sync/trueup/internal/notify"
)

// Webhook posts messages to an incoming webhook. What it posted it cannot
// change.
type Webhook struct {
	url    config.Secret
	client *http.Client
}

// NewWebhook returns the webhook of a configuration with an address.
func NewWebhook(c config.Slack, client *http.Client) *Webhook {
	return &Webhook{url: c.WebhookURL, client: client}
}

// payload is what a webhook takes.
type payload struct {
	Text   string          `json:"text"`
	Blocks []slackgo.Block `json:"blocks"`
}

// Post implements notify.Notifier. The webhook knows its channel.
func (w *Webhook) Post(ctx context.Context, _ string, m notify.Message) (place string, err error) {
	m.Buttons = nil
	var p payload
	p.Blocks, p.Text = render(m)
	return "", w.send(ctx, "post to the webhook", p)
}

// Probe asks for the error that only a webhook which is there can make: a
// message without a text.
func (w *Webhook) Probe(ctx context.Context) (said []string, err error) {
	err = w.send(ctx, "check the webhook", struct{}{})
	if f := connector.FailureOf(err); err != nil && (f.Code == "no_text" || f.Code == "invalid_payload") {
		return []string{"the webhook exists"}, nil
	}
	return nil, err
}

// send posts JSON and keeps the word that Slack answers an error with.
func (w *Webhook) send(ctx context.Context, doing string, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Detail: doing + ": cannot encode the message", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: doing + ": the address is not valid"}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil { // its text would show the address, which is a secret
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: doing + ": the call did not complete"}
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // what could be read of it is enough
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		f := failed(doing, "rate_limited", resp.StatusCode)
		f.RetryAfter = max(rest.RetryAfter(resp.Header.Get("Retry-After"), time.Now()), time.Second)
		return f
	case resp.StatusCode >= 500:
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Status: resp.StatusCode, Code: word(string(answer)), Detail: doing + ": Slack cannot answer now"}
	}
	return failed(doing, word(string(answer)), resp.StatusCode)
}
