package httpconn

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
)

func greeterOf(t *testing.T, change func(s *Settings)) connector.Greeter {
	t.Helper()
	g, ok := receiverOf(t, change).(connector.Greeter)
	if !ok {
		t.Fatal("the receiver answers no hand-shakes")
	}
	return g
}

func TestAHandshakeIsAnsweredAsTheToolAsks(t *testing.T) {
	for _, c := range []struct {
		name      string
		handshake *Handshake
		method    string
		header    http.Header
		query     string
		want      connector.Greeting
		answered  bool
	}{
		{"none is configured", nil, "GET", nil, "validationToken=x", connector.Greeting{}, false},
		{"Mailchimp asks by GET", &Handshake{Get: true}, "GET", nil, "", connector.Greeting{}, true},
		{"a POST is no GET", &Handshake{Get: true}, "POST", nil, "", connector.Greeting{}, false},
		{"Microsoft Graph posts a token in the address", &Handshake{Query: "validationToken"}, "POST", nil, "validationToken=Validation%3A+Testing+client+1",
			connector.Greeting{Text: "Validation: Testing client 1"}, true},
		{"Dropbox and Meta get one", &Handshake{Query: "hub.challenge"}, "GET", nil, "hub.mode=subscribe&hub.challenge=1158201444", connector.Greeting{Text: "1158201444"}, true},
		{"another parameter", &Handshake{Query: "challenge"}, "GET", nil, "validationToken=x", connector.Greeting{}, false},
		{"the parameter twice", &Handshake{Query: "challenge"}, "GET", nil, "challenge=x&challenge=y", connector.Greeting{}, false},
		{"a page in the parameter", &Handshake{Query: "challenge"}, "GET", nil, "challenge=%3Cscript%3Ealert(1)%3C/script%3E", connector.Greeting{}, false},
		{"a line break in the parameter", &Handshake{Query: "challenge"}, "GET", nil, "challenge=a%0D%0ASet-Cookie:x", connector.Greeting{}, false},
		{"an endless parameter", &Handshake{Query: "challenge"}, "GET", nil, "challenge=" + strings.Repeat("x", mostEcho+1), connector.Greeting{}, false},
		{"Asana wants its header back", &Handshake{Header: "X-Hook-Secret"}, "POST", http.Header{"X-Hook-Secret": {"b537207f20cbfa02"}}, "",
			connector.Greeting{Header: "X-Hook-Secret", Value: "b537207f20cbfa02"}, true},
		{"the header twice", &Handshake{Header: "X-Hook-Secret"}, "POST", http.Header{"X-Hook-Secret": {"a", "b"}}, "", connector.Greeting{}, false},
		{"the header of a GET", &Handshake{Header: "X-Hook-Secret"}, "GET", http.Header{"X-Hook-Secret": {"a"}}, "", connector.Greeting{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			got, answered := greeterOf(t, func(s *Settings) { s.Webhook.Handshake = c.handshake }).Hello(c.method, c.header, query)
			if got != c.want || answered != c.answered {
				t.Errorf("got %+v, %t, want %+v", got, answered, c.want)
			}
		})
	}
}

