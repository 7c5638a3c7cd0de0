package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// Identity is which account of a tool a connection reaches, for as long as the
// account lasts: another key, token or limit is the same account. Links and what
// was seen of records belong to it.
type Identity struct {
	// Key is a hash, "" when nothing tells one account of the tool from another.
	Key string
	// Shown is what people are told, without a secret.
	Shown string
}

// Same reports whether two are one account, as far as can be told.
func (i Identity) Same(as Identity) bool { return i.Key == as.Key }

// HasIdentity is an optional ability of Settings: to know what tells an account
// of the tool from another, where that is not the address of the connection.
type HasIdentity interface {
	// Identity returns text that stays the same for as long as the account
	// does, and what people may be told of it. written returns a text as it
	// stands in the file when it came from the environment: a key in the path
	// of a call is no account.
	Identity(common Connection, written func(string) string) (key, shown string)
}

// identity returns which account a connection reaches.
func (c Connection) identity(written map[string]string) Identity {
	asWritten := func(text string) string {
		if w, ok := written[text]; ok {
			return w
		}
		return text
	}
	key, shown := Address(c.BaseURL), shownAddress(c.BaseURL, asWritten(c.BaseURL))
	if s, ok := c.Settings.(HasIdentity); ok {
		key, shown = s.Identity(c, asWritten)
	}
	if !strings.Contains(shown, "://") { // an address says enough
		shown = strings.TrimSpace(c.Type + " " + shown)
	}
	sum := sha256.Sum256([]byte(c.Type + "\x00" + key))
	return Identity{Key: hex.EncodeToString(sum[:12]), Shown: shown}
}

// Address is a base_url without what is spelt differently for the same place.
func Address(base string) string {
	u, err := url.Parse(base)
	if err != nil || base == "" {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if host == "localhost" || host == "::1" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	return host + ":" + port + strings.TrimSuffix(u.Path, "/")
}

// shownAddress is a base_url for people. Of one that came from the environment
// only the host is told: its path may be a key.
func shownAddress(base, written string) string {
	if base == written {
		return base
	}
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// ShownAddress is what people are told of a connection's address.
func (c Connection) ShownAddress(written func(string) string) string {
	return shownAddress(c.BaseURL, written(c.BaseURL))
}
