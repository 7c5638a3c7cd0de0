package config

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// SignIn is how people sign in to the pages.
type SignIn struct {
	URL  string        `yaml:"url" jsonschema:"example=https://trueup.example.com" jsonschema_description:"The address at which people reach the pages, if it is not public_url."`
	Idle time.Duration `yaml:"idle" jsonschema:"default=12h" jsonschema_description:"How long a session lasts without use, 5m to 7d."`
	Ends time.Duration `yaml:"ends" jsonschema:"default=168h" jsonschema_description:"How long a session lasts at most, 15m to 30d."`
	OIDC *OIDC         `yaml:"oidc" jsonschema_description:"An identity provider that people sign in with, besides passwords."`
}

// OIDC is an identity provider, and what its groups may do here.
type OIDC struct {
	Name         string   `yaml:"name" jsonschema:"default=single sign-on,example=Okta" jsonschema_description:"What people call it: Continue with Okta."`
	Issuer       string   `yaml:"issuer" jsonschema:"required,example=https://example.okta.com" jsonschema_description:"The provider's issuer, exactly as its discovery document has it."`
	ClientID     string   `yaml:"client_id" jsonschema:"required" jsonschema_description:"The id of the application that stands for Trueup at the provider."`
	ClientSecret Secret   `yaml:"client_secret" jsonschema:"required" jsonschema_description:"The application's secret."`
	Scopes       []string `yaml:"scopes" jsonschema:"example=groups" jsonschema_description:"Scopes to ask for besides openid, email and profile."`
	GroupsClaim  string   `yaml:"groups_claim" jsonschema:"default=groups" jsonschema_description:"The claim that lists a person's groups."`
	Roles        Roles    `yaml:"roles" jsonschema:"required" jsonschema_description:"The groups of each role. Those in several have the highest; those in none are refused."`
	TrustEmails  bool     `yaml:"trust_emails" jsonschema_description:"Whether an address counts although the provider does not say email_verified: only where no one chooses their own address there."`
	LinkByEmail  bool     `yaml:"link_by_email" jsonschema_description:"Whether someone whose verified address has a password here becomes that person. The password ends."`
}

// Roles are the groups that give each role.
type Roles struct {
	Admin    []string `yaml:"admin" jsonschema:"example=trueup-admins" jsonschema_description:"The groups whose people are admins."`
	Operator []string `yaml:"operator" jsonschema_description:"The groups whose people are operators."`
	Viewer   []string `yaml:"viewer" jsonschema_description:"The groups whose people are viewers."`
}

// What SignIn is by default.
const (
	SessionIdle = 12 * time.Hour
	SessionEnds = 7 * 24 * time.Hour
)

const (
	minIdle, maxIdle = 5 * time.Minute, 7 * 24 * time.Hour
	minEnds, maxEnds = 15 * time.Minute, 30 * 24 * time.Hour
)

func (s *SignIn) setDefaults() { s.Idle, s.Ends = SessionIdle, SessionEnds }

func (o *OIDC) setDefaults() { o.Name, o.GroupsClaim = "single sign-on", "groups" }

// Lasts returns how long a session lasts without use, and at most.
func (s SignIn) Lasts() (idle, ends time.Duration) {
	return cmp.Or(s.Idle, SessionIdle), cmp.Or(s.Ends, SessionEnds)
}

// Role returns the highest role that groups give, "" for none.
func (r Roles) Role(groups []string) string {
	for _, role := range r.all() {
		if slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(role.groups, g) }) {
			return role.name
		}
	}
	return ""
}

type roleGroups struct {
	name   string
	groups []string
}

// all are the roles, the highest first.
func (r Roles) all() []roleGroups {
	return []roleGroups{{"admin", r.Admin}, {"operator", r.Operator}, {"viewer", r.Viewer}}
}

