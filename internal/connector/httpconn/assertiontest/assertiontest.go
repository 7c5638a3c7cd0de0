// Package assertiontest checks the assertions of RFC 7523 as a strict token
// endpoint does, with the standard library alone: what signs them is not what
// checks them.
//
// Main types: Endpoint, the part of a token endpoint that knows one app. Main
// functions: Key and PEM, which make an app's private key and its file.
//
// Only tests import it.
package assertiontest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// GrantType is how a token endpoint calls the grant.
const GrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// longest is how far ahead an assertion may end: Salesforce's three minutes.
const longest = 3 * time.Minute

// Endpoint knows one app and for whom it was approved.
type Endpoint struct {
	Issuer, Subject, Audience string
	Key                       *rsa.PublicKey
	Now                       func() time.Time

	mu   sync.Mutex
	used map[string]bool // by jti
}

// Key makes an RSA key.
var Key = sync.OnceValue(func() *rsa.PrivateKey { return NewKey(2048) })

// NewKey makes another one.
func NewKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

// PEM is the file of a private key.
func PEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Refuses returns why a request for a token is refused, "" when it is not. An
// assertion is taken once.
func (e *Endpoint) Refuses(form url.Values) string {
	if form.Get("grant_type") != GrantType {
		return "unsupported_grant_type"
	}
	parts := strings.Split(form.Get("assertion"), ".")
	if len(parts) != 3 {
		return "invalid_assertion"
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var said struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
		Iat int64  `json:"iat"`
		JTI string `json:"jti"`
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !read(parts[0], &header) || !read(parts[1], &said) {
		return "invalid_assertion"
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if header.Alg != "RS256" || rsa.VerifyPKCS1v15(e.Key, crypto.SHA256, sum[:], signature) != nil {
		return "invalid_signature"
	}
	now := e.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch ends := time.Unix(said.Exp, 0); {
	case said.Iss != e.Issuer:
		return "invalid_client_id"
	case said.Sub != e.Subject:
		return "user_not_approved"
	case said.Aud != e.Audience:
		return "audience_is_invalid"
	case !ends.After(now) || ends.Sub(now) > longest || time.Unix(said.Iat, 0).After(now):
		return "expired_assertion"
	case said.JTI == "" || e.used[said.JTI]:
		return "replayed_assertion"
	}
	if e.used == nil {
		e.used = map[string]bool{}
	}
	e.used[said.JTI] = true
	return ""
}

// read reads a part of an assertion, in which every claim has its type.
func read(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.NewDecoder(bytes.NewReader(text)).Decode(into) == nil
}
