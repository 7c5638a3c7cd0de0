package signature

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// vector is one line of docs/signature-vectors.json: a request and its verdict.
// Other software made the signatures there.
type vector struct {
	Scheme      string
	Description string
	Options     map[string]string
	Secrets     []string
	Headers     map[string][]string
	Body        string
	BodyBase64  []byte `json:"body_base64"`
	Now         int64
	Accept      bool
	Reason      string
}

const (
	standardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret    = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVy"
	standardNow    = 1614265330
	stripeSecret   = "whsec_test_secret"
	stripeNow      = 1495999758
)

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("../../docs/signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

// genuine returns the accepted vectors, from which the others are derived, by
// the first word of their descriptions.
func genuine(t testing.TB) map[string]vector {
	t.Helper()
	found := map[string]vector{}
	for _, v := range vectors(t) {
		if label, ok := strings.CutSuffix(v.Description, ": a genuine request is accepted."); ok {
			found[label] = v
		}
	}
	if len(found) < 9 {
		t.Fatalf("only %d genuine requests", len(found))
	}
	return found
}

// scheme builds the vector's scheme through its constructor.
func (v vector) scheme(t testing.TB) (Scheme, error) {
	t.Helper()
	switch v.Scheme {
	case "standard-webhooks":
		return NewStandardWebhooks(v.Secrets)
	case "hmac-sha256":
		return NewHMAC(HMAC{Shape: Shape{Header: v.Options["header"], Encoding: Encoding(v.Options["encoding"]),
			Prefix: v.Options["prefix"], TimestampHeader: v.Options["timestamp_header"]}}, v.Secrets)
	case "hmac":
		return NewHMAC(HMAC{Algorithm: Algorithm(v.Options["algorithm"]), KeyEncoding: KeyEncoding(v.Options["key_encoding"]), Shape: Shape{Header: v.Options["header"],
			Encoding: Encoding(v.Options["encoding"]), Format: v.Options["format"], Signed: v.Options["signed"]}}, v.Secrets)
	case "svix":
		s, err := NewStandardWebhooks(v.Secrets)
		s.Names = SvixNames
		return s, err
	case "basic":
		return NewBasic(v.Options["user"], v.Secrets)
	case "header":
		return NewStaticHeader(v.Options["header"], v.Secrets)
	case "stripe":
		return NewStripe(v.Secrets)
	case "slack":
		return NewSlack(v.Secrets)
	case "ed25519", "ed25519-timestamp":
		var keys []ed25519.PublicKey
		for _, text := range v.Secrets {
			key, err := ParseEd25519Key(text)
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		if v.Scheme == "ed25519" {
			return NewEd25519(Ed25519Body(v.Options["header"]), keys)
		}
		return NewEd25519(Shape{Header: v.Options["header"], Encoding: Encoding(v.Options["encoding"]), TimestampHeader: v.Options["timestamp_header"], Signed: v.Options["signed"]}, keys)
	}
	t.Fatalf("no scheme here is called %q", v.Scheme)
	return nil, nil
}

func (v vector) header() http.Header {
	h := http.Header{}
	for name, values := range v.Headers {
		for _, value := range values {
			h.Add(name, value)
		}
	}
	return h
}

func (v vector) body() []byte {
	if v.BodyBase64 != nil {
		return v.BodyBase64
	}
	return []byte(v.Body)
}

// verify is the verdict on the vector; usable is false when its secrets are
// already refused.
func (v vector) verify(t testing.TB) (err error, usable bool) {
	t.Helper()
	s, err := v.scheme(t)
	if err != nil {
		return err, false
	}
	return s.Verify(v.header(), v.body(), time.Unix(v.Now, 0)), true
}
