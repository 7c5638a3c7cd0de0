package httpconn

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/signature"
)

const atVerify = "webhook.verify"

// shapeKeys are the keys that say where a signature stands and what it covers.
var shapeKeys = []string{"header", "encoding", "prefix", "timestamp_header", "format", "timestamp_unit", "tolerance", "signed"}

// verifyKeys are the keys that each scheme has; the rest are another's.
var verifyKeys = map[string][]string{
	schemeStandard: {"secrets", "names"},
	schemeHMAC256:  {"secrets", "header", "encoding", "prefix", "timestamp_header"},
	schemeHMAC:     append([]string{"secrets", "algorithm", "key_encoding"}, shapeKeys...),
	schemeEd25519:  append([]string{"public_keys"}, shapeKeys...),
	schemeHeader:   {"secrets", "name"},
	schemeBasic:    {"secrets", "user"},
	schemePath:     {"secrets"},
}

const schemeNames = "standard-webhooks, hmac, hmac-sha256, ed25519, header, basic or path"

// given reports which of the keys stand in the file.
func (v *Verify) given() map[string]bool {
	return map[string]bool{
		"secrets": len(v.Secrets) > 0, "public_keys": len(v.PublicKeys) > 0, "user": v.User != "", "names": v.Names != "",
		"header": v.Header != "", "encoding": v.Encoding != "", "prefix": v.Prefix != "", "timestamp_header": v.TimestampHeader != "",
		"format": v.Format != "", "timestamp_unit": v.TimestampUnit != "", "tolerance": v.Tolerance != 0, "signed": v.Signed != "",
		"algorithm": v.Algorithm != "", "key_encoding": v.KeyEncoding != "", "name": v.Name != "",
	}
}

func (c *compiler) verify(v *Verify) {
	given := v.given()
	known, is := verifyKeys[v.Scheme]
	of := v.Scheme
	switch {
	case v.None:
		given["scheme"], known, of = v.Scheme != "", nil, "none: true"
	case v.Scheme == "":
		c.fault(atVerify, "does not say how a webhook is verified",
			"write scheme: "+schemeNames+" with its keys, or none: true to trust anyone")
		return
	case !is:
		c.fault(atVerify+".scheme", "is not known", "write "+schemeNames)
		return
	}
	// A prefix that is never looked at would look like protection.
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if given[k] && !slices.Contains(known, k) {
			c.fault(atVerify+"."+k, "does not belong to "+of, "remove it")
		}
	}
	if v.None {
		return
	}
	secrets := c.secretsOf(v)
	switch v.Scheme {
	case schemeStandard:
		c.standard(v, secrets)
	case schemeHMAC256, schemeHMAC:
		if shape, ok := c.shape(v); ok {
			c.hmac(v, shape, secrets)
		}
	case schemeEd25519:
		if shape, ok := c.shape(v); ok {
			c.ed25519(v, shape)
		}
	case schemeHeader:
		c.headerName(atVerify+".name", v.Name, "X-Webhook-Token")
		if v.Name == "" {
			return
		}
		scheme, err := signature.NewStaticHeader(v.Name, secrets)
		c.secretsFault(secrets, err, "write the secret that the tool sends as [${NAME}]; two while it is being replaced")
		c.out.verify = scheme
	case schemeBasic:
		c.basic(v, secrets)
	case schemePath:
		c.pathSecret(secrets)
	}
}

// secretsOf reveals the secrets, and refuses those that no header can hold.
func (c *compiler) secretsOf(v *Verify) (secrets []string) {
	for i, s := range v.Secrets {
		secrets = append(secrets, s.Reveal())
		if v.Scheme == schemeHeader || v.Scheme == schemeBasic {
			c.secret(fmt.Sprintf("%s.secrets[%d]", atVerify, i), s)
		}
	}
	return secrets
}

func (c *compiler) standard(v *Verify, secrets []string) {
	scheme, err := signature.NewStandardWebhooks(secrets)
	c.secretsFault(secrets, err, "write the secret as the tool shows it, whsec_ and base64")
	switch v.Names {
	case "", "webhook":
	case "svix":
		scheme.Names = signature.SvixNames
	default:
		c.fault(atVerify+".names", "is neither webhook nor svix", "write svix if the tool sends svix-id, svix-timestamp and svix-signature; webhook is the default")
	}
	c.out.verify, c.out.standard, c.out.idHeader = scheme, true, scheme.IDHeader()
}

