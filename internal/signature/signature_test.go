package signature

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// refusals are what our errors say for each reason of the vectors.
var refusals = map[string][]string{
	"no_match":            {"matches none of the configured secrets", "fits none of the configured public keys", "holds another user or password"},
	"missing_header":      {"header is missing"},
	"empty_header":        {"header is empty"},
	"duplicate_header":    {"header is there 2 times"},
	"malformed_header":    {"is not a list of name=value", "does not hold exactly one timestamp", "is no Ed25519 signature in base64", "does not begin with v0=", "is not basic authentication"},
	"malformed_id":        {"contains a point"},
	"malformed_timestamp": {"is not a whole number of seconds"},
	"stale":               {"more than 5 minutes old"},
	"future":              {"more than 5 minutes in the future"},
	"unusable_secret": {"is empty", "at least one secret is needed", "the least is 24", "is not whsec_ followed by base64",
		"at least one public key is needed", "neither PEM nor base64", "holds no public key", "is not written in"},
}

func TestVectors(t *testing.T) {
	all := vectors(t)
	if len(all) < 200 {
		t.Fatalf("only %d vectors", len(all))
	}
	for _, v := range all {
		t.Run(v.Description, func(t *testing.T) {
			err, usable := v.verify(t)
			if v.Accept != (err == nil) {
				t.Fatalf("accept is %v, and the verdict %v", v.Accept, err)
			}
			if err == nil {
				return
			}
			says := func(text string) bool { return strings.Contains(err.Error(), text) }
			if !slices.ContainsFunc(refusals[v.Reason], says) || usable == (v.Reason == "unusable_secret") {
				t.Errorf("refused with %q, the reason is %s", err, v.Reason)
			}
			quotesNothing(t, v, err)
		})
	}
}

// quotesNothing fails when an error text holds a secret or a signature.
func quotesNothing(t *testing.T, v vector, err error) {
	t.Helper()
	for _, s := range v.Secrets {
		if len(s) > 6 && strings.Contains(err.Error(), s) {
			t.Errorf("the text quotes a secret: %v", err)
		}
	}
	for _, values := range v.Headers {
		for _, value := range values {
			if len(value) > 15 && strings.Contains(err.Error(), value) {
				t.Errorf("the text quotes a header: %v", err)
			}
		}
	}
}

func TestAnyChangedBitIsRefused(t *testing.T) {
	for name, v := range genuine(t) {
		t.Run(name, func(t *testing.T) {
			refused := func(what string, changed vector) {
				if err, _ := changed.verify(t); err == nil {
					t.Errorf("%s may change: %q, %q", what, changed.Headers, changed.Body)
				}
			}
			// A changed body is no test of a secret that is sent as it is.
			for i := 0; v.Scheme != "header" && i < len(v.Body); i++ {
				for bit := range 8 {
					changed := v
					changed.Body = flipped(v.Body, i, 1<<bit)
					refused(fmt.Sprintf("bit %d of byte %d of the body", bit, i), changed)
				}
			}
			for h, values := range v.Headers {
				for i := range values[0] {
					for bit := range 8 {
						changed := v
						changed.Headers = maps.Clone(v.Headers)
						changed.Headers[h] = []string{flipped(values[0], i, 1<<bit)}
						refused(fmt.Sprintf("bit %d of byte %d of %s", bit, i, h), changed)
					}
				}
			}
		})
	}
}

func flipped(s string, i int, bits byte) string {
	b := []byte(s)
	b[i] ^= bits
	return string(b)
}

