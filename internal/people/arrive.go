package people

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/store"
)

// Why the identity provider vouches for somebody who is not let in.
var (
	// ErrNoRole means that no group of the person gives a role.
	ErrNoRole = errors.New("no group gives a role")
	// ErrUnverified means that the address may be anybody's, or is missing.
	ErrUnverified = errors.New("the address is not verified")
)

// Arrive lets a person in whom the identity provider vouches for, with the highest role
// of the groups. Otherwise it returns ErrNoRole, ErrUnverified, store.ErrKnown,
// store.ErrNoAdmin or store.ErrLastAdmin; sessions with a role that the groups do not
// give any longer have ended then too.
func (d *Door) Arrive(ctx context.Context, rules config.OIDC, who provider.Identity, b Browser) (SignedIn, error) {
	role := store.Role(rules.Roles.Role(who.Groups))
	if role == "" {
		return SignedIn{}, errors.Join(ErrNoRole, d.Store.TurnAway(ctx, who.Subject, rules.Name))
	}
	email := Email(who.Email)
	if CheckEmail(email) != nil || !who.Verified && !rules.TrustEmails {
		return SignedIn{}, ErrUnverified
	}
	in := SignedIn{Token: newSecret()}
	var err error
	// A trusted address is enough for somebody new. To be somebody who is here already,
	// the provider itself has to have verified it.
	in.Person, err = d.Store.Arrive(ctx, store.Vouched{Subject: who.Subject, Provider: rules.Name, Name: shown(who.Name, email), Email: email, Role: role,
		Join: rules.LinkByEmail && who.Verified, Session: hashOf(in.Token), Device: b.Device, Before: hashOf(b.Token)})
	if errors.Is(err, store.ErrLastAdmin) {
		err = errors.Join(err, d.Store.TurnAway(ctx, who.Subject, rules.Name))
	}
	if err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// shown makes what the provider calls a person a name that can be shown.
func shown(name, email string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "")))
	runes := []rune(cmp.Or(name, email))
	return strings.TrimSpace(string(runes[:min(len(runes), longestName)]))
}
