package signature

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"
)

// StaticHeader is a shared secret sent as it is. It proves the sender but not
// the body: anyone who sees one request can send a different one.
type StaticHeader struct {
	Name    string
	Secrets Secrets
}

// NewStaticHeader returns the scheme with the secrets.
func NewStaticHeader(name string, secrets []string) (StaticHeader, error) {
	if name == "" {
		return StaticHeader{}, errors.New("the header that holds the secret is not named")
	}
	keys, err := newSecrets(secrets)
	return StaticHeader{Name: name, Secrets: keys}, err
}

// Verify implements Scheme.
func (s StaticHeader) Verify(h http.Header, _ []byte, _ time.Time) error {
	given, err := single(h, s.Name)
	if err != nil {
		return err
	}
	if s.Secrets.hold([]byte(given)) {
		return nil
	}
	return noMatch(s.Name)
}

// hold reports whether given is one of the secrets. It compares digests, so that
// the time does not reveal the length of a secret either.
func (s Secrets) hold(given []byte) (held bool) {
	sum := sha256.Sum256(given)
	for _, secret := range s {
		want := sha256.Sum256(secret)
		if len(secret) > 0 && subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			held = true
		}
	}
	return held
}
