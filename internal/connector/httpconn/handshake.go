package httpconn

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/strictjson"
)

// greeting is a Handshake that has been found sound.
type greeting struct {
	get              bool
	query, header    string
	challenge, token *expression
	answer           map[string]string
	key              *signature.HMAC // for {hmac}
}

const (
	phChallenge = "{challenge}"
	phHMAC      = "{hmac}"
)

// mostEcho is the longest text that is sent back, in bytes.
const mostEcho = 2048

func (c *compiler) handshake(h *Handshake) {
	if h == nil {
		return
	}
	const at = "webhook.handshake"
	if !h.Get && h.Query == "" && h.Header == "" && h.Challenge == "" && h.Token == "" {
		c.fault(at, "does not say what the tool asks for", "write get: true, query, header, challenge or token, or remove it")
	}
	if h.Header != "" {
		c.headerName(at+".header", h.Header, "X-Hook-Secret")
		if reserved[http.CanonicalHeaderKey(h.Header)] {
			c.fault(at+".header", "is a header that this server writes itself or keeps for itself", "write the header that the tool wants back, such as X-Hook-Secret")
		}
	}
	c.out.greeting = greeting{get: h.Get, query: h.Query, header: h.Header, answer: h.Answer,
		challenge: c.expr(at+".challenge", h.Challenge, varHeaders, varBody), token: c.expr(at+".token", h.Token, varHeaders, varBody)}
	if h.Answer == nil {
		return
	}
	if h.Challenge == "" {
		c.fault(at+".answer", "is given, and there is no challenge to answer", "write where the body has it, such as challenge: body.challenge")
	}
	all := ""
	for _, text := range h.Answer {
		all += text
	}
	if !strings.Contains(all, phChallenge) && !strings.Contains(all, phHMAC) {
		c.fault(at+".answer", "has neither {challenge} nor {hmac}", `write the JSON that the tool wants, such as answer: {challenge: "{challenge}"}`)
	}
	if rest := strings.NewReplacer(phChallenge, "", phHMAC, "").Replace(all); strings.ContainsAny(rest, "{}") {
		c.fault(at+".answer", "has a placeholder that is not known", "the placeholders are {challenge} and {hmac}")
	}
	if strings.Contains(all, phHMAC) {
		// Whoever could have any text signed could sign an event.
		if key, ok := c.out.verify.(signature.HMAC); ok {
			c.out.greeting.key = &key
		} else if c.out.verify != nil || c.s.Webhook.Verify.None {
			c.fault(at+".answer", "has {hmac}, and webhooks are not verified with an HMAC", "write verify: {scheme: hmac, ...}, or remove {hmac}")
		}
	}
}

// reserved are headers that are no tool's to set.
var reserved = map[string]bool{"Host": true, "Connection": true, "Content-Length": true, "Content-Type": true, "Content-Encoding": true, "Transfer-Encoding": true,
	"Upgrade": true, "Trailer": true, "Te": true, "Keep-Alive": true, "Set-Cookie": true, "Location": true, "Authorization": true, "Cookie": true, "Refresh": true,
	"Content-Security-Policy": true, "X-Content-Type-Options": true, "Referrer-Policy": true, "Cache-Control": true, "Retry-After": true, "Date": true,
	connector.PathSecret: true, connector.RequestMethod: true, connector.RequestURL: true}

// echoable reports whether a foreign text may be sent back: short, printable and
// nothing that a browser could take for a page.
func echoable(text string) bool {
	return text != "" && len(text) <= mostEcho && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' || r > '~' || r == '<' || r == '>'
	})
}

// Hello implements connector.Greeter.
func (r receiver) Hello(method string, h http.Header, query url.Values) (connector.Greeting, bool) {
	g := r.greeting
	if values := query[g.query]; g.query != "" && len(values) == 1 && echoable(values[0]) {
		return connector.Greeting{Text: values[0]}, true
	}
	if values := h.Values(g.header); g.header != "" && method == http.MethodPost && len(values) == 1 && echoable(values[0]) {
		return connector.Greeting{Header: g.header, Value: values[0]}, true
	}
	return connector.Greeting{}, g.get && (method == http.MethodGet || method == http.MethodHead)
}

// Challenge implements connector.Greeter. What is not readable here is left to
// Events, which says so.
func (r receiver) Challenge(h http.Header, body []byte) (connector.Greeting, bool) {
	g := r.greeting
	if g.challenge == nil && g.token == nil {
		return connector.Greeting{}, false
	}
	v, err := decodeBody(h.Get("Content-Type"), body)
	if err != nil {
		return connector.Greeting{}, false
	}
	if r.holdsEvent(h, body) {
		return connector.Greeting{}, false
	}
	vars := map[string]any{varBody: v, varHeaders: headersOf(h)}
	if token, err := g.token.eval(vars); err == nil {
		if text, ok := token.(string); ok && text != "" {
			return connector.Greeting{Keep: kept(v)}, true
		}
	}
	challenge, err := g.challenge.eval(vars)
	text, ok := challenge.(string)
	if err != nil || !ok || !echoable(text) {
		return connector.Greeting{}, false
	}
	if g.answer == nil {
		return connector.Greeting{Text: text}, true
	}
	answer, err := g.fill(text)
	if err != nil {
		return connector.Greeting{}, false
	}
	return connector.Greeting{Text: answer, JSON: true}, true
}

// holdsEvent reports whether a body has an event of a customer. Answered as a
// hand-shake, it would be lost.
func (r receiver) holdsEvent(h http.Header, body []byte) bool {
	readings, err := r.Events(h, body)
	return err == nil && slices.ContainsFunc(readings, func(one connector.Reading) bool { return one.Err == nil && one.Event.Customer != "" })
}

func (g greeting) fill(challenge string) (string, error) {
	sum := ""
	if g.key != nil {
		if len(g.key.Secrets) == 0 || strings.ContainsAny(challenge, `{}"`) {
			return "", errors.New("it is not signed")
		}
		sum = g.key.Digest([]byte(challenge))
	}
	out := map[string]any{}
	for key, text := range g.answer {
		out[key] = strings.NewReplacer(phChallenge, challenge, phHMAC, sum).Replace(text)
	}
	text, err := strictjson.Encode(out)
	return string(text), err
}

// kept is the event under which the body of a hand-shake is stored.
func kept(body any) *connector.Reading {
	out := connector.Reading{Skip: "the tool sent a secret that you need: the payload of this event shows it"}
	out.Event.Payload, out.Err = strictjson.Encode(body)
	out.Event.ID = contentID("handshake:", out.Event.Payload)
	return &out
}

// contentID gives an event without an id one made from its content, so that a
// repeat is recognized.
func contentID(prefix string, payload []byte) string {
	sum := sha256.Sum256(payload)
	return prefix + hex.EncodeToString(sum[:])
}

// Pings implements connector.Pinger.
func (r receiver) Pings() bool { return r.ping }
