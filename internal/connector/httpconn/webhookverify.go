package httpconn

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"trueup/internal/signature"
)

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
		scheme, err := signature.NewHMAC(signature.HMAC{Shape: signature.Shape{Header: v.Header, Encoding: encoding, Prefix: v.Prefix, TimestampHeader: v.TimestampHeader}}, secrets)
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
