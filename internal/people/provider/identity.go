package provider

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Identity is a person whom the provider vouches for.
type Identity struct {
	// Subject is the issuer and its id of the person.
	Subject string
	Name    string
	Email   string
	// Verified means that the provider says the address is the person's.
	Verified bool
	Groups   []string
}

// identity reads the ID token, and asks the provider for what it leaves out.
func (p *Provider) identity(ctx context.Context, found *oidc.Provider, token *oauth2.Token, nonce string) (Identity, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Identity{}, notProven(errors.New("there is no ID token"))
	}
	id, err := found.Verifier(&oidc.Config{ClientID: p.settings.ClientID}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, notProven(err)
	}
	var all claims
	if err := id.Claims(&all); err != nil {
		return Identity{}, notProven(err)
	}
	var party string
	all.read("azp", &party)
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return Identity{}, notProven(errors.New("the nonce is not that of this sign-in"))
	case id.Subject == "":
		return Identity{}, notProven(errors.New("there is no subject"))
	case party != "" && party != p.settings.ClientID:
		return Identity{}, notProven(errors.New("the ID token is for another client"))
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil:
		return Identity{}, notProven(errors.New("the access token is not that of the ID token"))
	}
	if (all["email"] == nil || all[p.settings.GroupsClaim] == nil) && found.UserInfoEndpoint() != "" {
		if err := p.complete(ctx, found, token, id.Subject, all); err != nil {
			return Identity{}, err
		}
	}
	who := Identity{Subject: p.settings.Issuer + "\n" + id.Subject, Groups: all.texts(p.settings.GroupsClaim), Verified: all.yes("email_verified")}
	all.read("email", &who.Email)
	all.read("name", &who.Name)
	if p.settings.GroupsClaim == "email" && !who.Verified {
		who.Groups = nil // anyone could choose the address of an admin
	}
	return who, nil
}

// complete adds the claims that only the user info endpoint has.
func (p *Provider) complete(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string, all claims) error {
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return &Error{Why: Down, Err: fmt.Errorf("ask for the user info: %s", plain(err.Error()))}
	}
	var more claims
	if err := info.Claims(&more); err != nil {
		return notProven(err)
	}
	if info.Subject != subject {
		return notProven(errors.New("the user info is somebody else's"))
	}
	if all["email"] != nil {
		delete(more, "email_verified") // it is said of the address beside it
	}
	for name, value := range more {
		if all[name] == nil {
			all[name] = value
		}
	}
	return nil
}

// claims are what the provider says of a person, as it came.
type claims map[string]json.RawMessage

// read reads a claim where it is there and of the wanted kind.
func (c claims) read(name string, into *string) {
	if err := json.Unmarshal(c[name], into); err != nil {
		*into = ""
	}
}

// texts reads a list of texts, or one text.
func (c claims) texts(name string) []string {
	var many []string
	if json.Unmarshal(c[name], &many) == nil {
		return many
	}
	var one string
	if c.read(name, &one); one != "" {
		return []string{one}
	}
	return nil
}

// yes reads true; some providers write it as a text.
func (c claims) yes(name string) bool {
	return string(c[name]) == "true" || string(c[name]) == `"true"`
}
