// Package signature decides whether the raw bytes of a webhook came from the
// tool that shares a secret with us.
//
// Main types: Scheme, and one implementation for each way in which tools prove
// who they are: StandardWebhooks, HMAC, Ed25519, StaticHeader, Basic, Slack and
// Stripe. Shape says where an HMAC or an Ed25519 signature stands and what it
// covers. The Sign functions make the headers a tool would send; tests and the
// demo use them.
//
// Invariants: everything is a pure function of headers, body, secrets and a
// given time; a header that a scheme needs is present exactly once and is not
// empty, so that a proxy and Trueup cannot read different ones; comparison
// takes constant time; an empty secret verifies nothing, even in a value that
// was not made by a constructor; any one of several secrets is enough, so that
// a secret can be replaced without losing events; no error text quotes a secret
// or a signature.
//
// It must not read a clock, read JSON or import a connector.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// tolerance is how far a signed timestamp may lie from our clock, before or
// after. Both sides are bounded: otherwise a timestamp in the future would be
// valid for a replay until that time has passed.
const tolerance = 5 * time.Minute

// Scheme is one way of proving where a request came from. Verify returns nil
// for a genuine request, else a sentence that names the fault.
type Scheme interface {
	Verify(h http.Header, body []byte, now time.Time) error
}

// Secrets are the valid keys of a scheme. They print as [redacted].
type Secrets [][]byte

// Format answers every verb: some would print the bytes as numbers.
func (s Secrets) Format(out fmt.State, _ rune) { io.WriteString(out, "[redacted]") }

func (s Secrets) String() string               { return "[redacted]" }
func (s Secrets) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// newSecrets refuses secrets that would verify nothing, or everything.
func newSecrets(secrets []string) (Secrets, error) {
	if len(secrets) == 0 {
		return nil, errors.New("at least one secret is needed")
	}
	var keys Secrets
	for i, s := range secrets {
		if s == "" {
			return nil, fmt.Errorf("secret %d is empty", i+1)
		}
		keys = append(keys, []byte(s))
	}
	return keys, nil
}

// single returns the value of a header that must be present exactly once.
func single(h http.Header, name string) (string, error) {
	switch values := h.Values(name); {
	case len(values) == 0:
		return "", fmt.Errorf("the %s header is missing", strings.ToLower(name))
	case len(values) > 1:
		return "", fmt.Errorf("the %s header is there %d times", strings.ToLower(name), len(values))
	case values[0] == "":
		return "", fmt.Errorf("the %s header is empty", strings.ToLower(name))
	default:
		return values[0], nil
	}
}

// freshTimestamp checks that text, found in the header of that name, is a time
// in Unix seconds near now.
func freshTimestamp(text, name string, now time.Time) error {
	return Shape{}.fresh(text, name, now)
}

// noMatch is the verdict on a header that is well formed but does not match.
func noMatch(name string) error {
	return fmt.Errorf("the %s header matches none of the configured secrets", strings.ToLower(name))
}

// mac is HMAC-SHA256 over the parts written one after the other.
func mac(secret []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, secret)
	for _, p := range parts {
		m.Write(p)
	}
	return m.Sum(nil)
}

// equal compares two texts in constant time.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
