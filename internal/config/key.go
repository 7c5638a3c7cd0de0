package config

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// keyLength is that of AES-256.
const keyLength = 32

const keyRemedy = "write encryption_key: ${TRUEUP_ENCRYPTION_KEY}, and set that variable to the output of openssl rand -base64 32"

// encryptionKey checks the key, and that it is there when a connection keeps
// tokens. The value is never shown.
func (v *validator) encryptionKey(path string, c *Config) {
	if c.EncryptionKey != "" {
		if len(c.Key()) != keyLength {
			v.invalid(path, "it is not 32 bytes in base64 or hex", keyRemedy)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Connections)) {
		if s, ok := c.Connections[name].Settings.(HasTokens); ok && s.KeepsTokens() {
			v.invalid(path, "it is missing, but connection "+name+" stores tokens in the database", keyRemedy)
			return
		}
	}
}

// Key is the key that stored tokens are sealed with, nil when there is none.
func (c *Config) Key() []byte {
	text := strings.TrimSpace(c.EncryptionKey.Reveal())
	if key, err := hex.DecodeString(text); err == nil && len(key) == keyLength {
		return key
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil && len(key) == keyLength {
			return key
		}
	}
	return nil
}
