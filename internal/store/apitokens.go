package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Role is what the holder of an API token may do.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // reads, but no payloads
	Operator Role = "operator" // also acts on exceptions and sets links
	Admin    Role = "admin"    // also reads payloads and manages tokens
)

// Roles lists the closed set; each one may do what those before it may.
var Roles = []Role{Viewer, Operator, Admin}

// Covers reports whether a role may do what needs another one.
func (r Role) Covers(need Role) bool {
	n := slices.Index(Roles, need)
	return n >= 0 && slices.Index(Roles, r) >= n
}

// APIToken is a token of the API, without the text that its holder has.
type APIToken struct {
	ID         int64
	Name       string
	Role       Role
	CreatedAt  time.Time
	CreatedBy  string
	LastUsedAt time.Time // to the minute; zero is never
	RevokedAt  time.Time // zero is not
}

// ErrTaken means that the name was given to a token before.
var ErrTaken = errors.New("there is a token of this name, or there was one")

// usesNoted is how far apart the notes of a token's uses are.
const usesNoted = time.Minute

// AddAPIToken stores a token under the hash of its text. ErrTaken changes
// nothing.
func (db *DB) AddAPIToken(ctx context.Context, a APIToken, hash string) (APIToken, error) {
	err := db.update(ctx, func(t *tx) error {
		a.CreatedAt = t.now
		found := false
		err := t.query(func(s scanner) error {
			found = true
			return s.Scan(&a.ID)
		}, "insert into api_tokens (name, role, hash, created_at, created_by) values ($1, $2, $3, $4, $5) on conflict (name) do nothing returning id",
			a.Name, string(a.Role), hash, ms(t.now), a.CreatedBy)
		if err == nil && !found {
			err = ErrTaken
		}
		if err != nil {
			return err
		}
		return t.record(ctx, Activity{Who: a.CreatedBy, Act: reason.Reason{Code: reason.ActTokenCreated, Facts: reason.Facts{Key: a.Name, Rule: string(a.Role)}}})
	})
	if err != nil {
		return APIToken{}, fmt.Errorf("add the token %s: %w", a.Name, err)
	}
	return a, nil
}

// RevokeAPIToken ends a token permanently; a second call changes nothing. It
// returns ErrNotFound when no token has this name.
func (db *DB) RevokeAPIToken(ctx context.Context, name string) error {
	err := db.update(ctx, func(t *tx) error {
		n, err := t.exec("update api_tokens set revoked_at = $2 where name = $1 and revoked_at = 0", name, ms(t.now))
		if err != nil {
			return err
		}
		if n > 0 {
			return t.record(ctx, Activity{Act: reason.Reason{Code: reason.ActTokenRevoked, Facts: reason.Facts{Key: name}}})
		}
		err = t.query(func(s scanner) error { return s.Scan(&n) }, "select count(*) from api_tokens where name = $1", name)
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke the token %s: %w", name, err)
	}
	return nil
}

// APITokens returns all tokens, the revoked ones too, by name.
func (db *DB) APITokens(ctx context.Context) ([]APIToken, error) {
	found, err := db.apiTokens(ctx, " order by name")
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return found, nil
}

// APITokensAfter returns up to limit tokens by name, those after one.
func (db *DB) APITokensAfter(ctx context.Context, after string, limit int) ([]APIToken, error) {
	found, err := db.apiTokens(ctx, " where name > $1 order by name limit $2", after, limit)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return found, nil
}

// UseAPIToken returns the token whose text has this hash and notes that it is
// used, at most once a minute. ErrNotFound means that there is none, or that it
// is revoked.
func (db *DB) UseAPIToken(ctx context.Context, hash string) (APIToken, error) {
	found, err := db.apiTokens(ctx, " where hash = $1 and revoked_at = 0", hash)
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return APIToken{}, fmt.Errorf("look for a token: %w", err)
	}
	a := found[0]
	now, err := db.Now(ctx)
	if err != nil || now.Sub(a.LastUsedAt) < usesNoted {
		return a, err
	}
	err = db.update(ctx, func(t *tx) error {
		_, err := t.exec("update api_tokens set last_used_at = $2 where id = $1 and last_used_at < $2", a.ID, ms(t.now))
		a.LastUsedAt = t.now
		return err
	})
	if err != nil {
		return APIToken{}, fmt.Errorf("note the use of the token %s: %w", a.Name, err)
	}
	return a, nil
}

func (db *DB) apiTokens(ctx context.Context, which string, args ...any) ([]APIToken, error) {
	var found []APIToken
	err := db.view(ctx, func(s scanner) error {
		var a APIToken
		var created, used, revoked int64
		err := s.Scan(&a.ID, &a.Name, &a.Role, &created, &a.CreatedBy, &used, &revoked)
		a.CreatedAt, a.LastUsedAt, a.RevokedAt = at(created), at(used), at(revoked)
		found = append(found, a)
		return err
	}, "select id, name, role, created_at, created_by, last_used_at, revoked_at from api_tokens"+which, args...)
	return found, err
}
