package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What a password must be: long, and not easy to guess. Any characters will do.
const (
	ShortestPassword = 12
	longestPassword  = 1000 // bytes, at least 250 characters: more only costs time
	// judged is how much of a password is judged: guessing the rest as well is only
	// harder.
	judged = 72
)

// PasswordError says why a password cannot be chosen, in a sentence for the person.
type PasswordError string

func (e PasswordError) Error() string { return string(e) }

// Why a password cannot be chosen.
const (
	ErrShort PasswordError = "Use 12 characters or more."
	ErrLong  PasswordError = "This password is too long. Use 250 characters or fewer."
	ErrEasy  PasswordError = "This password is easy to guess. Use a longer one, such as four unrelated words."
)

// CheckPassword returns why a person cannot choose a password; about is what others
// know of the person, such as the name.
func CheckPassword(password string, about ...string) error {
	switch {
	case utf8.RuneCountInString(password) < ShortestPassword:
		return ErrShort
	case len(password) > longestPassword:
		return ErrLong
	}
	start := []rune(strings.ToValidUTF8(password, "?"))
	known := []string{"trueup"}
	for _, text := range about {
		text = strings.ToLower(text)
		known = append(append(known, text), strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" @.-_", r) })...)
	}
	if bitsOf(string(start[:min(len(start), judged)]), known) < enoughBits {
		return ErrEasy
	}
	return nil
}

// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
const (
	memory  = 19 * 1024
	passes  = 2
	lanes   = 1
	saltLen = 16
	keyLen  = 32
)

// hashing bounds how many passwords are hashed at once: each takes the memory.
var hashing = make(chan struct{}, 4)

func slow(ctx context.Context, password string, salt []byte, time, memory uint32, lanes uint8, length uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, time, memory, lanes, length), nil
}

// hashPassword returns a password's hash in the PHC format.
func hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	rand.Read(salt) // never fails
	key, err := slow(ctx, password, salt, passes, memory, lanes, keyLen)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

var b64 = base64.RawStdEncoding.Strict()

// matches reports whether a hash in the PHC format is that of a password.
func matches(ctx context.Context, hash, password string) (bool, error) {
	var version, m, t uint32
	var p uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil || version != argon2.Version || t < 1 || p < 1 {
		return false, errHash
	}
	salt, err := b64.DecodeString(parts[4])
	want, bad := b64.DecodeString(parts[5])
	if err != nil || bad != nil || len(want) < saltLen {
		return false, errHash
	}
	got, err := slow(ctx, password, salt, t, m, p, uint32(len(want))) // #nosec G115 -- as long as the text of it
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1, err
}

// errHash does not quote the hash.
var errHash = errors.New("the stored hash of a password cannot be read")

// nobodys is compared with where there is no such person, or no password: that takes as
// long, and no password has it.
var nobodys = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
	b64.EncodeToString(make([]byte, saltLen)), b64.EncodeToString(make([]byte, keyLen)))
