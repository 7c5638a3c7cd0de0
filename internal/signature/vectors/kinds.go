package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// tolerance is how far a timestamp may lie from now, in seconds.
const tolerance = 300

// kind is a scheme in one shape.
type kind struct {
	label   string // how its descriptions begin
	genuine vector
	// wrong is a secret that would do as well and is not the genuine one.
	wrong string
	// signature and timestamp are the headers that hold them; timestamp is ""
	// for a scheme without one.
	signature, timestamp string
	at                   string // the genuine timestamp
	// text is what is signed, and mark writes a digest into the headers.
	text func(v vector, timestamp string) string
	mark func(v *vector, timestamp string, digest []byte)
	key  func(secret string) string
}

func sum(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func mac(key, text string) []byte { return sum(sha256.New, key, text) }

// sign gives the request the headers of a sender that has the secret.
func (k kind) sign(v *vector, secret, timestamp string) {
	k.mark(v, timestamp, mac(k.key(secret), k.text(*v, timestamp)))
}

func asItIs(secret string) string { return secret }

func (v vector) clone() vector {
	v.Headers = maps.Clone(v.Headers)
	for name, values := range v.Headers {
		v.Headers[name] = slices.Clone(values)
	}
	v.Secrets = slices.Clone(v.Secrets)
	v.Source = ""
	return v
}

const (
	standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	standardWrong  = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVy"
)

func standardKey(secret string) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		panic(err) // a secret of this file
	}
	return string(key)
}

