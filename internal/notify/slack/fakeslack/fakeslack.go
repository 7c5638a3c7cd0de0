// Package fakeslack is a Slack workspace in memory, for tests: slacktest with
// the calls that it does not have, and people who press buttons.
//
// Main types: Workspace, Message and Click. Main function: New.
//
// Only tests import it.
package fakeslack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack/slacktest"

	"github.com/trueup-sync/trueup/internal/signature"
)

const (
	// Token is the bot token that the workspace takes.
	Token = "xoxb-fake-token"
	// SigningSecret is the app's.
	SigningSecret = "fake-signing-secret"
	// Team is the workspace's id.
	Team = "T024BE7LD"
)

// Message is one message as it stands.
type Message struct {
	Channel, TS string
	Text        string
	Blocks      []Block
	Updates     int
}

// Block is as much of a block as tests look at.
type Block struct {
	Type     string    `json:"type"`
	Text     Text      `json:"text"`
	Fields   []Text    `json:"fields"`
	Elements []Element `json:"elements"`
}

// Text is a text object.
type Text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Element is an element of an actions or a context block, whose text is an
// object or is the element's own.
type Element struct {
	Type     string          `json:"type"`
	RawText  json.RawMessage `json:"text"`
	ActionID string          `json:"action_id"`
	Value    string          `json:"value"`
}

// Workspace is a Slack workspace with one app.
type Workspace struct {
	*testing.T
	server *slacktest.Server

	mu       sync.Mutex
	messages []*Message
	calls    int
	// Fault, when set, answers a call instead and returns true.
	fault func(w http.ResponseWriter, call string) bool
	// Answers are what people who pressed were told.
	answers []string
}

// New starts a workspace that ends with the test.
func New(t *testing.T) *Workspace {
	w := &Workspace{T: t}
	w.server = slacktest.NewTestServer(func(c slacktest.Customize) {
		c.Handle("/chat.postMessage", w.handler("post", w.post))
		c.Handle("/chat.update", w.handler("update", w.update))
		c.Handle("/answers", func(_ http.ResponseWriter, r *http.Request) {
			var said struct{ Text string }
			if err := json.NewDecoder(r.Body).Decode(&said); err != nil {
				t.Error(err)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.answers = append(w.answers, said.Text)
		})
	})
	w.server.Start()
	t.Cleanup(w.server.Stop)
	return w
}

// URL is the base of the workspace's API.
func (w *Workspace) URL() string { return strings.TrimSuffix(w.server.GetAPIURL(), "/") }

// SetFault has f answer calls until it returns false; nil ends that.
func (w *Workspace) SetFault(f func(w http.ResponseWriter, call string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

// Messages returns all messages as they stand.
func (w *Workspace) Messages() []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Message
	for _, m := range w.messages {
		all = append(all, *m)
	}
	return all
}

// Calls is how many messages were sent, also in vain.
func (w *Workspace) Calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// Answers returns what people who pressed a button were told.
func (w *Workspace) Answers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.answers)
}

func (w *Workspace) handler(call string, do func(url.Values) map[string]any) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls++
		if w.fault != nil && w.fault(rw, call) {
			return
		}
		if err := r.ParseForm(); err != nil {
			w.Error(err)
		}
		answer := map[string]any{"ok": false, "error": "invalid_auth"}
		if r.Form.Get("token") == Token {
			answer = do(r.Form)
		}
		rw.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(rw).Encode(answer); err != nil {
			w.Error(err)
		}
	}
}

// post takes channels by name or id, and knows those that exist.
func (w *Workspace) post(form url.Values) map[string]any {
	channel := form.Get("channel")
	if channel == "#missing" {
		return map[string]any{"ok": false, "error": "channel_not_found"}
	}
	m := &Message{Channel: "C" + strings.ToUpper(strings.Trim(channel, "#")), TS: fmt.Sprintf("1700000000.%06d", len(w.messages)+1)}
	w.messages = append(w.messages, m)
	w.fill(m, form)
	return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS}
}

func (w *Workspace) update(form url.Values) map[string]any {
	for _, m := range w.messages {
		if m.Channel == form.Get("channel") && m.TS == form.Get("ts") {
			m.Updates++
			w.fill(m, form)
			return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text}
		}
	}
	return map[string]any{"ok": false, "error": "message_not_found"}
}

