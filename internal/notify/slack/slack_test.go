package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/notify/slack/fakeslack"
	"github.com/trueup-sync/trueup/internal/store"
)

func settings(w *fakeslack.Workspace) config.Slack {
	return config.Slack{BotToken: fakeslack.Token, SigningSecret: fakeslack.SigningSecret, Channel: "#ops", BaseURL: w.URL()}
}

// sample is a message with everything.
func sample() notify.Message {
	return notify.Message{Icon: notify.Alarm, Title: "conflict in customer-status", Owner: notify.Person{Name: "Ana", ID: "U1"},
		Text: "somebody changed <!channel> & *more*", Facts: []notify.Fact{{Name: "Customer", Value: "<!channel> <@U2> & <https://evil.example|x>"}},
		List: []string{"cus_1", "cus_2"}, Notes: []string{"acknowledged by <!here>, today"}, Links: []notify.Link{{Text: "Open <it>", URL: "https://sync.example.com/?a=1&b=2|x"}},
		Buttons: []notify.Button{{Verb: store.Acknowledge, Label: "Acknowledge", Value: `{"x":1}`}, {Verb: store.UseSource, Label: "Use billing's value", Value: `{"x":1}`, Confirm: "Write <!channel>?"}}}
}

func TestAMessageIsPostedAndUpdatedInItsPlace(t *testing.T) {
	w := fakeslack.New(t)
	a := New(settings(w), http.DefaultClient)
	place, err := a.Post(t.Context(), "#ops", sample())
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	m.Icon, m.Text, m.Buttons = notify.Done, "it is over", nil
	if err := a.Update(t.Context(), place, m); err != nil {
		t.Fatal(err)
	}
	all := w.Messages()
	if len(all) != 1 || all[0].Updates != 1 || len(all[0].Buttons()) != 0 || !all[0].Says("it is over") || !all[0].Says(":white_check_mark:") || !all[0].Says("<@U1>") {
		t.Errorf("there is %+v", all)
	}
	if err := a.Update(t.Context(), "C1/9.9", m); connector.FailureOf(err).Kind != connector.Gone {
		t.Errorf("a message that is not there: %v", err)
	}
}

// Text of a customer mentions nobody, links nowhere, and looks like nothing of
// ours, wherever it stands.
func TestNothingThatACustomerWroteMentionsAnybody(t *testing.T) {
	blocks, text := render(sample())
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text, "<>") {
		t.Errorf("the text is %s", text)
	}
	walk(all, func(kind, text string) {
		if kind != "mrkdwn" {
			return // plain text has no mentions
		}
		text = strings.Replace(text, "<@U1>", "", 1) // the owner
		text = strings.Replace(text, "<https://sync.example.com/?a=1&amp;b=2%7Cx|Open &lt;it&gt;>", "", 1)
		if strings.ContainsAny(text, "<>") || strings.Contains(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(text), "&") {
			t.Errorf("not escaped: %s", text)
		}
	})
}

// walk calls f for each text object.
func walk(v any, f func(kind, text string)) {
	switch v := v.(type) {
	case []map[string]any:
		for _, one := range v {
			walk(one, f)
		}
	case []any:
		for _, one := range v {
			walk(one, f)
		}
	case map[string]any:
		if kind, ok := v["type"].(string); ok && (kind == "mrkdwn" || kind == "plain_text") {
			text, _ := v["text"].(string)
			f(kind, text)
		}
		for _, one := range v {
			walk(one, f)
		}
	}
}

func TestNoMessageIsLongerThanSlackTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(label string) string {
			part := rapid.SampledFrom([]string{"<", "&", "é", "🦊", "\"", "word ", "\n", "\xff"}).Draw(t, label)
			return strings.Repeat(part, rapid.IntRange(1, 5000).Draw(t, label+" length"))
		}
		m := notify.Message{Icon: notify.Alarm, Title: text("title"), Text: text("text"), Owner: notify.Person{Name: text("owner")}}
		for i := range rapid.IntRange(0, 15).Draw(t, "many") {
			m.Facts = append(m.Facts, notify.Fact{Name: fmt.Sprint("Fact ", i), Value: text("fact")})
			m.List = append(m.List, text("item"))
			m.Notes = append(m.Notes, text("note"))
			m.Buttons = append(m.Buttons, notify.Button{Verb: store.Verb(fmt.Sprint("verb", i)), Label: text("label"), Value: strings.Repeat("v", rapid.IntRange(1, 2500).Draw(t, "value")), Confirm: text("confirm")})
		}
		blocks, summary := render(m)
		raw, err := json.Marshal(blocks)
		if err != nil {
			t.Fatal(err)
		}
		if problem := fakeslack.Check(raw, summary); problem != "" {
			t.Fatalf("%s: %s", problem, raw)
		}
	})
}

func TestWhatSlackSaysIsAFailureOfItsKind(t *testing.T) {
	says := func(status int, body string, header ...string) func(http.ResponseWriter, string) bool {
		return func(w http.ResponseWriter, _ string) bool {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
	tests := map[string]struct {
		fault func(http.ResponseWriter, string) bool
		want  connector.Failure
	}{
		"too often": {says(429, `{"ok":false,"error":"ratelimited"}`, "Retry-After", "17"),
			connector.Failure{Kind: connector.RateLimited, RetryAfter: 17 * time.Second, Code: "ratelimited"}},
		"no such channel": {says(200, `{"ok":false,"error":"channel_not_found"}`), connector.Failure{Kind: connector.Misconfigured, Code: "channel_not_found"}},
		"a bad token":     {says(200, `{"ok":false,"error":"invalid_auth"}`), connector.Failure{Kind: connector.Unauthorized, Code: "invalid_auth"}},
		"a missing scope": {says(200, `{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"none"}`), connector.Failure{Kind: connector.Unauthorized, Code: "missing_scope"}},
		"a bad message":   {says(200, `{"ok":false,"error":"invalid_blocks"}`), connector.Failure{Kind: connector.Refused, Code: "invalid_blocks"}},
		"its own fault":   {says(200, `{"ok":false,"error":"internal_error"}`), connector.Failure{Kind: connector.Transient, Code: "internal_error"}},
		"no service":      {says(503, "down"), connector.Failure{Kind: connector.Transient, Status: 503}},
		"a page":          {says(200, "<html>"), connector.Failure{Kind: connector.Transient}},
		"a proxy's no":    {says(403, "no"), connector.Failure{Kind: connector.Refused, Status: 403}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := fakeslack.New(t)
			w.SetFault(tt.fault)
			_, err := New(settings(w), http.DefaultClient).Post(t.Context(), "#ops", sample())
			if err == nil {
				t.Fatal("it is posted")
			}
			f := connector.FailureOf(err)
			if f.Kind != tt.want.Kind || f.RetryAfter != tt.want.RetryAfter || f.Code != tt.want.Code {
				t.Errorf("got %+v", f)
			}
			if strings.Contains(err.Error(), fakeslack.Token) || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("it shows too much: %s", err)
			}
		})
	}
	w := fakeslack.New(t)
	c := settings(w)
	c.BotToken = "xoxb-another"
	if _, err := New(c, http.DefaultClient).Post(t.Context(), "#ops", sample()); connector.FailureOf(err).Kind != connector.Unauthorized {
		t.Errorf("another token: %v", err)
	}
}

