package token

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// prefix names the format of the seal, so that a later format can be
// distinguished.
const prefix = "v1."

// keyLength is that of AES-256.
const keyLength = 32

// box seals and opens the tokens of one connection.
type box struct {
	gcm cipher.AEAD
	// about is bound into each seal: a row that is copied to another connection
	// does not open there.
	about []byte
}

func newBox(key []byte, connection string) (box, error) {
	if len(key) != keyLength {
		return box{}, errors.New("the encryption key is not 32 bytes long")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return box{}, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return box{}, err
	}
	return box{gcm: gcm, about: []byte("trueup token of connection " + connection)}, nil
}

// Reseal makes a sealed token valid for a connection that was renamed.
func Reseal(key []byte, from, to, sealed string) (string, error) {
	old, err := newBox(key, from)
	if err != nil {
		return "", err
	}
	fresh, err := newBox(key, to)
	if err != nil {
		return "", err
	}
	t, err := old.open(sealed)
	if err != nil {
		return "", fmt.Errorf("the token of connection %s: %w", from, err)
	}
	return fresh.seal(t)
}

// content is a token as it is sealed.
type content struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	Expires time.Time `json:"expires"`
	Origin  string    `json:"origin,omitempty"`
	Issued  time.Time `json:"issued,omitzero"`
	Scope   string    `json:"scope,omitempty"`
}

// seal makes the text that is stored. The nonce is random and in front of it,
// so the same token never gives the same text twice.
func (b box) seal(t connector.Token) (string, error) {
	plain, err := json.Marshal(content(t))
	if err != nil {
		return "", err
	}
	return prefix + base64.RawStdEncoding.EncodeToString(b.gcm.Seal(nil, nil, plain, b.about)), nil // #nosec G407 -- cipher.NewGCMWithRandomNonce makes the nonce itself
}

func (b box) open(text string) (connector.Token, error) {
	rest, ok := strings.CutPrefix(text, prefix)
	sealed, err := base64.RawStdEncoding.DecodeString(rest)
	if !ok || err != nil {
		return connector.Token{}, errors.New("it was encrypted in a way that this version does not know")
	}
	plain, err := b.gcm.Open(nil, nil, sealed, b.about)
	if err != nil {
		return connector.Token{}, connector.ErrOtherKey
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil {
		return connector.Token{}, errors.New("it contains no token")
	}
	return connector.Token(c), nil
}
