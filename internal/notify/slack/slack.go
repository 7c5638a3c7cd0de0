// Package slack tells people in Slack and hears which buttons they press.
//
// Main types: App (a bot: messages with buttons that are kept up to date),
// Webhook (an incoming webhook, the simple alternative), Interactions (the
// endpoint that Slack calls) and Socket (the same over a connection of ours).
// Main functions: New, NewWebhook, Probe.
//
// Invariants: text of a customer reaches Slack escaped, so that it mentions
// nobody; no message is longer than Slack takes; a press is heard only with a
// signature under the app's secret, or on the app's own connection, and from the
// app's own workspace; no error text holds a token or the webhook's address.
//
// It must not import the pipeline or the store.
package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/notify"
)

// Setting is where the configuration has Slack.
const Setting = "notify.slack"

// App posts and updates messages with a bot token.
type App struct {
	api *slackgo.Client

	mu   sync.Mutex
	team string // "" until auth.test told it
}

// New returns the app of a configuration with a bot token.
func New(c config.Slack, client *http.Client) *App {
	options := []slackgo.Option{slackgo.OptionHTTPClient(client)}
	if c.BaseURL != "" {
		options = append(options, slackgo.OptionAPIURL(strings.TrimSuffix(c.BaseURL, "/")+"/"))
	}
	if c.AppToken != "" {
		options = append(options, slackgo.OptionAppLevelToken(c.AppToken.Reveal()))
	}
	return &App{api: slackgo.New(c.BotToken.Reveal(), options...)}
}

// Post implements notify.Notifier.
func (a *App) Post(ctx context.Context, channel string, m notify.Message) (place string, err error) {
	blocks, text := render(m)
	id, ts, err := a.api.PostMessageContext(ctx, channel, slackgo.MsgOptionBlocks(blocks...), slackgo.MsgOptionText(text, false),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl())
	if err != nil {
		return "", failure("post to "+channel, err)
	}
	return id + "/" + ts, nil
}

// Update implements notify.Updater.
func (a *App) Update(ctx context.Context, place string, m notify.Message) error {
	channel, ts, _ := strings.Cut(place, "/")
	blocks, text := render(m)
	_, _, _, err := a.api.UpdateMessageContext(ctx, channel, ts, slackgo.MsgOptionBlocks(blocks...), slackgo.MsgOptionText(text, false))
	if err != nil {
		return failure("update a message", err)
	}
	return nil
}

// teamTime bounds the question which workspace is ours: a button waits for it.
const teamTime = time.Second

// ours reports whether a workspace is the app's.
func (a *App) ours(ctx context.Context, team string) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.team == "" {
		ctx, cancel := context.WithTimeout(ctx, teamTime)
		defer cancel()
		found, err := a.api.AuthTestContext(ctx)
		if err != nil {
			return false, failure("ask which workspace the bot token is for", err)
		}
		a.team = found.TeamID
	}
	return team != "" && team == a.team, nil
}

// Probe checks the tokens and changes nothing.
func (a *App) Probe(ctx context.Context, c config.Slack) (said []string, err error) {
	found, err := a.api.AuthTestContext(ctx)
	if err != nil {
		return nil, failure("check the bot token", err)
	}
	said = []string{fmt.Sprintf("the bot token belongs to %s in the workspace %s", found.User, found.Team)}
	if c.AppToken != "" {
		if _, _, err := a.api.StartSocketModeContext(ctx); err != nil {
			return said, failure("check the app token", err)
		}
		said = append(said, "Socket Mode can be opened")
	}
	return append(said, "whether "+c.Channel+" can be posted to shows with the first message"), nil
}

// codes are Slack's words for what only a person can end.
var codes = map[string]connector.FailureKind{
	"not_authed": connector.Unauthorized, "invalid_auth": connector.Unauthorized, "token_revoked": connector.Unauthorized,
	"token_expired": connector.Unauthorized, "account_inactive": connector.Unauthorized, "missing_scope": connector.Unauthorized,
	"no_permission": connector.Unauthorized, "access_denied": connector.Unauthorized, "not_allowed_token_type": connector.Unauthorized,
	"invalid_token": connector.Unauthorized, "team_disabled": connector.Unauthorized, "no_team": connector.Unauthorized,
	"no_service": connector.Unauthorized, "no_service_id": connector.Unauthorized, "no_active_hooks": connector.Unauthorized,
	"action_prohibited": connector.Unauthorized,

	"channel_not_found": connector.Misconfigured, "not_in_channel": connector.Misconfigured, "is_archived": connector.Misconfigured,
	"channel_is_archived": connector.Misconfigured, "restricted_action": connector.Misconfigured,
	"posting_to_general_channel_denied": connector.Misconfigured,

	"message_not_found": connector.Gone, "cant_update_message": connector.Gone, "edit_window_closed": connector.Gone,

	"ratelimited": connector.RateLimited, "rate_limited": connector.RateLimited,

	"internal_error": connector.Transient, "fatal_error": connector.Transient, "service_unavailable": connector.Transient,
	"request_timeout": connector.Transient, "rollup_error": connector.Transient,
}

// remedies say what to do, by Slack's word.
var remedies = map[string]string{
	"channel_not_found": "the app cannot find the channel; correct notify.slack.channel, or if the channel is private, invite the app with /invite",
	"not_in_channel":    "invite the app to the channel with /invite",
	"is_archived":       "the channel is archived; choose another",
	"invalid_auth":      "the token is not valid; copy it again from OAuth & Permissions",
	"token_revoked":     "the token was revoked; install the app again and copy the new one",
	"account_inactive":  "the app was removed from the workspace; install it again",
	"missing_scope":     "the token lacks a scope; add chat:write and chat:write.public and install the app again",
	"no_service":        "the webhook was removed; create another and put its address in notify.slack.webhook_url",
}

// failed makes a Failure of Slack's word for an error.
func failed(doing, code string, status int) *connector.Failure {
	f := &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Status: status, Code: code, Detail: doing + ": Slack says " + code}
	if kind, ok := codes[code]; ok {
		f.Kind = kind
	}
	if remedy := remedies[code]; remedy != "" {
		f.Detail += ": " + remedy
	}
	return f
}

// failure makes a Failure of the SDK's errors. Their own texts may hold the
// address that was called: only the cause keeps them.
func failure(doing string, err error) error {
	var limited *slackgo.RateLimitedError
	var answered slackgo.SlackErrorResponse
	var status slackgo.StatusCodeError
	var guarded *dialguard.Refused
	switch {
	case errors.As(err, &guarded):
		return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: doing + ": " + guarded.Error(), Err: err}
	case errors.As(err, &limited):
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Status: http.StatusTooManyRequests,
			RetryAfter: min(limited.RetryAfter, time.Hour), Code: "ratelimited", Detail: doing + ": Slack's rate limit is reached", Err: err}
	case errors.As(err, &answered):
		return failed(doing, word(answered.Err), 0)
	case errors.As(err, &status) && status.Code < 500:
		return &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Status: status.Code, Detail: doing + ": Slack refuses it", Err: err}
	case errors.As(err, &status):
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Status: status.Code, Detail: doing + ": Slack cannot answer now", Err: err}
	}
	return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: doing + ": the call did not complete", Err: err}
}

// word is an error's word out of an answer that may be anything.
func word(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > 60 || strings.ContainsFunc(text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return "something else"
	}
	return text
}
