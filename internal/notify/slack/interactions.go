package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/signature"
)

const (
	// mostBody is far above what Slack sends.
	mostBody = 1 << 20
	// answerTime is for how long a press may take until it is stored. After 3
	// seconds Slack shows an error by itself (docs.slack.dev/interactivity/handling-user-interaction); a
	// yes before it is stored could be lost with the process.
	answerTime = 2500 * time.Millisecond
	// doingTime bounds what a button does, and the answer to who pressed it.
	doingTime = 20 * time.Second
)

// Presser does what a button says; notify.Buttons does.
type Presser interface {
	// Press returns what to tell the one who pressed, "" when the message
	// shows it. A press that is reported again changes nothing.
	Press(ctx context.Context, p notify.Press) (answer string, err error)
}

// Interactions hears the buttons of an app.
type Interactions struct {
	app    *App
	secret config.Secret
	// answers is where answers to a press may be sent.
	answers string
	client  *http.Client
	buttons Presser
	log     *slog.Logger
	now     func() time.Time
	// doing counts the presses that are not done yet.
	doing sync.WaitGroup
}

// NewInteractions returns what hears the buttons of an app. Wait for it to end.
func NewInteractions(app *App, c config.Slack, client *http.Client, buttons Presser, log *slog.Logger) *Interactions {
	return &Interactions{app: app, secret: c.SigningSecret, answers: c.BaseURL, client: client, buttons: buttons, log: log, now: time.Now}
}

// Wait returns when all presses that were heard are done.
func (i *Interactions) Wait() { i.doing.Wait() }

// ServeHTTP answers Slack's request about a press: with nothing once it is
// verified and done, and with an error when it is not stored in time.
func (i *Interactions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	// The raw body is verified before anything of it is read, and nothing else
	// of the request is: a query is not under the signature.
	scheme, err := signature.NewSlack([]string{i.secret.Reveal()})
	if err == nil {
		err = scheme.Verify(r.Header, body, i.now())
	}
	if err != nil {
		i.log.Warn("a request in Slack's name was refused", slog.Any("error", err))
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["payload"]) != 1 {
		http.Error(w, "there is not one payload", http.StatusBadRequest)
		return
	}
	if status, problem := i.hear(r.Context(), []byte(form.Get("payload"))); problem != "" {
		http.Error(w, problem, status)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// interaction is what Slack tells of a press.
type interaction struct {
	Type string `json:"type"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"user"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	ResponseURL string `json:"response_url"`
	Actions     []struct {
		ActionID string `json:"action_id"`
		ActionTS string `json:"action_ts"`
		Value    string `json:"value"`
	} `json:"actions"`
}

// hear does what a genuine payload asks for. What takes long is not lost: it
// goes on, and the person who sees Slack's error is told how it ended.
func (i *Interactions) hear(ctx context.Context, payload []byte) (status int, problem string) {
	var in interaction
	if err := json.Unmarshal(payload, &in); err != nil {
		return http.StatusBadRequest, "the payload is not JSON"
	}
	if in.Type != "block_actions" {
		return http.StatusOK, "" // nothing else of ours can be used
	}
	ours, err := i.app.ours(ctx, in.Team.ID)
	switch {
	case err != nil:
		i.log.Error("cannot handle a button", slog.Any("error", err))
		return http.StatusServiceUnavailable, "cannot tell which workspace this is; try again"
	case !ours:
		i.log.Warn("a button of another workspace was refused", slog.String("team", in.Team.ID))
		return http.StatusForbidden, "this is another workspace"
	}
	ctx = context.WithoutCancel(ctx)
	done := make(chan error, 1)
	i.doing.Go(func() { done <- i.press(ctx, in) })
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			return http.StatusServiceUnavailable, "that did not work; press again"
		}
		return http.StatusOK, ""
	case <-timer.C:
		i.doing.Go(func() {
			if <-done == nil {
				i.answer(ctx, in.ResponseURL, "That took a while, but it is done.")
			}
		})
		return http.StatusServiceUnavailable, "not done yet; press again unless the message shows the change"
	}
}

// press does each action, and answers the person where there is something to
// say.
func (i *Interactions) press(ctx context.Context, in interaction) error {
	ctx, cancel := context.WithTimeout(ctx, doingTime)
	defer cancel()
	for _, a := range in.Actions {
		answer, err := i.buttons.Press(ctx, notify.Press{
			ID:     strings.Join([]string{"slack", in.Team.ID, in.Container.ChannelID, in.Container.MessageTS, in.User.ID, a.ActionTS}, "/"),
			UserID: in.User.ID, UserName: cmp.Or(in.User.Username, in.User.Name, in.User.ID), Verb: notify.Verb(a.ActionID), Value: a.Value})
		if err != nil {
			i.log.Error("a button's action failed", slog.String("verb", a.ActionID), slog.Any("error", err))
			i.doing.Go(func() {
				i.answer(context.WithoutCancel(ctx), in.ResponseURL, "It could not be stored. Press again.")
			})
			return err
		}
		if answer != "" {
			i.doing.Go(func() { i.answer(context.WithoutCancel(ctx), in.ResponseURL, answer) })
		}
	}
	return nil
}

// answer tells the one who pressed, and nobody else.
func (i *Interactions) answer(ctx context.Context, to, text string) {
	ctx, cancel := context.WithTimeout(ctx, doingTime)
	defer cancel()
	err := i.send(ctx, to, map[string]any{"response_type": "ephemeral", "replace_original": false, "text": escaped(text, mostText)})
	if err != nil {
		i.log.Warn("could not answer a button", slog.Any("error", err))
	}
}

func (i *Interactions) send(ctx context.Context, to string, message any) error {
	if !i.mayAnswer(to) {
		return fmt.Errorf("the response address is not Slack's")
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the response address is not valid")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := i.client.Do(req)
	if err != nil { // its text would show the address, which is good for half an hour
		return fmt.Errorf("the call did not complete")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %d", resp.StatusCode)
	}
	return nil
}

// mayAnswer reports whether an address is Slack's, or the one that stands for
// Slack in the configuration.
func (i *Interactions) mayAnswer(to string) bool {
	u, err := url.Parse(to)
	if err != nil {
		return false
	}
	if base, err := url.Parse(i.answers); err == nil && i.answers != "" && u.Scheme == base.Scheme && u.Host == base.Host {
		return true
	}
	own := func(domain string) bool { return u.Host == domain || strings.HasSuffix(u.Host, "."+domain) }
	return u.Scheme == "https" && (own("slack.com") || own("slack-gov.com")) // GovSlack has a domain of its own
}
