package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Token is an API token, without its text.
type Token struct {
	Name       string     `json:"name"`
	Role       store.Role `json:"role"`
	CreatedAt  *time.Time `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	LastUsedAt *time.Time `json:"last_used_at"` // to the minute
	RevokedAt  *time.Time `json:"revoked_at"`
}

// TokenOf converts a token.
func TokenOf(a store.APIToken) Token {
	return Token{Name: a.Name, Role: a.Role, CreatedAt: Stamp(a.CreatedAt), CreatedBy: a.CreatedBy, LastUsedAt: Stamp(a.LastUsedAt), RevokedAt: Stamp(a.RevokedAt)}
}

// NewToken is a token with its text, which is shown once.
type NewToken struct {
	Token
	Text string `json:"token"`
}