func TestConstructorsRefuseSecretsThatProveNothing(t *testing.T) {
	hmacOf := func(s []string) error {
		_, err := NewHMAC(HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex}}, s)
		return err
	}
	standard := func(s []string) error { _, err := NewStandardWebhooks(s); return err }
	static := func(s []string) error { _, err := NewStaticHeader("X-Token", s); return err }
	stripe := func(s []string) error { _, err := NewStripe(s); return err }
	basic := func(s []string) error { _, err := NewBasic("hooks", s); return err }
	in := func(k KeyEncoding) func([]string) error {
		return func(s []string) error {
			_, err := NewHMAC(HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex}, KeyEncoding: k}, s)
			return err
		}
	}
	good := "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	for _, tc := range []struct {
		name    string
		make    func([]string) error
		secrets []string
		want    string // "" means accepted
	}{
		{"hmac without secrets", hmacOf, nil, "at least one secret is needed"},
		{"hmac with an empty secret among good ones", hmacOf, []string{"good", ""}, "secret 2 is empty"},
		{"hmac with a secret", hmacOf, []string{"good"}, ""},
		{"header without secrets", static, []string{}, "at least one secret is needed"},
		{"header with an empty secret", static, []string{""}, "secret 1 is empty"},
		{"header with a secret", static, []string{"good"}, ""},
		{"basic without passwords", basic, nil, "at least one secret is needed"},
		{"basic with an empty password", basic, []string{""}, "secret 1 is empty"},
		{"a hex key in hex", in(KeyHex), []string{"00ff"}, ""},
		{"a hex key that is none", in(KeyHex), []string{"00ff", "sesame"}, "secret 2 is not written in hex"},
		{"a base64 key in base64", in(KeyBase64), []string{"AP8="}, ""},
		{"a base64 key that is none", in(KeyBase64), []string{"AP8"}, "secret 1 is not written in base64"},
		{"stripe without secrets", stripe, nil, "at least one secret is needed"},
		{"stripe with an empty secret", stripe, []string{""}, "secret 1 is empty"},
		{"stripe with a secret", stripe, []string{"whsec_x"}, ""},
		{"standard without secrets", standard, nil, "at least one secret is needed"},
		{"standard with an empty secret", standard, []string{""}, "secret 1 holds 0 bytes, the least is 24"},
		{"standard with a bare prefix", standard, []string{"whsec_"}, "secret 1 holds 0 bytes"},
		{"standard with 23 bytes", standard, []string{good, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ="}, "secret 2 holds 23 bytes"},
		{"standard with a passphrase", standard, []string{"correct horse battery staple"}, "secret 1 is not whsec_ followed by base64"},
		{"standard with base64 for addresses", standard, []string{"whsec_" + strings.Repeat("-_", 16)}, "is not whsec_"},
		{"standard with a private key of the asymmetric kind", standard, []string{"whsk_" + good}, "is not whsec_"},
		{"standard without the prefix", standard, []string{good}, ""},
		{"standard with the prefix", standard, []string{"whsec_" + good}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.make(tc.secrets)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if err != nil && len(tc.secrets) > 0 && len(tc.secrets[0]) > 6 && strings.Contains(err.Error(), tc.secrets[0]) {
				t.Errorf("the text quotes a secret: %v", err)
			}
		})
	}
}

