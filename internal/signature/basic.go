package signature

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
)

const headerBasic = "Authorization"

// Basic is HTTP basic authentication by the sender: a user and one of several
// passwords. Like StaticHeader it proves the sender and not the body.
type Basic struct {
	// Secrets are user:password.
	Secrets Secrets
}

// NewBasic returns the scheme with the passwords.
func NewBasic(user string, passwords []string) (Basic, error) {
	if user == "" {
		return Basic{}, errors.New("the user is not named")
	}
	if strings.Contains(user, ":") {
		return Basic{}, errors.New("the user contains a colon, which ends it")
	}
	keys, err := newSecrets(passwords)
	if err != nil {
		return Basic{}, err
	}
	for i, key := range keys {
		keys[i] = append([]byte(user+":"), key...)
	}
	return Basic{Secrets: keys}, nil
}

// Verify implements Scheme.
func (s Basic) Verify(h http.Header, _ []byte, _ time.Time) error {
	header, err := single(h, headerBasic)
	if err != nil {
		return err
	}
	scheme, credentials, _ := strings.Cut(header, " ")
	given, err := base64.StdEncoding.Strict().DecodeString(credentials)
	if err != nil || !strings.EqualFold(scheme, "Basic") || strings.ContainsAny(credentials, "\r\n") {
		return errors.New("the authorization header is not basic authentication")
	}
	if s.Secrets.hold(given) {
		return nil
	}
	return errors.New("the authorization header holds another user or password than the configured ones")
}

// SignBasic returns the header a sender with the user and the password would set.
func SignBasic(user, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header
}
