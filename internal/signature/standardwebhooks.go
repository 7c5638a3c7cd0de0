package signature

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// minStandardSecret is the shortest key the specification allows, in bytes.
const minStandardSecret = 24

// StandardNames is what the three headers begin with, and SvixNames what they
// begin with at Svix, where the specification comes from.
const (
	StandardNames = "Webhook"
	SvixNames     = "Svix"
)

// StandardWebhooks is version 1.0.0 of that specification with symmetric
// signatures (v1). Asymmetric ones (v1a) in the same header are ignored.
// Source: github.com/standard-webhooks/standard-webhooks,
// spec/standard-webhooks.md.
type StandardWebhooks struct {
	// Secrets are the decoded keys, of at least 24 bytes each.
	Secrets Secrets
	// Names is what the headers begin with, "" is StandardNames.
	Names string
}

func (s StandardWebhooks) header(name string) string {
	return cmp.Or(s.Names, StandardNames) + "-" + name
}

// IDHeader is the header that holds the id of the delivery.
func (s StandardWebhooks) IDHeader() string { return s.header("Id") }

// NewStandardWebhooks reads secrets as tools show them: base64, with or
// without whsec_ before it.
func NewStandardWebhooks(secrets []string) (StandardWebhooks, error) {
	if len(secrets) == 0 {
		return StandardWebhooks{}, errors.New("at least one secret is needed")
	}
	var s StandardWebhooks
	for i, text := range secrets {
		key, err := StandardSecret(text)
		if err != nil {
			return StandardWebhooks{}, fmt.Errorf("secret %d %w", i+1, err)
		}
		s.Secrets = append(s.Secrets, key)
	}
	return s, nil
}

// StandardSecret decodes one secret.
func StandardSecret(text string) ([]byte, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil {
		return nil, errors.New("is not whsec_ followed by base64")
	}
	if len(key) < minStandardSecret {
		return nil, fmt.Errorf("holds %d bytes, the least is %d", len(key), minStandardSecret)
	}
	return key, nil
}

// Verify implements Scheme.
func (s StandardWebhooks) Verify(h http.Header, body []byte, now time.Time) error {
	id, err := single(h, s.IDHeader())
	if err != nil {
		return err
	}
	// The signed text is id.timestamp.body: with a dot in the id, one signature
	// would be valid for two readings of the same bytes.
	if strings.Contains(id, ".") {
		return errors.New("the " + strings.ToLower(s.IDHeader()) + " header contains a point")
	}
	timestamp, err := single(h, s.header("Timestamp"))
	if err != nil {
		return err
	}
	if err := freshTimestamp(timestamp, s.header("Timestamp"), now); err != nil {
		return err
	}
	given, err := single(h, s.header("Signature"))
	if err != nil {
		return err
	}
	for _, secret := range s.Secrets {
		if len(secret) < minStandardSecret {
			continue
		}
		want := standardSignature(secret, id, timestamp, body)
		for _, one := range strings.Split(given, " ") {
			if equal(one, want) {
				return nil
			}
		}
	}
	return noMatch(s.header("Signature"))
}

// SignStandard returns the headers a sender with the decoded secret would set.
func SignStandard(secret []byte, id string, t time.Time, body []byte) http.Header {
	return StandardWebhooks{}.Sign(secret, id, t, body)
}

// Sign is SignStandard with the scheme's names.
func (s StandardWebhooks) Sign(secret []byte, id string, t time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(t.Unix(), 10)
	h := http.Header{}
	h.Set(s.IDHeader(), id)
	h.Set(s.header("Timestamp"), timestamp)
	h.Set(s.header("Signature"), standardSignature(secret, id, timestamp, body))
	return h
}

func standardSignature(secret []byte, id, timestamp string, body []byte) string {
	return "v1," + base64.StdEncoding.EncodeToString(mac(secret, []byte(id+"."+timestamp+"."), body))
}