// shape is where the signature and the time stand; ok is false when that was
// reported as unusable.
func (c *compiler) shape(v *Verify) (s signature.Shape, ok bool) {
	ok = true
	fault := func(key, problem, remedy string) {
		c.fault(atVerify+"."+key, problem, remedy)
		ok = false
	}
	c.headerName(atVerify+".header", v.Header, "X-Signature")
	if v.TimestampHeader != "" {
		c.headerName(atVerify+".timestamp_header", v.TimestampHeader, "X-Timestamp")
	}
	s = signature.Shape{Header: v.Header, Encoding: signature.Encoding(v.Encoding), Prefix: v.Prefix, Format: v.Format, TimestampHeader: v.TimestampHeader,
		Unit: signature.Unit(v.TimestampUnit), Tolerance: v.Tolerance, Signed: v.Signed, MethodHeader: connector.RequestMethod, URLHeader: connector.RequestURL}
	switch s.Encoding {
	case "":
		s.Encoding = signature.Hex
	case signature.Hex, signature.Base64:
	default:
		fault("encoding", "is neither hex nor base64", "write the one the tool's documentation names; hex is the default")
	}
	switch s.Unit {
	case "", signature.Seconds, signature.Millis, signature.ISO:
	default:
		fault("timestamp_unit", "is not s, ms or iso", "write s for Unix seconds (the default), ms for milliseconds, or iso for a time such as 2026-03-01T12:00:00Z")
	}
	sameHeader := http.CanonicalHeaderKey(v.TimestampHeader) == http.CanonicalHeaderKey(v.Header)
	inFormat := strings.Contains(v.Format, "{timestamp}")
	timed := v.TimestampHeader != "" || inFormat
	switch {
	case v.TimestampHeader != "" && sameHeader && v.Scheme == schemeHMAC256:
		fault("timestamp_header", "is the header of the signature", "write the header that holds the Unix seconds, or remove the key; for one header with both use scheme: hmac and format")
	case v.TimestampHeader != "" && sameHeader:
		fault("timestamp_header", "is the header of the signature", `remove it, and write how both stand in the header, such as format: "t={timestamp},v1={signature}"`)
	case v.TimestampHeader != "" && inFormat:
		fault("timestamp_header", "is given, and format has a {timestamp}", "keep the one that says where the tool sends the time")
	}
	if !timed {
		for key, is := range map[string]bool{"timestamp_unit": v.TimestampUnit != "", "tolerance": v.Tolerance != 0} {
			if is {
				fault(key, "is given, and nothing says where the time is", `add timestamp_header, or format such as "t={timestamp},v1={signature}"`)
			}
		}
	}
	if v.Tolerance != 0 && (v.Tolerance < time.Second || v.Tolerance > 24*time.Hour) {
		fault("tolerance", "is not between 1s and 24h", "write how far the signed time may differ from the clock of this server; 5m is the default")
	}
	if v.Format != "" && (signature.Shape{Header: "X", Encoding: signature.Hex, Format: v.Format}).CheckFormat() != nil {
		fault("format", "is not a list of name={timestamp} and name={signature}", `write how the header looks, such as "t={timestamp},v1={signature}" or "ts={timestamp};h1={signature}"`)
	}
	c.signed(v, timed, fault)
	return s, ok && v.Header != ""
}

// signed checks the text that is signed.
func (c *compiler) signed(v *Verify, timed bool, fault func(key, problem, remedy string)) {
	if v.Scheme == schemeHMAC256 {
		return
	}
	const sample = `"{timestamp}.{body}"`
	switch text := v.Signed; {
	case text == "" && timed:
		fault("signed", "is missing, and there is a timestamp", "write what the tool signs, such as "+sample+": a time that is not signed proves nothing")
	case text == "":
	case strings.Contains(text, "{url}") && c.common.PublicURL == "":
		fault("signed", "has {url}, and public_url is not set", "set public_url to the address that the tool calls: that is what it signs")
	case !strings.Contains(text, "{body}"):
		fault("signed", "has no {body}", "write what the tool signs, such as "+sample+": a body that is not signed could be anyone's")
	case strings.Contains(text, "{timestamp}") && !timed:
		fault("signed", "has a {timestamp}, and nothing says where it is", `add timestamp_header, or format such as "t={timestamp},v1={signature}"`)
	case !strings.Contains(text, "{timestamp}") && timed:
		fault("signed", "has no {timestamp}", "write what the tool signs, such as "+sample+"; if it does not sign the time, remove timestamp_header")
	default:
		shape := signature.Shape{Header: "X", Encoding: signature.Hex, Signed: text, MethodHeader: "M", URLHeader: "U"}
		if timed {
			shape.TimestampHeader = "T"
		}
		if err := shape.Check(); err != nil {
			fault("signed", "cannot be used: "+err.Error(), "the placeholders are {timestamp}, {body}, {method} and {url}, each at most once")
		}
	}
}

