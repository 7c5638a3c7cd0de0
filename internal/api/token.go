package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// tokenMark begins every token, so that one that was committed or posted
// somewhere is recognised.
const tokenMark = "tu_"

// NewToken returns the text of a new token. Only its holder has it: what is
// stored is its hash.
func NewToken() string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	return tokenMark + base64.RawURLEncoding.EncodeToString(secret[:])
}

// Hash is what is stored of a token. It is not salted, so that a token is
// found by it: 32 random bytes cannot be guessed.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// NamePattern is what the name of a token looks like: it stands in addresses
// and in histories.
const NamePattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`