func TestAChallengeInABodyIsAnsweredAsTheToolAsks(t *testing.T) {
	zoom := Verify{Scheme: schemeHMAC, Header: "X-Zm-Signature", Prefix: "v0=", TimestampHeader: "X-Zm-Request-Timestamp", Signed: "v0:{timestamp}:{body}", Secrets: []config.Secret{hmacKey}}
	sum := signature.HMAC{Shape: signature.Shape{Encoding: signature.Hex}, Secrets: signature.Secrets{[]byte(hmacKey)}}.Digest([]byte("qgg8vlvZRS6UYooatFL8Aw"))
	for _, c := range []struct {
		name      string
		verify    *Verify
		handshake *Handshake
		body      string
		text      string // "" is no hand-shake
		json      bool
	}{
		{"Slack sends one", nil, &Handshake{Challenge: "body.challenge"}, `{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV"}`, "3eZbrw1aBm2rZgRNFdxV", false},
		{"monday wants JSON back", nil, &Handshake{Challenge: "body.challenge", Answer: map[string]string{"challenge": "{challenge}"}}, `{"challenge":"3eZb\"w"}`, `{"challenge":"3eZb\"w"}`, true},
		{"Zoom wants it signed", &zoom, &Handshake{Challenge: "body.payload.plainToken", Answer: map[string]string{"plainToken": "{challenge}", "encryptedToken": "{hmac}"}},
			`{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}`, `{"encryptedToken":"` + sum + `","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}`, true},
		{"nothing that could be an event is signed", &zoom, &Handshake{Challenge: "body.payload.plainToken", Answer: map[string]string{"encryptedToken": "{hmac}"}},
			`{"payload":{"plainToken":"v0:1:{\"id\":1}"}}`, "", false},
		{"an event", nil, &Handshake{Challenge: "body.challenge"}, `{"events":[]}`, "", false},
		{"a challenge beside an event", nil, &Handshake{Challenge: "body.challenge"}, `{"challenge":"3eZb","events":[{"id":"evt_1","customer_id":"cus_1","status":"active","occurred_at":"2026-03-01T09:00:00Z"}]}`, "", false},
		{"a token beside an event", nil, &Handshake{Token: "body.challenge"}, `{"challenge":"3eZb","events":[{"id":"evt_1","customer_id":"cus_1","status":"active","occurred_at":"2026-03-01T09:00:00Z"}]}`, "", false},
		{"a challenge that is no text", nil, &Handshake{Challenge: "body.challenge"}, `{"challenge":7}`, "", false},
		{"a page", nil, &Handshake{Challenge: "body.challenge"}, `{"challenge":"<b>x</b>"}`, "", false},
		{"no JSON", nil, &Handshake{Challenge: "body.challenge"}, `{`, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, answered := greeterOf(t, func(s *Settings) {
				s.Webhook.Handshake = c.handshake
				if c.verify != nil {
					s.Webhook.Verify, s.Webhook.ID = *c.verify, "event.id"
				}
			}).Challenge(http.Header{}, []byte(c.body))
			if answered != (c.text != "") || got.Text != c.text || got.JSON != c.json || got.Keep != nil {
				t.Errorf("got %+v, %t", got, answered)
			}
		})
	}
}

func TestASecretThatArrivesByHandshakeIsKeptForAPerson(t *testing.T) {
	g := greeterOf(t, func(s *Settings) { s.Webhook.Handshake = &Handshake{Token: "body.verification_token"} })
	got, answered := g.Challenge(http.Header{}, []byte(`{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}`))
	if !answered || got.Text != "" || got.Keep == nil || got.Keep.Skip == "" || got.Keep.Event.Customer != "" || got.Keep.Event.ID == "" {
		t.Fatalf("got %+v, %t", got, answered)
	}
	if strings.Contains(got.Keep.Skip+got.Keep.Event.ID, "secret_tMrl") || string(got.Keep.Event.Payload) != `{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}` {
		t.Errorf("kept %+v", got.Keep)
	}
	if got, answered := g.Challenge(http.Header{}, []byte(`{"events":[]}`)); answered {
		t.Errorf("an event was taken for a hand-shake: %+v", got)
	}
}

// FuzzHandshake checks that whatever is sent back is short, printable and no page.
func FuzzHandshake(f *testing.F) {
	f.Add("a", "b", `{"challenge":"c"}`)
	f.Add("<b>", "\r\n", `{"challenge":"\u0000"}`)
	f.Add("", strings.Repeat("x", 3000), `{"challenge":"{hmac}","token":"x"}`)
	s := full()
	s.Webhook.Handshake = &Handshake{Query: "q", Header: "X-H", Challenge: "body.challenge", Answer: map[string]string{"a": "{challenge}"}, Token: "body.token"}
	conn, err := Open("crm", config.Connection{BaseURL: "http://127.0.0.1:1"}, s, connector.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	g := conn.Receiver.(connector.Greeter)
	f.Fuzz(func(t *testing.T, query, header, body string) {
		sound := func(text string, most int) {
			if len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '<' || r == '>' }) {
				t.Errorf("sends back %q", text)
			}
		}
		for _, method := range []string{"GET", "POST"} {
			got, _ := g.Hello(method, http.Header{"X-H": {header}}, url.Values{"q": {query}})
			sound(got.Text, mostEcho)
			sound(got.Value, mostEcho)
		}
		got, _ := g.Challenge(http.Header{}, []byte(body))
		sound(got.Text, 2*mostEcho+20) // with the escapes of JSON
	})
}
