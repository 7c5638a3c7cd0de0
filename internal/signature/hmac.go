package signature

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- HMAC-SHA1, which some tools still sign with, is not broken as SHA-1 is
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"time"
)

// Algorithm is the hash of an HMAC.
type Algorithm string

// The algorithms; "" is SHA256.
const (
	SHA1   Algorithm = "sha1"
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
)

func (a Algorithm) hash() func() hash.Hash {
	switch a {
	case SHA1:
		return sha1.New
	case SHA512:
		return sha512.New
	}
	return sha256.New
}

// KeyEncoding is how a tool shows the key that it signs with.
type KeyEncoding string

// The encodings of a key: the text is the key, or it is written in hex or base64.
const (
	KeyText   KeyEncoding = "text"
	KeyHex    KeyEncoding = "hex"
	KeyBase64 KeyEncoding = "base64"
)

// HMAC is the common home-made scheme: an HMAC over the body, or over a text that
// holds the body and the time of the delivery.
type HMAC struct {
	Shape
	Algorithm   Algorithm
	KeyEncoding KeyEncoding // "" is KeyText
	Secrets     Secrets     // decoded
}

// NewHMAC returns the scheme with the secrets.
func NewHMAC(shape HMAC, secrets []string) (HMAC, error) {
	if err := shape.Check(); err != nil {
		return HMAC{}, err
	}
	switch shape.Algorithm {
	case "", SHA1, SHA256, SHA512:
	default:
		return HMAC{}, fmt.Errorf("the algorithm is %q, write sha1, sha256 or sha512", string(shape.Algorithm))
	}
	keys, err := newSecrets(secrets)
	if err != nil {
		return HMAC{}, err
	}
	for i, key := range keys {
		if keys[i], err = shape.KeyEncoding.decode(key); err != nil {
			return HMAC{}, fmt.Errorf("secret %d %w", i+1, err)
		}
	}
	shape.Secrets = keys
	return shape, nil
}

func (k KeyEncoding) decode(text []byte) (key []byte, err error) {
	switch k {
	case "", KeyText:
		return text, nil
	case KeyHex:
		key, err = hex.DecodeString(string(text))
	case KeyBase64:
		key, err = base64.StdEncoding.Strict().DecodeString(string(text))
	default:
		return nil, fmt.Errorf("is in the encoding %q, write text, hex or base64", string(k))
	}
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("is not written in %s", string(k))
	}
	return key, nil
}

// Verify implements Scheme.
func (s HMAC) Verify(h http.Header, body []byte, now time.Time) error {
	given, timestamp, err := s.find(h, now)
	if err != nil {
		return err
	}
	text, err := s.text(h, timestamp, body)
	if err != nil {
		return err
	}
	for _, secret := range s.Secrets {
		if len(secret) == 0 {
			continue
		}
		want := s.encode(s.sum(secret, text))
		// Some tools write hex in capitals; no tool mixes the two.
		for _, one := range given {
			if equal(one, s.Prefix+want) || s.Encoding == Hex && equal(one, s.Prefix+strings.ToUpper(want)) {
				return nil
			}
		}
	}
	return noMatch(s.Header)
}

// SignHMAC returns the headers a sender with the secret would set.
func SignHMAC(shape HMAC, secret []byte, t time.Time, body []byte) http.Header {
	h := http.Header{}
	shape.Sign(h, secret, t, body)
	return h
}

// Sign adds the headers a sender with the secret would set. Where the method or
// the address is signed, h has them already.
func (s HMAC) Sign(h http.Header, secret []byte, t time.Time, body []byte) {
	timestamp := s.stamp(t)
	text, err := s.text(h, timestamp, body)
	if err != nil {
		panic(err) // a shape of a test or a demo
	}
	s.mark(h, timestamp, s.sum(secret, text))
}

// Digest is the encoded HMAC of a text under the first secret.
func (s HMAC) Digest(text []byte) string { return s.encode(s.sum(s.Secrets[0], text)) }

func (s HMAC) sum(secret, text []byte) []byte {
	m := hmac.New(s.Algorithm.hash(), secret)
	m.Write(text)
	return m.Sum(nil)
}