func TestShapesThatCannotWorkAreRefused(t *testing.T) {
	for name, shape := range map[string]Shape{
		"no header":                           {Encoding: Hex},
		"no encoding":                         {Header: "X-Sig"},
		"an unknown encoding":                 {Header: "X-Sig", Encoding: "base32"},
		"signature and timestamp in one line": {Header: "X-Sig", Encoding: Hex, TimestampHeader: "x-sig"},
		"a format that is no list":            {Header: "X-Sig", Encoding: Hex, Format: "{signature}"},
		"a format without a signature":        {Header: "X-Sig", Encoding: Hex, Format: "t={timestamp}"},
		"a format with two signatures":        {Header: "X-Sig", Encoding: Hex, Format: "a={signature},b={signature}"},
		"a format with one name for both":     {Header: "X-Sig", Encoding: Hex, Format: "a={timestamp},a={signature}"},
		"a format with a spare comma":         {Header: "X-Sig", Encoding: Hex, Format: "t={timestamp},v1={signature},"},
		"a timestamp in two places":           {Header: "X-Sig", Encoding: Hex, Format: "t={timestamp},v1={signature}", TimestampHeader: "X-Time"},
		"an unknown unit":                     {Header: "X-Sig", Encoding: Hex, TimestampHeader: "X-Time", Unit: "h"},
		"a tolerance below nothing":           {Header: "X-Sig", Encoding: Hex, TimestampHeader: "X-Time", Tolerance: -1},
		"a body that is not signed":           {Header: "X-Sig", Encoding: Hex, TimestampHeader: "X-Time", Signed: "{timestamp}"},
		"a time that is not signed":           {Header: "X-Sig", Encoding: Hex, TimestampHeader: "X-Time", Signed: "{body}"},
		"a time that is nowhere":              {Header: "X-Sig", Encoding: Hex, Signed: "{timestamp}.{body}"},
		"a body that is signed twice":         {Header: "X-Sig", Encoding: Hex, Signed: "{body}{body}"},
		"an unknown placeholder":              {Header: "X-Sig", Encoding: Hex, Signed: "{id}{body}"},
		"half a placeholder":                  {Header: "X-Sig", Encoding: Hex, Signed: "{body}{"},
		"an address that nobody tells":        {Header: "X-Sig", Encoding: Hex, Signed: "{url}{body}"},
		"a method that nobody tells":          {Header: "X-Sig", Encoding: Hex, Signed: "{method}{body}"},
	} {
		if _, err := NewHMAC(HMAC{Shape: shape}, []string{"good"}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, shape := range []HMAC{{Algorithm: "md5"}, {KeyEncoding: "base32"}} {
		shape.Shape = Shape{Header: "X-Sig", Encoding: Hex}
		if _, err := NewHMAC(shape, []string{"good"}); err == nil {
			t.Errorf("%s%s: accepted", shape.Algorithm, shape.KeyEncoding)
		}
	}
	for _, user := range []string{"", "a:b"} {
		if _, err := NewBasic(user, []string{"good"}); err == nil {
			t.Errorf("the user %q: accepted", user)
		}
	}
	if _, err := NewStaticHeader("", []string{"good"}); err == nil {
		t.Error("a static header without a name: accepted")
	}
}

// An unset environment variable must not become a key that everyone knows, even
// if a value is made without its constructor.
func TestAnEmptySecretVerifiesNothing(t *testing.T) {
	now, body := time.Unix(standardNow, 0), []byte(`{}`)
	shape := HMAC{Shape: Shape{Header: "X-Sig", Encoding: Hex}}
	for _, empty := range []Secrets{nil, {}, {nil}, {[]byte{}}} {
		shape.Secrets = empty
		for name, err := range map[string]error{
			"standard": StandardWebhooks{Secrets: empty}.Verify(SignStandard(nil, "msg_1", now, body), body, now),
			"hmac":     shape.Verify(SignHMAC(shape, nil, now, body), body, now),
			"stripe":   Stripe{empty}.Verify(SignStripe(nil, now, body), body, now),
			"basic":    Basic{empty}.Verify(SignBasic("", ""), body, now),
			"header":   StaticHeader{"X-Token", empty}.Verify(http.Header{"X-Token": {""}}, body, now),
		} {
			if err == nil {
				t.Errorf("%s accepts with the secrets %#v", name, [][]byte(empty))
			}
		}
	}
	short := Secrets{[]byte("23 bytes are too short.")}
	if (StandardWebhooks{Secrets: short}).Verify(SignStandard(short[0], "msg_1", now, body), body, now) == nil {
		t.Error("a key below 24 bytes verifies")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s, err := NewStripe([]string{"topsecret"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%x", s), fmt.Sprintf("%d", s), string(j)} {
		if strings.Contains(text, "topsecret") || strings.Contains(text, "116 111 112") || !strings.Contains(text, "[redacted]") {
			t.Errorf("prints as %s", text)
		}
	}
}