func (v *validator) signIn(path string, s SignIn) {
	v.httpURL(path+".url", s.URL)
	v.within(path+".idle", s.Idle, minIdle, maxIdle, "5m to 7d", "12h")
	v.within(path+".ends", s.Ends, minEnds, maxEnds, "15m to 30d", "7d")
	if v.set(path+".idle") && s.Idle > s.Ends {
		v.invalid(path+".idle", "it is longer than ends, so it has no effect", "write a shorter time, or a longer one under ends")
	}
	if s.OIDC != nil {
		v.oidc(path+".oidc", *s.OIDC)
	}
}

// within checks a duration that has bounds.
func (v *validator) within(path string, d, least, most time.Duration, bounds, example string) {
	if v.set(path) && (d < least || d > most) {
		v.invalid(path, v.show(path, d)+" is not "+bounds, "write a duration such as "+example)
	}
}

func (v *validator) oidc(path string, o OIDC) {
	v.issuer(path+".issuer", o.Issuer)
	if o.ClientID == "" {
		v.invalid(path+".client_id", "it is missing", "copy it from the application at the provider")
	}
	if o.ClientSecret == "" {
		v.invalid(path+".client_secret", "it is missing", "write client_secret: ${OIDC_CLIENT_SECRET}, or client_secret_file")
	}
	if n := utf8.RuneCountInString(o.Name); n == 0 || n > 40 {
		v.invalid(path+".name", "it is empty or longer than 40 characters", "write what people call the provider, such as Okta")
	}
	if o.GroupsClaim == "" {
		v.invalid(path+".groups_claim", "it is empty", "write the claim that lists a person's groups, or remove the key for groups")
	}
	for i, scope := range o.Scopes {
		if at := fmt.Sprintf("%s.scopes[%d]", path, i); scope == "" || strings.ContainsAny(scope, " \t,\"\\") {
			v.invalid(at, v.show(at, scope)+" is not a scope", "write each as an item of its own, such as [groups]")
		}
	}
	v.roles(path+".roles", o.Roles)
}

// issuer checks what ID tokens are compared with.
func (v *validator) issuer(path, issuer string) {
	u, err := url.Parse(issuer)
	switch {
	case issuer == "":
		v.invalid(path, "it is missing", "write the provider's issuer, such as https://example.okta.com")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		v.invalid(path, v.show(path, issuer)+" is not an issuer", "write an https address without a user, ? or #, such as https://example.okta.com")
	case strings.HasSuffix(u.Path, "/.well-known/openid-configuration"):
		v.invalid(path, "it is the address of the discovery document", "write the issuer alone: the same without /.well-known/openid-configuration")
	case u.Scheme == "http" && !Loopback(u.Hostname()):
		v.invalid(path, "it is not encrypted", "write its https address: anyone who is on the way could sign in as anyone")
	case slices.ContainsFunc(strings.Split(u.Path, "/"), func(part string) bool { return part == "common" || part == "organizations" || part == "consumers" }) &&
		strings.HasSuffix(u.Hostname(), "microsoftonline.com"):
		v.invalid(path, "it lets in people of every organization", "write your own tenant's: https://login.microsoftonline.com/TENANT-ID/v2.0")
	}
}

func (v *validator) roles(path string, r Roles) {
	first, some := map[string]string{}, false
	for _, role := range r.all() {
		for i, group := range role.groups {
			at := fmt.Sprintf("%s.%s[%d]", path, role.name, i)
			some = true
			switch other, taken := first[group]; {
			case strings.TrimSpace(group) == "":
				v.invalid(at, "it is empty", "write the name or the id of a group")
			case taken && other == role.name:
				v.invalid(at, "the group is there twice", "remove one of them")
			case taken:
				v.invalid(at, "the group is under "+other+" too", "keep it under one role: "+other+" may do all that "+role.name+" may")
			default:
				first[group] = role.name
			}
		}
	}
	if !some {
		v.invalid(path, "no groups, so no one could sign in", "write the groups of at least one role, such as admin: [trueup-admins]")
	}
}