func (w *Workspace) fill(m *Message, form url.Values) {
	m.Text, m.Blocks = form.Get("text"), nil
	if problem := Check([]byte(form.Get("blocks")), m.Text); problem != "" {
		w.Errorf("Slack would not take it: %s\n%s", problem, form.Get("blocks"))
	}
	if err := json.Unmarshal([]byte(form.Get("blocks")), &m.Blocks); err != nil {
		w.Error(err)
	}
}

// Says reports whether a text stands anywhere in a message.
func (m Message) Says(text string) bool {
	all, err := json.Marshal(m)
	want, err2 := json.Marshal(text)
	return err == nil && err2 == nil && strings.Contains(string(all), strings.Trim(string(want), `"`))
}

// Buttons returns the buttons of a message by what they do.
func (m Message) Buttons() map[string]string {
	found := map[string]string{}
	for _, b := range m.Blocks {
		for _, e := range b.Elements {
			if e.Type == "button" {
				found[e.ActionID] = e.Value
			}
		}
	}
	return found
}

// Click is somebody's press of a button.
type Click struct {
	Message  Message
	Verb     string
	User     string // an id
	Name     string
	Team     string // "" is the workspace's
	ActionTS string // tells two presses apart
}

// Payload is what Slack tells of a press.
func (w *Workspace) Payload(c Click) []byte {
	w.Helper()
	if c.Team == "" {
		c.Team = Team
	}
	value, ok := c.Message.Buttons()[c.Verb]
	if !ok {
		w.Errorf("there is no button %s, but %v", c.Verb, c.Message.Buttons())
	}
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "team": map[string]any{"id": c.Team, "domain": "example"}, "api_app_id": "A1",
		"user":      map[string]any{"id": c.User, "username": c.Name, "name": c.Name, "team_id": c.Team},
		"container": map[string]any{"type": "message", "message_ts": c.Message.TS, "channel_id": c.Message.Channel},
		"channel":   map[string]any{"id": c.Message.Channel}, "response_url": w.URL() + "/answers", "trigger_id": "1.2.x",
		"actions": []any{map[string]any{"type": "button", "action_id": c.Verb, "block_id": "b", "value": value, "action_ts": c.ActionTS}},
	})
	if err != nil {
		w.Error(err)
	}
	return payload
}

// Request is the signed request in which Slack tells of a press.
func (w *Workspace) Request(to string, payload []byte, at time.Time) *http.Request {
	w.Helper()
	body := url.Values{"payload": {string(payload)}}.Encode()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header = signature.SignSlack([]byte(SigningSecret), at, []byte(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// Check returns why Slack would not take blocks, "" when it would
// (docs.slack.dev/reference/block-kit/blocks).
func Check(blocks []byte, text string) string {
	var all []struct {
		Type     string
		Text     *Text
		Fields   []Text
		Elements []struct {
			Element
			Confirm *struct{ Title, Text, Confirm, Deny Text }
		}
	}
	if err := json.Unmarshal(blocks, &all); err != nil {
		return err.Error()
	}
	problem := ""
	limit := func(what, text string, most int) {
		if n := utf8.RuneCountInString(text); n == 0 || n > most {
			problem = fmt.Sprintf("%s has %d characters, 1 to %d are allowed", what, n, most)
		}
	}
	limit("the text", text, 4000)
	if len(blocks) > 13_200 || len(all) == 0 || len(all) > 50 {
		problem = fmt.Sprintf("%d blocks with %d bytes", len(all), len(blocks))
	}
	for _, b := range all {
		switch most := map[string]int{"header": 150, "section": 3000}[b.Type]; {
		case b.Text != nil:
			limit("a "+b.Type, b.Text.Text, most)
		case b.Type == "section" && (len(b.Fields) == 0 || len(b.Fields) > 10):
			problem = fmt.Sprintf("%d fields", len(b.Fields))
		}
		for _, f := range b.Fields {
			limit("a field", f.Text, 2000)
		}
		if most := map[string]int{"context": 10, "actions": 25}[b.Type]; len(b.Elements) > most {
			problem = fmt.Sprintf("%d elements in a block %s", len(b.Elements), b.Type)
		}
		ids := map[string]bool{}
		for _, e := range b.Elements {
			if e.Type != "button" {
				continue
			}
			limit("a value", e.Value, 2000)
			limit("an action_id", e.ActionID, 255)
			if ids[e.ActionID] {
				problem = "two buttons have the action_id " + e.ActionID
			}
			ids[e.ActionID] = true
			if c := e.Confirm; c != nil {
				limit("a confirmation's title", c.Title.Text, 100)
				limit("a confirmation", c.Text.Text, 300)
				limit("a confirmation's button", c.Confirm.Text, 30)
			}
		}
	}
	return problem
}
