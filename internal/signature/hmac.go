package signature

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Encoding is how a signature is written in its header.
type Encoding string

// The encodings.
const (
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// HMAC is the common home-made scheme: HMAC-SHA256 over the body, or over
// "<timestamp>.<body>" when there is a timestamp header.
type HMAC struct {
	// Header holds Prefix (often "sha256=", or nothing) and the signature.
	Header   string
	Encoding Encoding
	Prefix   string
	// TimestampHeader holds Unix seconds; "" means that the tool sends none; then
	// nothing here can distinguish a replay from the first delivery.
	TimestampHeader string
	Secrets         Secrets
}

// NewHMAC returns the scheme with the secrets.
func NewHMAC(shape HMAC, secrets []string) (HMAC, error) {
	if shape.Header == "" {
		return HMAC{}, errors.New("the header that holds the signature is not named")
	}
	if shape.Encoding != Hex && shape.Encoding != Base64 {
		return HMAC{}, fmt.Errorf("the encoding is %q, write hex or base64", string(shape.Encoding))
	}
	if http.CanonicalHeaderKey(shape.Header) == http.CanonicalHeaderKey(shape.TimestampHeader) {
		return HMAC{}, errors.New("the signature and the timestamp cannot stand in the same header")
	}
	keys, err := newSecrets(secrets)
	shape.Secrets = keys
	return shape, err
}

// Verify implements Scheme.
func (s HMAC) Verify(h http.Header, body []byte, now time.Time) error {
	given, err := single(h, s.Header)
	if err != nil {
		return err
	}
	var timestamp string
	if s.TimestampHeader != "" {
		if timestamp, err = single(h, s.TimestampHeader); err != nil {
			return err
		}
		if err := freshTimestamp(timestamp, s.TimestampHeader, now); err != nil {
			return err
		}
	}
	for _, secret := range s.Secrets {
		if len(secret) == 0 {
			continue
		}
		want := s.encode(s.sum(secret, timestamp, body))
		// Some tools write hex in capitals; no tool mixes the two.
		if equal(given, s.Prefix+want) || s.Encoding == Hex && equal(given, s.Prefix+strings.ToUpper(want)) {
			return nil
		}
	}
	return noMatch(s.Header)
}

// SignHMAC returns the headers a sender with the secret would set.
func SignHMAC(shape HMAC, secret []byte, t time.Time, body []byte) http.Header {
	h := http.Header{}
	var timestamp string
	if shape.TimestampHeader != "" {
		timestamp = strconv.FormatInt(t.Unix(), 10)
		h.Set(shape.TimestampHeader, timestamp)
	}
	h.Set(shape.Header, shape.Prefix+shape.encode(shape.sum(secret, timestamp, body)))
	return h
}

func (s HMAC) sum(secret []byte, timestamp string, body []byte) []byte {
	if s.TimestampHeader == "" {
		return mac(secret, body)
	}
	return mac(secret, []byte(timestamp+"."), body)
}

func (s HMAC) encode(sum []byte) string {
	if s.Encoding == Base64 {
		return base64.StdEncoding.EncodeToString(sum)
	}
	return hex.EncodeToString(sum)
}
