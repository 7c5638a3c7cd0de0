package signature

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Ed25519 is a signature over the raw body with the tool's private key: we hold
// public keys only, and have no secret to keep.
type Ed25519 struct {
	// Header holds the signature in base64.
	Header string
	Keys   []ed25519.PublicKey
}

// NewEd25519 returns the scheme with the keys.
func NewEd25519(header string, keys []ed25519.PublicKey) (Ed25519, error) {
	if header == "" {
		return Ed25519{}, errors.New("the header that holds the signature is not named")
	}
	if len(keys) == 0 {
		return Ed25519{}, errors.New("at least one public key is needed")
	}
	for _, key := range keys {
		if len(key) != ed25519.PublicKeySize {
			return Ed25519{}, errors.New("a public key has the wrong length")
		}
	}
	return Ed25519{Header: header, Keys: keys}, nil
}

// Verify implements Scheme. The signature covers no timestamp: a recorded
// delivery stays valid, and its event id shows that it is a repeat.
func (s Ed25519) Verify(h http.Header, body []byte, _ time.Time) error {
	text, err := single(h, s.Header)
	if err != nil {
		return err
	}
	// Strict: each signature has only one spelling.
	given, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(given) != ed25519.SignatureSize || strings.ContainsAny(text, "\r\n") {
		return errors.New("the " + strings.ToLower(s.Header) + " header is no Ed25519 signature in base64")
	}
	for _, key := range s.Keys {
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, body, given) {
			return nil
		}
	}
	return errors.New("the " + strings.ToLower(s.Header) + " header fits none of the configured public keys")
}

// SignEd25519 returns the header a sender with the private key would set.
func SignEd25519(header string, key ed25519.PrivateKey, body []byte) http.Header {
	h := http.Header{}
	h.Set(header, base64.StdEncoding.EncodeToString(ed25519.Sign(key, body)))
	return h
}

// ParseEd25519Key reads a public key written as PEM, as base64 of its DER form,
// or as base64 of its 32 bytes.
func ParseEd25519Key(text string) (ed25519.PublicKey, error) {
	var der []byte
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil {
			return nil, errors.New("it is neither PEM nor base64")
		}
		if len(raw) == ed25519.PublicKeySize {
			return ed25519.PublicKey(raw), nil
		}
		der = raw
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("it holds no public key")
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("it is a key of another kind than Ed25519")
	}
	return key, nil
}
