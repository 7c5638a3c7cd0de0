package connector

import (
	"context"
	"crypto/rand"
	"errors"

	"golang.org/x/oauth2"
)

// ErrNotConnected says that no consent was given for a connection yet.
var ErrNotConnected = errors.New("the account is not connected yet; run trueup connect")

// ErrOtherKey says that what is stored was encrypted with another key. Only a
// person can help: with that key, or by connecting again.
var ErrOtherKey = errors.New("it was encrypted with another encryption_key; use that key, or run trueup connect again")

// Visit is one visit to the page of a consent.
type Visit struct {
	State    string // comes back with the person, and with nobody else
	Verifier string // proves that who has the code is who asked for it (RFC 7636)
}

// NewVisit returns one that nobody can guess.
func NewVisit() Visit { return Visit{State: rand.Text(), Verifier: oauth2.GenerateVerifier()} }

// Consent is how a connection gets its first token.
type Consent interface {
	// Redirect is where the server sends the person back to, "" when the file
	// has all that is needed: then Exchange needs no code.
	Redirect() string
	// Page is the address at which the person gives consent.
	Page(v Visit) string
	// Exchange turns the code that came back into a token, and says for whom it
	// is.
	Exchange(ctx context.Context, v Visit, code string) (t Token, account string, err error)
}
