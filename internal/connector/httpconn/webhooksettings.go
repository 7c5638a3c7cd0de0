package httpconn

import (
	"time"

	"github.com/trueup-sync/trueup/internal/config"
)

// Webhook says how the tool's notifications are verified and read.
type Webhook struct {
	Verify    Verify     `yaml:"verify"`
	Handshake *Handshake `yaml:"handshake"`
	// Ping is true for a tool whose webhooks say only that something changed: the
	// list is asked then.
	Ping bool `yaml:"ping"`
	// Events is the list of events in a body; without it the body is one.
	Events string `yaml:"events"`
	// When is true of the events that can be about a status; the others are counted
	// and ignored.
	When       string `yaml:"when"`
	ID         string `yaml:"id"`
	Customer   string `yaml:"customer"`
	Status     string `yaml:"status"`
	OccurredAt string `yaml:"occurred_at"`
	// Changed is true of an event that says that the status changed with it.
	Changed string `yaml:"changed"`
}

// Verify names a scheme and its parts, or says in writing that there is none.
type Verify struct {
	Scheme  string          `yaml:"scheme"`
	Secrets []config.Secret `yaml:"secrets"`
	// PublicKeys belong to ed25519: PEM, base64 or hex.
	PublicKeys []string `yaml:"public_keys"`
	// User belongs to basic; its passwords are the secrets.
	User string `yaml:"user"`
	// Names belongs to standard-webhooks: what the headers begin with.
	Names string `yaml:"names"` // webhook (default) | svix

	// Header, Encoding, Prefix and TimestampHeader belong to hmac-sha256, hmac and
	// ed25519.
	Header          string `yaml:"header"`
	Encoding        string `yaml:"encoding"` // hex (default) | base64
	Prefix          string `yaml:"prefix"`
	TimestampHeader string `yaml:"timestamp_header"`
	// The next four belong to hmac and ed25519. Format is for a header that holds
	// the timestamp as well: t={timestamp},v1={signature}.
	Format        string        `yaml:"format"`
	TimestampUnit string        `yaml:"timestamp_unit"` // s (default) | ms | iso
	Tolerance     time.Duration `yaml:"tolerance"`
	Signed        string        `yaml:"signed"` // {body} unless set
	// Algorithm and KeyEncoding belong to hmac.
	Algorithm   string `yaml:"algorithm"`    // sha256 (default) | sha1 | sha512
	KeyEncoding string `yaml:"key_encoding"` // text (default) | hex | base64

	// Name belongs to header: the header that holds the secret itself.
	Name string `yaml:"name"`
	None bool   `yaml:"none"`
}

// The schemes of Verify.
const (
	schemeStandard = "standard-webhooks"
	schemeHMAC256  = "hmac-sha256"
	schemeHMAC     = "hmac"
	schemeEd25519  = "ed25519"
	schemeHeader   = "header"
	schemeBasic    = "basic"
	schemePath     = "path"
)

// Handshake is how the tool makes sure that an address is ours before it sends
// anything there.
type Handshake struct {
	// Get is true for a tool that only wants a GET to be answered.
	Get bool `yaml:"get"`
	// Query is a parameter of the address whose value is the answer.
	Query string `yaml:"query"`
	// Header is a header that is sent back as it came.
	Header string `yaml:"header"`
	// Challenge finds in a verified body the text that is the answer, and Answer
	// says how it is sent back where it is not sent as it is.
	Challenge string            `yaml:"challenge"`
	Answer    map[string]string `yaml:"answer"`
	// Token finds in a verified body a secret that a person needs.
	Token string `yaml:"token"`
}
