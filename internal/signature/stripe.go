package signature

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const headerStripe = "Stripe-Signature"

// Stripe is the scheme of the Stripe-Signature header: t=<Unix seconds> and one
// or more v1=<hex>, separated by commas, HMAC-SHA256 over "<t>.<body>". The key
// is the whole secret as shown, whsec_ included. v0 and other names are
// ignored: Stripe signs test events with v0 too, and it proves nothing. Source:
// docs.stripe.com/webhooks, "Verify webhook signatures manually".
type Stripe struct{ Secrets Secrets }

// NewStripe returns the scheme with the endpoint's secrets.
func NewStripe(secrets []string) (Stripe, error) {
	keys, err := newSecrets(secrets)
	return Stripe{Secrets: keys}, err
}

// Verify implements Scheme.
func (s Stripe) Verify(h http.Header, body []byte, now time.Time) error {
	header, err := single(h, headerStripe)
	if err != nil {
		return err
	}
	var timestamps, given []string
	for _, item := range strings.Split(header, ",") {
		name, value, found := strings.Cut(item, "=")
		switch {
		case !found:
			return errors.New("the stripe-signature header is not a list of name=value")
		case name == "t":
			timestamps = append(timestamps, value)
		case name == "v1":
			given = append(given, value)
		}
	}
	if len(timestamps) != 1 {
		return errors.New("the stripe-signature header does not hold exactly one timestamp")
	}
	if err := freshTimestamp(timestamps[0], headerStripe, now); err != nil {
		return err
	}
	for _, secret := range s.Secrets {
		if len(secret) == 0 {
			continue
		}
		want := stripeSignature(secret, timestamps[0], body)
		for _, one := range given {
			if equal(one, want) {
				return nil
			}
		}
	}
	return noMatch(headerStripe)
}

// SignStripe returns the header Stripe would set with that endpoint secret.
func SignStripe(secret []byte, t time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(t.Unix(), 10)
	h := http.Header{}
	h.Set(headerStripe, "t="+timestamp+",v1="+stripeSignature(secret, timestamp, body))
	return h
}

func stripeSignature(secret []byte, timestamp string, body []byte) string {
	return hex.EncodeToString(mac(secret, []byte(timestamp+"."), body))
}