func TestAWebhookPostsWithoutButtonsAndHidesItsAddress(t *testing.T) {
	status, answer, header := 200, "ok", ""
	var got payloadSeen
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = payloadSeen{}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		if got.Text == "" && len(got.Blocks) == 0 && status == 200 {
			w.WriteHeader(400)
			fmt.Fprint(w, "no_text")
			return
		}
		w.Header().Set("Retry-After", header)
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	hook := NewWebhook(config.Slack{WebhookURL: config.Secret(server.URL + "/services/T1/B1/secret-part")}, server.Client())
	if place, err := hook.Post(t.Context(), "webhook", sample()); err != nil || place != "" || got.Text == "" || strings.Contains(string(got.Blocks), "button") {
		t.Errorf("at %q, %v: %s", place, err, got.Blocks)
	}
	if said, err := hook.Probe(t.Context()); err != nil || !cmp.Equal(said, []string{"the webhook exists"}) {
		t.Errorf("probed: %v, %v", said, err)
	}
	for _, tt := range []struct {
		status         int
		answer, header string
		want           connector.FailureKind
		rest           time.Duration
	}{
		{404, "no_service", "", connector.Unauthorized, 0},
		{400, "invalid_payload", "", connector.Refused, 0},
		{410, "channel_is_archived", "", connector.Misconfigured, 0},
		{429, "rate_limited", "30", connector.RateLimited, 30 * time.Second},
		{429, "rate_limited", "9999999999999", connector.RateLimited, time.Hour}, // a mistake, and more than a Duration holds
		{500, "rollup_error", "", connector.Transient, 0},
		{403, "<html>something", "", connector.Refused, 0},
	} {
		status, answer, header = tt.status, tt.answer, tt.header
		_, err := hook.Post(t.Context(), "webhook", sample())
		f := connector.FailureOf(err)
		if f.Kind != tt.want || f.RetryAfter != tt.rest || strings.Contains(err.Error(), "secret-part") {
			t.Errorf("%d %s: got %+v", tt.status, tt.answer, f)
		}
	}
	server.Close()
	_, err := hook.Post(t.Context(), "webhook", sample())
	if f := connector.FailureOf(err); f.Kind != connector.Transient || strings.Contains(fmt.Sprintf("%v %+v", err, f.Err), "secret-part") {
		t.Errorf("without a server: %v", err)
	}
}

type payloadSeen struct {
	Text   string
	Blocks json.RawMessage
}

func TestProbeSaysWhoTheBotIs(t *testing.T) {
	w := fakeslack.New(t)
	c := settings(w)
	c.AppToken = "xapp-1"
	said, err := New(c, http.DefaultClient).Probe(t.Context(), c)
	if err != nil || len(said) != 3 || !strings.Contains(said[0], "workspace") {
		t.Errorf("%v, %v", said, err)
	}
}

// noted is a Presser that keeps what was pressed.
type noted struct {
	presses chan notify.Press
	answer  string
	err     error
	wait    chan struct{}
}

func (n *noted) Press(ctx context.Context, p notify.Press) (string, error) {
	if n.wait != nil {
		<-n.wait
	}
	n.presses <- p
	return n.answer, n.err
}

// heard is an app with people who press its buttons.
func heard(t *testing.T) (*fakeslack.Workspace, *noted, *Interactions, fakeslack.Click) {
	t.Helper()
	w := fakeslack.New(t)
	app := New(settings(w), http.DefaultClient)
	if _, err := app.Post(t.Context(), "#ops", sample()); err != nil {
		t.Fatal(err)
	}
	n := &noted{presses: make(chan notify.Press, 10)}
	i := NewInteractions(app, settings(w), http.DefaultClient, n, slog.New(slog.NewTextHandler(t.Output(), nil)))
	t.Cleanup(i.Wait)
	return w, n, i, fakeslack.Click{Message: w.Messages()[0], Verb: "acknowledge", User: "U7", Name: "zoe", ActionTS: "5.5"}
}

func answered(i *Interactions, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	i.ServeHTTP(rec, r)
	return rec
}

func TestASignedPressIsHeard(t *testing.T) {
	w, n, i, click := heard(t)
	rec := answered(i, w.Request("http://x/slack/interactions", w.Payload(click), time.Now()))
	if rec.Code != 200 || rec.Body.Len() != 0 {
		t.Errorf("it is answered %d %s", rec.Code, rec.Body)
	}
	want := notify.Press{ID: "slack/T024BE7LD/COPS/1700000000.000001/U7/5.5", UserID: "U7", UserName: "zoe", Verb: "acknowledge", Value: `{"x":1}`}
	if diff := cmp.Diff(want, <-n.presses); diff != "" {
		t.Error(diff)
	}
}

