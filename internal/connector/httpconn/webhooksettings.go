package httpconn

import "trueup/internal/config"

// Webhook says how the tool's notifications are verified and read.
type Webhook struct {
	Verify Verify `yaml:"verify"`
	// Events is the list of events in a body; without it the body is one.
	Events     string `yaml:"events"`
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
	// Header, Encoding, Prefix and TimestampHeader belong to hmac-sha256.
	Header          string `yaml:"header"`
	Encoding        string `yaml:"encoding"` // hex (default) | base64
	Prefix          string `yaml:"prefix"`
	TimestampHeader string `yaml:"timestamp_header"`
	// Name belongs to header: the header that holds the secret itself.
	Name string `yaml:"name"`
	None bool   `yaml:"none"`
}

// The schemes of Verify.
const (
	schemeStandard = "standard-webhooks"
	schemeHMAC     = "hmac-sha256"
	schemeHeader   = "header"
)