func standard() kind {
	return kind{
		label: "standard-webhooks", wrong: standardWrong, signature: "webhook-signature", timestamp: "webhook-timestamp", at: "1614265330",
		genuine: vector{Scheme: "standard-webhooks", Secrets: []string{standardSecret}, Now: 1614265330,
			Headers: map[string][]string{"webhook-id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "webhook-timestamp": {"1614265330"},
				"webhook-signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}},
			body:   `{"test": 2432232314}`,
			Source: "https://github.com/standard-webhooks/standard-webhooks, the tests of its libraries"},
		text: func(v vector, t string) string { return v.Headers["webhook-id"][0] + "." + t + "." + v.body },
		mark: func(v *vector, t string, digest []byte) {
			v.Headers["webhook-timestamp"] = []string{t}
			v.Headers["webhook-signature"] = []string{"v1," + base64.StdEncoding.EncodeToString(digest)}
		},
		key: standardKey,
	}
}

func stripe() kind {
	k := kind{
		label: "stripe", wrong: "whsec_other_secret", signature: "stripe-signature", at: "1495999758",
		genuine: vector{Scheme: "stripe", Secrets: []string{"whsec_test_secret"}, Now: 1495999758,
			Headers: map[string][]string{}, body: `{"id":"evt_test","object":"event"}`},
		text: func(v vector, t string) string { return t + "." + v.body },
		mark: func(v *vector, t string, digest []byte) {
			v.Headers["stripe-signature"] = []string{"t=" + t + ",v1=" + hex.EncodeToString(digest)}
		},
		key: asItIs,
	}
	k.sign(&k.genuine, k.genuine.Secrets[0], k.at)
	return k
}

func slack() kind {
	k := kind{
		label: "slack", wrong: "another secret", signature: "X-Slack-Signature", timestamp: "X-Slack-Request-Timestamp", at: "1531420618",
		genuine: vector{Scheme: "slack", Secrets: []string{"8f742231b10e8888abcd99yyyzzz85a5"}, Now: 1531420618,
			Headers: map[string][]string{}, body: "payload=%7B%22a%22%3A1%7D"},
		text: func(v vector, t string) string { return "v0:" + t + ":" + v.body },
		mark: func(v *vector, t string, digest []byte) {
			v.Headers["X-Slack-Signature"] = []string{"v0=" + hex.EncodeToString(digest)}
			v.Headers["X-Slack-Request-Timestamp"] = []string{t}
		},
		key: asItIs,
	}
	k.sign(&k.genuine, k.genuine.Secrets[0], k.at)
	return k
}

// shape is an hmac-sha256 scheme.
type shape struct{ label, header, encoding, prefix, timestamp, secret, body string }

func (s shape) options() map[string]string {
	o := map[string]string{"header": s.header, "encoding": s.encoding}
	if s.prefix != "" {
		o["prefix"] = s.prefix
	}
	if s.timestamp != "" {
		o["timestamp_header"] = s.timestamp
	}
	return o
}

func (s shape) encode(digest []byte) string {
	if s.encoding == "base64" {
		return base64.StdEncoding.EncodeToString(digest)
	}
	return hex.EncodeToString(digest)
}

func (s shape) kind() kind {
	k := kind{label: s.label, wrong: "another secret", signature: s.header, timestamp: s.timestamp,
		genuine: vector{Scheme: "hmac-sha256", Options: s.options(), Secrets: []string{s.secret}, Now: 1495999758, Headers: map[string][]string{}, body: s.body},
		text:    func(v vector, _ string) string { return v.body },
		mark: func(v *vector, t string, digest []byte) {
			v.Headers[s.header] = []string{s.prefix + s.encode(digest)}
			if s.timestamp != "" {
				v.Headers[s.timestamp] = []string{t}
			}
		},
		key: asItIs,
	}
	if s.timestamp != "" {
		k.at = strconv.FormatInt(k.genuine.Now, 10)
		k.text = func(v vector, t string) string { return t + "." + v.body }
	}
	k.sign(&k.genuine, s.secret, k.at)
	return k
}

var (
	github  = shape{"hmac-sha256 in hex with a prefix", "X-Hub-Signature-256", "hex", "sha256=", "", "It's a Secret to Everybody", "Hello, World!"}
	plain   = shape{"hmac-sha256 in base64", "X-Shop-Hmac-Sha256", "base64", "", "", "sesame", `{"id":820982911946154508}`}
	hexTime = shape{"hmac-sha256 in hex with a timestamp", "X-Signature", "hex", "", "X-Timestamp", "sesame", `{"a":1}`}
	b64Time = shape{"hmac-sha256 in base64 with a prefix and a timestamp", "X-Signature", "base64", "v1=", "X-Request-Timestamp", "sesame", `{"a":2}`}
)

// githubKind is the one shape whose genuine request somebody has published.
func githubKind() kind {
	k := github.kind()
	k.genuine.Source = "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"
	return k
}

func static() kind {
	return kind{label: "header", wrong: "another secret", signature: "X-Token", key: asItIs,
		genuine: vector{Scheme: "header", Options: map[string]string{"header": "X-Token"}, Secrets: []string{"open sesame"}, Now: 1495999758,
			Headers: map[string][]string{"X-Token": {"open sesame"}}, body: `{"a":1}`}}
}

// collector gathers vectors of one kind.
type collector struct {
	kind
	step int // which letters of the digest are changed: 1 is each
	got  []vector
}

// add derives a vector from the genuine request.
func (c *collector) add(reason, description string, change func(*vector)) {
	v := c.genuine.clone()
	change(&v)
	v.Description = fmt.Sprintf("%s: %s.", c.label, description)
	v.Accept, v.Reason = reason == match, reason
	c.got = append(c.got, v)
}

// set replaces the values of a header.
func set(name string, values ...string) func(*vector) {
	return func(v *vector) { v.Headers[name] = values }
}

func body(text string) func(*vector) { return func(v *vector) { v.body = text } }

func secrets(s ...string) func(*vector) { return func(v *vector) { v.Secrets = s } }

// value is the genuine value of a header.
func (c *collector) value(name string) string { return c.genuine.Headers[name][0] }

// given is the genuine value of the signature's header.
func (c *collector) given() string { return c.value(c.signature) }