func (c *compiler) hmac(v *Verify, shape signature.Shape, secrets []string) {
	algorithm, encoding := signature.Algorithm(v.Algorithm), signature.KeyEncoding(v.KeyEncoding)
	switch algorithm {
	case "", signature.SHA1, signature.SHA256, signature.SHA512:
	default:
		c.fault(atVerify+".algorithm", "is not sha1, sha256 or sha512", "write the one the tool's documentation names; sha256 is the default")
		return
	}
	switch encoding {
	case "", signature.KeyText, signature.KeyHex, signature.KeyBase64:
	default:
		c.fault(atVerify+".key_encoding", "is not text, hex or base64", "write text if the tool signs with the secret as it shows it (the default), hex or base64 if it signs with the bytes behind it")
		return
	}
	scheme, err := signature.NewHMAC(signature.HMAC{Shape: shape, Algorithm: algorithm, KeyEncoding: encoding}, secrets)
	c.secretsFault(secrets, err, "write the secret that the tool signs with as [${NAME}]; two while it is being replaced")
	c.out.verify = scheme
}

func (c *compiler) ed25519(v *Verify, shape signature.Shape) {
	const remedy = "write the tool's public key as it shows it: PEM, base64 or hex; two while it is being replaced"
	c.require(len(v.PublicKeys) > 0, atVerify+".public_keys", remedy)
	var keys []ed25519.PublicKey
	for i, text := range v.PublicKeys {
		key, err := publicKey(text)
		if err != nil {
			c.fault(fmt.Sprintf("%s.public_keys[%d]", atVerify, i), "cannot be used: "+err.Error(), remedy)
			continue
		}
		keys = append(keys, key)
	}
	if scheme, err := signature.NewEd25519(shape, keys); err == nil {
		c.out.verify = scheme
	}
}

// publicKey reads a key in hex too, as Discord shows it.
func publicKey(text string) (ed25519.PublicKey, error) {
	if raw, err := hex.DecodeString(strings.TrimSpace(text)); err == nil && len(raw) == ed25519.PublicKeySize {
		return raw, nil
	}
	return signature.ParseEd25519Key(text)
}

func (c *compiler) basic(v *Verify, secrets []string) {
	switch {
	case v.User == "":
		c.fault(atVerify+".user", "is missing", "write the user that you gave the tool; the password is in secrets")
		return
	case strings.Contains(v.User, ":"):
		c.fault(atVerify+".user", "contains a colon, which ends the user in basic authentication", "choose a user without one, in the tool and here")
		return
	}
	scheme, err := signature.NewBasic(v.User, secrets)
	c.secretsFault(secrets, err, "write the password that you gave the tool as [${NAME}]; two while it is being replaced")
	c.out.verify = scheme
}

// leastPathSecret is the shortest secret in an address, in characters: addresses
// are guessed.
const leastPathSecret = 16

func (c *compiler) pathSecret(secrets []string) {
	const remedy = "make one with openssl rand -hex 16, write it as [${NAME}], and give the tool the address <public_url>/hooks/<connection>/<secret>"
	for i, s := range secrets {
		at := fmt.Sprintf("%s.secrets[%d]", atVerify, i)
		switch {
		case strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}):
			c.fault(at, "has a character that tools write differently in an address", "use letters, digits, - and _; "+remedy)
		case len(s) < leastPathSecret:
			c.fault(at, fmt.Sprintf("has less than %d characters and could be guessed", leastPathSecret), remedy)
		}
	}
	scheme, err := signature.NewStaticHeader(connector.PathSecret, secrets)
	c.secretsFault(secrets, err, remedy)
	c.out.verify = addressSecret{scheme}
}

// addressSecret is a secret in the address, in words that do not speak of a header.
type addressSecret struct{ signature.StaticHeader }

// Verify implements signature.Scheme.
func (s addressSecret) Verify(h http.Header, body []byte, now time.Time) error {
	switch err := s.StaticHeader.Verify(h, body, now); {
	case err == nil:
		return nil
	case h.Get(connector.PathSecret) == "":
		return errors.New("the address has no secret after the name of the connection")
	}
	return errors.New("the secret in the address is none of the configured ones")
}

func (c *compiler) secretsFault(secrets []string, err error, remedy string) {
	switch {
	case len(secrets) == 0:
		c.fault(atVerify+".secrets", "is missing", remedy)
	case err != nil:
		c.fault(atVerify+".secrets", "cannot be used: "+err.Error(), remedy)
	}
}