func TestAPressThatSlackDidNotSignIsRefused(t *testing.T) {
	w, n, i, click := heard(t)
	good := func() *http.Request { return w.Request("http://x/slack/interactions", w.Payload(click), time.Now()) }
	another := click
	another.Team = "T999"
	tests := map[string]struct {
		request func() *http.Request
		status  int
	}{
		"five minutes and a second old": {func() *http.Request {
			return w.Request("http://x/", w.Payload(click), time.Now().Add(-5*time.Minute-time.Second))
		}, 401},
		"from the future": {func() *http.Request {
			return w.Request("http://x/", w.Payload(click), time.Now().Add(6*time.Minute))
		}, 401},
		"forged": {func() *http.Request {
			r := good()
			r.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("ab", 32))
			return r
		}, 401},
		"unsigned": {func() *http.Request {
			r := good()
			r.Header.Del("X-Slack-Signature")
			return r
		}, 401},
		"another body under the signature": {func() *http.Request {
			r := good()
			r.Body = w.Request("http://x/", w.Payload(another), time.Now()).Body
			return r
		}, 401},
		// The signature is over the body: what the address holds is anybody's.
		"a payload in the query": {func() *http.Request {
			r := w.Request("http://x/?payload=%7B%7D", nil, time.Now())
			return r
		}, 400},
		"another workspace": {func() *http.Request { return w.Request("http://x/", w.Payload(another), time.Now()) }, 403},
		"no JSON":           {func() *http.Request { return w.Request("http://x/", []byte("x"), time.Now()) }, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if rec := answered(i, tt.request()); rec.Code != tt.status {
				t.Errorf("it is answered %d %s", rec.Code, rec.Body)
			}
			select {
			case p := <-n.presses:
				t.Errorf("%+v was done", p)
			default:
			}
		})
	}
}

func TestWhoPressedIsToldAlone(t *testing.T) {
	w, n, i, click := heard(t)
	n.answer = "Exception 1 is <resolved> already."
	if rec := answered(i, w.Request("http://x/", w.Payload(click), time.Now())); rec.Code != 200 || rec.Body.Len() != 0 {
		t.Errorf("it is answered %d %s", rec.Code, rec.Body)
	}
	i.Wait()
	if diff := cmp.Diff([]string{"Exception 1 is &lt;resolved&gt; already."}, w.Answers()); diff != "" {
		t.Error(diff)
	}
	for to, want := range map[string]bool{"https://hooks.slack.com/actions/T1/2/x": true, "https://slack.com/x": true, "https://hooks.slack-gov.com/actions/T1/2/x": true, "https://evilslack-gov.com/x": false, w.URL() + "/answers": true,
		"http://hooks.slack.com/x": false, "https://evilslack.com/x": false, "https://hooks.slack.com@evil.example/": false, "https://169.254.169.254/": false, "": false} {
		if got := i.mayAnswer(to); got != want {
			t.Errorf("%s may be answered: %t", to, got)
		}
	}
}

func TestAPressThatCouldNotBeDoneShowsAnError(t *testing.T) {
	w, n, i, click := heard(t)
	n.err = fmt.Errorf("the database is away")
	if rec := answered(i, w.Request("http://x/", w.Payload(click), time.Now())); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("it is answered %d %s", rec.Code, rec.Body)
	}
	i.Wait()
	if all := w.Answers(); len(all) != 1 || !strings.Contains(all[0], "Press again") || strings.Contains(all[0], "database is away") {
		t.Errorf("the person is told %q", all)
	}
}

// A yes before a press is stored would be lost with the process. One that takes
// longer than Slack waits shows an error, goes on, and the person is told.
func TestAPressIsNotAnsweredWithAYesBeforeItIsStored(t *testing.T) {
	w, n, i, click := heard(t)
	n.wait = make(chan struct{})
	rec := answered(i, w.Request("http://x/", w.Payload(click), time.Now()))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("it is answered %d though it is not done", rec.Code)
	}
	close(n.wait)
	if p := <-n.presses; p.UserID != "U7" {
		t.Errorf("done was %+v", p)
	}
	i.Wait()
	if diff := cmp.Diff([]string{"That took a while, but it is done."}, w.Answers()); diff != "" {
		t.Error(diff)
	}
}
