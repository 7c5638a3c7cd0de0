package httpconn

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"trueup/internal/config"
	"trueup/internal/signature"
)

func (c *compiler) auth() {
	a := c.s.Auth
	if a == nil {
		return
	}
	given := 0
	for _, is := range []bool{a.Bearer != "", a.Header != nil, a.Basic != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.fault("auth", fmt.Sprintf("has %d of bearer, header and basic", given),
			"write exactly one: bearer: TOKEN, header: {name, value} or basic: {user, password}")
	}
	c.secret("auth.bearer", a.Bearer)
	if h := a.Header; h != nil {
		c.headerName("auth.header.name", h.Name, "X-Api-Key")
		c.require(h.Value != "", "auth.header.value", "write the secret as ${NAME}, or value_file: PATH")
		c.secret("auth.header.value", h.Value)
	}
	if b := a.Basic; b != nil {
		c.require(b.User != "", "auth.basic.user", "write the user; tools that want an API key often want it here")
		if strings.Contains(b.User.Reveal(), ":") {
			c.fault("auth.basic.user", "contains a colon, which ends the user in basic authentication", "write the part before the colon as user and the rest as password")
		}
		c.secret("auth.basic.user", b.User)
		c.secret("auth.basic.password", b.Password)
	}
}

// secret refuses what can stand in no header: mostly a line break at the end
// of a file.
func (c *compiler) secret(path string, s config.Secret) {
	if strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		c.fault(path, "contains a line break or another control character", "remove it: a header cannot contain it")
	}
}

func (c *compiler) headerName(path, name, example string) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) {
		c.fault(path, "is not the name of a header", "write a name such as "+example)
	}
}

func (c *compiler) verify(v *Verify) {
	const at = "webhook.verify"
	var secrets []string
	for i, s := range v.Secrets {
		secrets = append(secrets, s.Reveal())
		if v.Scheme == schemeHeader {
			c.secret(fmt.Sprintf("%s.secrets[%d]", at, i), s)
		}
	}
	// belongs reports keys of another scheme: a prefix that is never looked at
	// would look like protection.
	belongs := func(scheme string, keys map[string]bool) {
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if keys[k] {
				c.fault(at+"."+k, "does not belong to "+scheme, "remove it")
			}
		}
	}
	hmacKeys := map[string]bool{"header": v.Header != "", "encoding": v.Encoding != "", "prefix": v.Prefix != "", "timestamp_header": v.TimestampHeader != ""}
	if v.None {
		hmacKeys["scheme"], hmacKeys["secrets"], hmacKeys["name"] = v.Scheme != "", len(secrets) > 0, v.Name != ""
		belongs("none: true", hmacKeys)
		return
	}
	switch v.Scheme {
	case "":
		c.fault(at, "does not say how a webhook is verified",
			"write scheme: standard-webhooks, hmac-sha256 or header with secrets, or none: true to trust anyone")
		return
	case schemeStandard:
		hmacKeys["name"] = v.Name != ""
		belongs(v.Scheme, hmacKeys)
		c.out.standard = true
		scheme, err := signature.NewStandardWebhooks(secrets)
		c.secretsFault(secrets, err, "write the secret as the tool shows it, whsec_ and base64")
		c.out.verify = scheme
	case schemeHMAC:
		belongs(v.Scheme, map[string]bool{"name": v.Name != ""})
		c.headerName(at+".header", v.Header, "X-Signature")
		if v.TimestampHeader != "" {
			c.headerName(at+".timestamp_header", v.TimestampHeader, "X-Timestamp")
			if http.CanonicalHeaderKey(v.TimestampHeader) == http.CanonicalHeaderKey(v.Header) {
				c.fault(at+".timestamp_header", "is the header of the signature", "write the header that holds the Unix seconds, or remove the key")
				return
			}
		}
		encoding := signature.Encoding(v.Encoding)
		switch encoding {
		case "":
			encoding = signature.Hex
		case signature.Hex, signature.Base64:
		default:
			c.fault(at+".encoding", "is neither hex nor base64", "write the one the tool's documentation names; hex is the default")
			return
		}
		if v.Header == "" {
			return
		}
		scheme, err := signature.NewHMAC(signature.HMAC{Header: v.Header, Encoding: encoding, Prefix: v.Prefix, TimestampHeader: v.TimestampHeader}, secrets)
		c.secretsFault(secrets, err, "write the secret that the tool signs with as [${NAME}]; two while it is being replaced")
		c.out.verify = scheme
	case schemeHeader:
		belongs(v.Scheme, hmacKeys)
		c.headerName(at+".name", v.Name, "X-Webhook-Token")
		if v.Name == "" {
			return
		}
		scheme, err := signature.NewStaticHeader(v.Name, secrets)
		c.secretsFault(secrets, err, "write the secret that the tool sends as [${NAME}]; two while it is being replaced")
		c.out.verify = scheme
	default:
		c.fault(at+".scheme", "is not known", "write standard-webhooks, hmac-sha256 or header")
	}
}

func (c *compiler) secretsFault(secrets []string, err error, remedy string) {
	switch {
	case len(secrets) == 0:
		c.fault("webhook.verify.secrets", "is missing", remedy)
	case err != nil:
		c.fault("webhook.verify.secrets", "cannot be used: "+err.Error(), remedy)
	}
}
