package signature

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	headerSlack     = "X-Slack-Signature"
	headerSlackTime = "X-Slack-Request-Timestamp"
	slackVersion    = "v0"
)

// Slack is the scheme of the requests an app gets: X-Slack-Signature holds
// v0=<hex>, HMAC-SHA256 over "v0:<Unix seconds>:<body>" under the app's signing
// secret; the seconds are in X-Slack-Request-Timestamp. Source:
// docs.slack.dev/authentication/verifying-requests-from-slack.
type Slack struct{ Secrets Secrets }

// NewSlack returns the scheme with the app's signing secrets.
func NewSlack(secrets []string) (Slack, error) {
	keys, err := newSecrets(secrets)
	return Slack{Secrets: keys}, err
}

// Verify implements Scheme.
func (s Slack) Verify(h http.Header, body []byte, now time.Time) error {
	given, err := single(h, headerSlack)
	if err != nil {
		return err
	}
	timestamp, err := single(h, headerSlackTime)
	if err != nil {
		return err
	}
	if err := freshTimestamp(timestamp, headerSlackTime, now); err != nil {
		return err
	}
	hexadecimal, ok := strings.CutPrefix(given, slackVersion+"=")
	if !ok {
		return errors.New("the x-slack-signature header does not begin with v0=")
	}
	for _, secret := range s.Secrets {
		if len(secret) > 0 && equal(hexadecimal, slackSignature(secret, timestamp, body)) {
			return nil
		}
	}
	return noMatch(headerSlack)
}

// SignSlack returns the headers Slack would set with that signing secret.
func SignSlack(secret []byte, t time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(t.Unix(), 10)
	h := http.Header{}
	h.Set(headerSlackTime, timestamp)
	h.Set(headerSlack, slackVersion+"="+slackSignature(secret, timestamp, body))
	return h
}

func slackSignature(secret []byte, timestamp string, body []byte) string {
	return hex.EncodeToString(mac(secret, []byte(slackVersion+":"+timestamp+":"), body))
}
