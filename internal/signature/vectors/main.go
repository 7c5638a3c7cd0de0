// Command vectors prints docs/signature-vectors.json: requests with a signature
// in their headers, and for each whether a receiver believes it and why.
//
//	go run ./internal/signature/vectors >docs/signature-vectors.json
//
// Main types: vector (one request and its verdict) and kind (a scheme in one
// shape, from whose genuine request the others are derived).
//
// Invariants: the verdicts are written by hand and the signatures made from the
// definitions of the schemes, so that the file can contradict the product; the
// same code prints the same bytes; each refused request has one fault only.
//
// It must not import internal/signature.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"unicode/utf8"
)

// vector is one request. Of a request that is refused, Reason says what is
// wrong with it, in a word of reasons.
type vector struct {
	Scheme      string              `json:"scheme"`
	Description string              `json:"description"`
	Options     map[string]string   `json:"options,omitempty"`
	Secrets     []string            `json:"secrets"`
	Headers     map[string][]string `json:"headers"`
	Body        *string             `json:"body,omitempty"`
	BodyBase64  []byte              `json:"body_base64,omitempty"`
	Now         int64               `json:"now"`
	Accept      bool                `json:"accept"`
	Reason      string              `json:"reason"`
	Source      string              `json:"source,omitempty"`

	body string
}

// The reasons.
const (
	match              = "match"
	noMatch            = "no_match"
	missingHeader      = "missing_header"
	emptyHeader        = "empty_header"
	duplicateHeader    = "duplicate_header"
	malformedHeader    = "malformed_header"
	malformedID        = "malformed_id"
	malformedTimestamp = "malformed_timestamp"
	stale              = "stale"
	future             = "future"
	unusableSecret     = "unusable_secret"
)

var reasons = map[string]string{
	match:              "one of the secrets made one of the signatures over exactly these bytes",
	noMatch:            "everything is well formed, and no secret made any of the signatures over these bytes",
	missingHeader:      "a header that the scheme needs is not there",
	emptyHeader:        "a header that the scheme needs has no value",
	duplicateHeader:    "a header that the scheme needs is there more than once, so that two readers could take different ones",
	malformedHeader:    "the header of the signature does not have the scheme's form",
	malformedID:        "the id holds a point, which is what separates the parts of the signed text",
	malformedTimestamp: "the timestamp is not Unix seconds in plain decimal digits",
	stale:              "the timestamp is more than tolerance_seconds before now",
	future:             "the timestamp is more than tolerance_seconds after now",
	unusableSecret:     "a secret or key is missing, empty, too short or not in the scheme's form, so that nothing may be believed with it",
}

var schemes = map[string]string{
	"standard-webhooks": "Standard Webhooks 1.0.0, symmetric (v1): base64 of HMAC-SHA256 over <webhook-id>.<webhook-timestamp>.<body>; " +
		"the key is the base64 behind whsec_, of at least 24 bytes",
	"stripe": "the stripe-signature header: t=<Unix seconds> and one or more v1=<hex of HMAC-SHA256 over <t>.<body>>; the key is the whole secret, whsec_ included",
	"slack":  "the x-slack-signature header: v0=<hex of HMAC-SHA256 over v0:<x-slack-request-timestamp>:<body>>, hex in small letters; the key is the app's signing secret",
	"hmac-sha256": "HMAC-SHA256 over the body, or over <timestamp>.<body> when options has timestamp_header; options: header, " +
		"encoding (hex in small or in capital letters, or base64 with padding), prefix before the signature",
	"ed25519": "a pure Ed25519 signature (RFC 8032) over the body, in base64 with padding, in the header that options names under header; secrets holds public " +
		"keys: PEM, base64 of the DER form, or base64 of the 32 bytes",
	"hmac": "HMAC with algorithm (sha1, sha256 or sha512) over signed, a text with {timestamp} and {body} that is {body} unless it is given; options: header, encoding " +
		"(hex or base64), key_encoding (text unless given, hex or base64), format (a list such as ts={timestamp};h1={signature}, where the header holds both)",
	"svix":              "standard-webhooks with the headers svix-id, svix-timestamp and svix-signature",
	"ed25519-timestamp": "ed25519 over signed, with the time in the header that options names under timestamp_header, and the signature in encoding",
	"basic":             "basic authentication (RFC 7617) in the authorization header, with the user of options and one of secrets as its password, in UTF-8; it says nothing about the body",
	"header":            "the secret itself in the header that options names under header; it says nothing about the body",
}

// file is the whole document. New schemes and options may be added: a reader
// passes over the vectors whose scheme it does not know.
type file struct {
	About            string            `json:"about"`
	ToleranceSeconds int               `json:"tolerance_seconds"`
	Schemes          map[string]string `json:"schemes"`
	Reasons          map[string]string `json:"reasons"`
}

const about = "Requests with a signature, and whether a receiver may believe them. Configure the scheme with options and secrets " +
	"(any one of several is enough), take the headers (names in any letter case, each with the list of its values), the body " +
	"(body is its text, body_base64 its bytes) and now (Unix seconds) as the clock; compare the verdict with accept. reason is one of reasons. " +
	"Where a vendor leaves something open, the stricter reading is written here. source names where a vector was published. " +
	"Pass over schemes you do not know: more may be added. Made by: go run ./internal/signature/vectors"

func main() {
	text, err := document()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := os.Stdout.Write(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// document is the file's text: one vector a line, so that a change shows as the
// lines it touches.
func document() ([]byte, error) {
	head, err := encode(file{about, tolerance, schemes, reasons}, "  ")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Write(bytes.TrimSuffix(head, []byte("\n}")))
	out.WriteString(",\n  \"vectors\": [")
	for i, v := range all() {
		if i > 0 {
			out.WriteByte(',')
		}
		line, err := encode(v.printed(), "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Description, err)
		}
		out.WriteString("\n    ")
		out.Write(line)
	}
	out.WriteString("\n  ]\n}\n")
	return out.Bytes(), nil
}

// printed puts the body where JSON can hold it.
func (v vector) printed() vector {
	if utf8.ValidString(v.body) {
		v.Body = &v.body
	} else {
		v.BodyBase64 = []byte(v.body)
	}
	if v.Secrets == nil {
		v.Secrets = []string{}
	}
	return v
}

func encode(v any, indent string) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
