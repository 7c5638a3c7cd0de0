package httpconn

import "github.com/trueup-sync/trueup/internal/config"

// Type is the connection's type in the configuration.
const Type = "http"

// Settings are the keys of a connection of type http.
type Settings struct {
	Auth *Auth `yaml:"auth"`
	// Headers go with every call: a version, a second key, a tenant.
	Headers map[string]config.Secret `yaml:"headers"`
	Webhook *Webhook                 `yaml:"webhook"`
	Record  Record                   `yaml:"record"`
	// Humans is true when the last editor of the record is a person.
	Humans string `yaml:"humans"`
	Find   *Find  `yaml:"find"`
	Read   *Read  `yaml:"read"`
	Write  *Write `yaml:"write"`
	List   *List  `yaml:"list"`
	// Fold is for several rows a customer.
	Fold *Fold `yaml:"fold"`
	// Options are the target's words with what the tool takes for each, or where
	// the tool lists those that are legal.
	Options any `yaml:"options"`
	// Answers say what answers mean where their status does not.
	Answers *Answers `yaml:"answers"`
	// Permissions are asked for when a live account is checked.
	Permissions *Permissions `yaml:"permissions"`
}

// Auth is how calls prove who they are; exactly one of its keys is given.
type Auth struct {
	Bearer config.Secret `yaml:"bearer"`
	Header *HeaderAuth   `yaml:"header"`
	Basic  *BasicAuth    `yaml:"basic"`
	OAuth2 *OAuth2       `yaml:"oauth2"`
}

// HeaderAuth is a secret in a header of its own.
type HeaderAuth struct {
	Name  string        `yaml:"name"`
	Value config.Secret `yaml:"value"`
}

// BasicAuth is HTTP basic authentication. The user is a secret too: many tools
// want an API key there and no password.
type BasicAuth struct {
	User     config.Secret `yaml:"user"`
	Password config.Secret `yaml:"password"`
}

// Record says how one customer looks in the tool.
type Record struct {
	ID        string `yaml:"id"`
	Status    string `yaml:"status"`
	UpdatedAt string `yaml:"updated_at"`
	UpdatedBy string `yaml:"updated_by"`
	// StatusAt and StatusBy are the status field's own: when it was set last, and by whom.
	StatusAt string `yaml:"status_at" jsonschema_description:"When the status itself changed last, for tools that keep that time (CEL)."`
	StatusBy string `yaml:"status_by" jsonschema_description:"Who changed the status itself last; needs status_at (CEL)."`
	// MergedInto is the id of the record that this one was merged into, empty
	// or its own id for one that lives.
	MergedInto string `yaml:"merged_into"`
	// Deleted is true of a record that the tool keeps and calls deleted.
	Deleted string            `yaml:"deleted"`
	Keys    map[string]string `yaml:"keys"`
}

// Read reads one record by its id.
type Read struct {
	Get    string `yaml:"get"`
	Record string `yaml:"record"` // body unless set
	// Records and Next are for several rows a customer.
	Records string `yaml:"records" jsonschema:"default=body" jsonschema_description:"With fold: where the answer has all rows of the customer (CEL)."`
	Next    string `yaml:"next" jsonschema_description:"With fold: the cursor of the next page of the customer's rows, empty or absent on the last (CEL over cursor, headers and body)."`
}

// Credentials implements config.HasCredentials.
func (s *Settings) Credentials() (all []config.Credential) {
	a := s.Auth
	if a == nil {
		return s.headerCredentials()
	}
	add := func(key string, secret config.Secret) {
		if secret != "" {
			all = append(all, config.Credential{Key: "auth." + key, Secret: secret})
		}
	}
	add("bearer", a.Bearer)
	if a.Header != nil {
		add("header.value", a.Header.Value)
	}
	if a.Basic != nil {
		add("basic.user", a.Basic.User)
		add("basic.password", a.Basic.Password)
	}
	if o := a.OAuth2; o != nil {
		add("oauth2.client_secret", o.ClientSecret)
		add("oauth2.refresh_token", o.RefreshToken)
		add("oauth2.private_key", o.PrivateKey)
	}
	return append(all, s.headerCredentials()...)
}
