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

// Ed25519 is a signature with the tool's private key: we hold public keys only,
// and have no secret to keep.
type Ed25519 struct {
	Shape
	Keys []ed25519.PublicKey
}

// NewEd25519 returns the scheme with the keys.
func NewEd25519(shape Shape, keys []ed25519.PublicKey) (Ed25519, error) {
	if err := shape.Check(); err != nil {
		return Ed25519{}, err
	}
	if len(keys) == 0 {
		return Ed25519{}, errors.New("at least one public key is needed")
	}
	for _, key := range keys {
		if len(key) != ed25519.PublicKeySize {
			return Ed25519{}, errors.New("a public key has the wrong length")
		}
	}
	return Ed25519{Shape: shape, Keys: keys}, nil
}

// Ed25519Body is the shape of a signature over the body alone, in base64: a
// recorded delivery stays valid, and its event id shows that it is a repeat.
func Ed25519Body(header string) Shape { return Shape{Header: header, Encoding: Base64} }

// Verify implements Scheme.
func (s Ed25519) Verify(h http.Header, body []byte, now time.Time) error {
	given, timestamp, err := s.find(h, now)
	if err != nil {
		return err
	}
	text, err := s.text(h, timestamp, body)
	if err != nil {
		return err
	}
	readable := false
	for _, one := range given {
		one, ok := strings.CutPrefix(one, s.Prefix)
		sum, err := s.decode(one)
		if !ok || err != nil || len(sum) != ed25519.SignatureSize {
			continue
		}
		readable = true
		for _, key := range s.Keys {
			if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, text, sum) {
				return nil
			}
		}
	}
	if !readable {
		return errors.New("the " + strings.ToLower(s.Header) + " header is no Ed25519 signature in " + string(s.Encoding))
	}
	return errors.New("the " + strings.ToLower(s.Header) + " header fits none of the configured public keys")
}

// SignEd25519 returns the header a sender with the private key would set for the
// shape Ed25519Body.
func SignEd25519(header string, key ed25519.PrivateKey, body []byte) http.Header {
	h := http.Header{}
	Ed25519{Shape: Ed25519Body(header)}.Sign(h, key, time.Time{}, body)
	return h
}

// Sign adds the headers a sender with the private key would set. Where the method
// or the address is signed, h has them already.
func (s Ed25519) Sign(h http.Header, key ed25519.PrivateKey, t time.Time, body []byte) {
	timestamp := s.stamp(t)
	text, err := s.text(h, timestamp, body)
	if err != nil {
		panic(err) // a shape of a test or a demo
	}
	s.mark(h, timestamp, ed25519.Sign(key, text))
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
