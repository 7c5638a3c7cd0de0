package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// own are the rules that only one scheme has.
func (c *collector) own() {
	switch c.genuine.Scheme {
	case "standard-webhooks":
		c.standardOwn()
	case "stripe":
		c.stripeOwn()
	case "slack":
		c.slackOwn()
	case "hmac-sha256":
		c.hmacOwn()
	case "header":
		c.staticOwn()
	}
}

func (c *collector) standardOwn() {
	right := c.given()
	digest := right[len("v1,"):]
	wrong := "v1," + base64.StdEncoding.EncodeToString(mac("k", "x"))
	sig := func(values ...string) func(*vector) { return set(c.signature, strings.Join(values, " ")) }
	c.add(match, "the right signature before a wrong one is accepted", sig(right, wrong))
	c.add(match, "the right signature after a wrong one is accepted", sig(wrong, right))
	c.add(match, "the right signature between wrong ones is accepted", sig(wrong, right, wrong))
	c.add(match, "the right signature after twenty wrong ones is accepted", sig(strings.TrimSpace(strings.Repeat(wrong+" ", 20)), right))
	c.add(match, "the same right signature twice is accepted", sig(right, right))
	c.add(match, "two spaces between signatures are passed over", sig(wrong, "", right))
	c.add(match, "a space after the only signature is passed over", sig(right, ""))
	c.add(match, "an asymmetric signature beside the right one is passed over", sig("v1a,"+digest, right))
	c.add(match, "an item without version beside the right one is passed over", sig("x", right))
	c.add(noMatch, "two wrong signatures are refused", sig(wrong, wrong))
	for _, version := range []string{"v1a", "v0", "v2", "v11", "V1", "1", "v1 ", "vl", "ｖ1", "v١", "v1=", ""} {
		c.add(noMatch, fmt.Sprintf("the right digest under the version %q is refused", version), set(c.signature, version+","+digest))
	}
	for what, value := range map[string]string{
		"the digest without its version":           digest,
		"a version without a digest":               "v1,",
		"a comma instead of a space between items": wrong + "," + right,
		"a colon instead of the comma":             "v1:" + digest,
		"a space after the comma":                  "v1, " + digest,
		"a line break instead of a space":          wrong + "\n" + right,
		"quotation marks around it":                `"` + right + `"`,
		"the digest broken by a space":             right[:20] + " " + right[20:],
	} {
		c.add(noMatch, what+" is refused", set(c.signature, value))
	}
	sortTail(c.got, 8)
	c.standardIDs()
	c.standardSecrets()
}

func (c *collector) standardIDs() {
	c.add(noMatch, "another id is refused", set("webhook-id", "msg_other"))
	for i := range c.value("webhook-id") {
		c.add(noMatch, fmt.Sprintf("letter %d of the id may not change", i+1), set("webhook-id", flip(c.value("webhook-id"), i, 1)))
	}
	for what, id := range map[string]string{"a point in the id": "msg.1", "an id that ends in a point": "msg_1.", "an id that is a point": ".",
		"an id that swallows the timestamp": "msg_1.1614265330"} {
		c.add(malformedID, "signed, with "+what+", it is refused", func(v *vector) {
			v.Headers["webhook-id"] = []string{id}
			c.sign(v, standardSecret, c.at)
		})
	}
	sortTail(c.got, 4)
	for what, id := range map[string]string{"one letter": "a", "letters beyond ASCII": "msg_é😀", "spaces": " msg 1 ", "a comma": "a,b"} {
		c.add(match, "an id of "+what+" is accepted when it is signed", func(v *vector) {
			v.Headers["webhook-id"] = []string{id}
			c.sign(v, standardSecret, c.at)
		})
	}
	sortTail(c.got, 4)
}

func (c *collector) standardSecrets() {
	bare := strings.TrimPrefix(standardSecret, "whsec_")
	c.add(match, "the secret without whsec_ is the same", secrets(bare))
	c.add(match, "a secret of 24 bytes, the least there may be, is accepted", func(v *vector) { c.resecret(v, strings.Repeat("k", 24)) })
	c.add(match, "a secret of 64 bytes is accepted", func(v *vector) { c.resecret(v, strings.Repeat("k", 64)) })
	c.add(unusableSecret, "a secret of 23 bytes is too short", func(v *vector) { c.resecret(v, strings.Repeat("k", 23)) })
	c.add(noMatch, "the secret's text instead of the bytes it stands for is no key", func(v *vector) {
		c.mark(v, c.at, mac(standardSecret, c.text(*v, c.at)))
	})
	c.add(noMatch, "the base64 of the secret instead of the bytes it stands for is no key", func(v *vector) {
		c.mark(v, c.at, mac(bare, c.text(*v, c.at)))
	})
	for what, secret := range map[string]string{
		"is only whsec_":                            "whsec_",
		"has whsec_ twice":                          "whsec_" + standardSecret,
		"has WHSEC_ in capitals":                    "WHSEC_" + bare,
		"is a passphrase":                           "correct horse battery staple",
		"is in base64 for addresses":                "whsec_" + strings.Repeat("-_", 16),
		"has a space at its end":                    standardSecret + " ",
		"lacks its padding":                         "whsec_" + strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 25))), "="),
		"has bits beyond its last byte":             "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 24))) + "aR==",
		"is a private key of the asymmetric scheme": "whsk_" + bare,
		"is a public key of the asymmetric scheme":  "whpk_" + bare,
	} {
		c.add(unusableSecret, "a secret that "+what+" is refused", secrets(secret))
	}
	sortTail(c.got, 10)
}

// resecret signs anew with a secret of those bytes.
func (c *collector) resecret(v *vector, key string) {
	v.Secrets = []string{"whsec_" + base64.StdEncoding.EncodeToString([]byte(key))}
	c.sign(v, v.Secrets[0], c.at)
}

func (c *collector) stripeOwn() {
	digest := strings.TrimPrefix(c.given(), "t="+c.at+",v1=")
	wrong := hex.EncodeToString(mac("k", "x"))
	t := "t=" + c.at
	for what, value := range map[string]string{
		"a wrong v1 before the right one":              t + ",v1=" + wrong + ",v1=" + digest,
		"a wrong v1 after the right one":               t + ",v1=" + digest + ",v1=" + wrong,
		"the right v1 after twenty wrong ones":         t + strings.Repeat(",v1="+wrong, 20) + ",v1=" + digest,
		"the right v1 twice":                           t + ",v1=" + digest + ",v1=" + digest,
		"the signature before the timestamp":           "v1=" + digest + "," + t,
		"a v0 beside the right v1":                     t + ",v1=" + digest + ",v0=" + wrong,
		"an unknown name beside the right v1":          t + ",x=y,v1=" + digest,
		"an empty v1 beside the right one":             t + ",v1=,v1=" + digest,
		"a name in capitals, V1, beside the right":     t + ",V1=" + wrong + ",v1=" + digest,
		"a value with an equals sign beside the right": t + ",x=a=b,v1=" + digest,
	} {
		c.add(match, what+" is accepted", set(c.signature, value))
	}
	sortTail(c.got, 10)
	for what, value := range map[string]string{
		"the right digest as v0 alone":           t + ",v0=" + digest,
		"the right digest as v2":                 t + ",v2=" + digest,
		"the right digest as V1 in capitals":     t + ",V1=" + digest,
		"the right digest as v1 with a space":    t + ", v1=" + digest,
		"a timestamp alone":                      t,
		"an empty v1":                            t + ",v1=",
		"the right digest in capital letters":    t + ",v1=" + strings.ToUpper(digest),
		"the digest with v1= twice before it":    t + ",v1=v1=" + digest,
		"the digest in quotation marks":          t + `,v1="` + digest + `"`,
		"a space after the digest":               t + ",v1=" + digest + " ",
		"the digest broken over two v1":          t + ",v1=" + digest[:32] + ",v1=" + digest[32:],
		"semicolons in place of commas, after t": t + ",x=1;v1=" + digest,
	} {
		c.add(noMatch, what+" is refused", set(c.signature, value))
	}
	sortTail(c.got, 12)
	for what, value := range map[string]string{
		"no timestamp":                          "v1=" + digest,
		"the same timestamp twice":              t + "," + t + ",v1=" + digest,
		"an empty timestamp before it":          "t=," + t + ",v1=" + digest,
		"a timestamp under T in capitals":       "T=" + c.at + ",v1=" + digest,
		"a timestamp under a name with a space": " " + t + ",v1=" + digest,
		"a digest without a name":               t + "," + digest,
		"a comma at its end":                    t + ",v1=" + digest + ",",
		"a comma at its start":                  "," + t + ",v1=" + digest,
		"two commas in a row":                   t + ",,v1=" + digest,
		"only a comma":                          ",",
		"only a word":                           "signature",
		"JSON in place of a list":               `{"t":` + c.at + `}`,
	} {
		c.add(malformedHeader, "a header with "+what+" is refused", set(c.signature, value))
	}
	sortTail(c.got, 12)
	c.add(malformedTimestamp, "an empty timestamp is refused", set(c.signature, "t=,v1="+digest))
	c.add(noMatch, "the secret without whsec_ is no key", func(v *vector) {
		c.mark(v, c.at, mac("test_secret", c.text(*v, c.at)))
	})
	c.add(match, "a secret without whsec_ is a key like any other", func(v *vector) {
		v.Secrets = []string{"plain"}
		c.sign(v, "plain", c.at)
	})
}

func (c *collector) slackOwn() {
	digest := strings.TrimPrefix(c.given(), "v0=")
	sig := func(value string) func(*vector) { return set(c.signature, value) }
	for _, form := range []struct{ what, value string }{
		{"the digest without its version", digest}, {"the right digest under v1", "v1=" + digest}, {"the version in capitals", "V0=" + digest},
		{"the version without an equals sign", "v0" + digest}, {"a comma in place of the equals sign", "v0," + digest}, {"a space before the version", " v0=" + digest},
		{"the right digest behind another version", "v1=00,v0=" + digest},
	} {
		c.add(malformedHeader, form.what+" is refused", sig(form.value))
	}
	for _, form := range []struct{ what, value string }{
		{"the version alone", "v0="}, {"the version twice", "v0=v0=" + digest}, {"the right digest in capital letters", "v0=" + strings.ToUpper(digest)},
		{"a space behind the version", "v0= " + digest}, {"a space after the digest", "v0=" + digest + " "}, {"two signatures with a comma between them", "v0=" + digest + ",v0=" + digest},
	} {
		c.add(noMatch, form.what+" is refused", sig(form.value))
	}
	for _, text := range []struct{ what, text string }{
		{"without the version", c.at + ":" + c.genuine.body}, {"with another version", "v1:" + c.at + ":" + c.genuine.body},
		{"with points for colons", "v0." + c.at + "." + c.genuine.body},
	} {
		c.add(noMatch, "a digest over the text "+text.what+" is refused", func(v *vector) { c.mark(v, c.at, mac(c.genuine.Secrets[0], text.text)) })
	}
}

func (c *collector) hmacOwn() {
	prefix, digest := c.genuine.Options["prefix"], c.given()[c.digestAt():]
	sig := func(value string) func(*vector) { return set(c.signature, value) }
	if c.encoded() == "hex" {
		c.add(match, "the digest in capital letters is accepted", sig(prefix+strings.ToUpper(digest)))
	}
	if prefix != "" {
		c.add(noMatch, "the digest without its prefix is refused", sig(digest))
		c.add(noMatch, "the prefix alone is refused", sig(prefix))
		c.add(noMatch, "the prefix twice is refused", sig(prefix+prefix+digest))
		c.add(noMatch, "the prefix in capital letters is refused", sig(strings.ToUpper(prefix)+digest))
		c.add(noMatch, "another prefix of the same length is refused", sig(strings.Repeat("x", len(prefix))+digest))
		c.add(noMatch, "a space between prefix and digest is refused", sig(prefix+" "+digest))
	} else {
		c.add(noMatch, "a prefix where none is configured is refused", sig("sha256="+digest))
	}
	c.add(noMatch, "a space before it is refused", sig(" "+prefix+digest))
	c.add(noMatch, "a space after it is refused", sig(prefix+digest+" "))
	c.add(noMatch, "two signatures with a comma between them are refused", sig(prefix+digest+","+prefix+digest))
	c.add(noMatch, "two signatures with a space between them are refused", sig(prefix+digest+" "+prefix+digest))
	if c.timestamp != "" {
		c.add(missingHeader, "the timestamp in a header of another name is missing", func(v *vector) {
			v.Headers["X-Time"] = v.Headers[c.timestamp]
			delete(v.Headers, c.timestamp)
		})
	} else {
		c.add(match, "years later it is accepted, because nothing in it says when it was sent", func(v *vector) { v.Now += 86400 * 3650 })
	}
	c.add(missingHeader, "the signature in a header of another name is missing", func(v *vector) {
		v.Headers["X-Other"] = v.Headers[c.signature]
		delete(v.Headers, c.signature)
	})
	c.add(match, "a secret with letters beyond ASCII is used as its UTF-8 bytes", func(v *vector) {
		v.Secrets = []string{"pässwörd 😀"}
		c.sign(v, v.Secrets[0], c.at)
	})
	c.add(match, "a secret longer than a block of SHA-256 is accepted", func(v *vector) {
		v.Secrets = []string{strings.Repeat("long ", 20)}
		c.sign(v, v.Secrets[0], c.at)
	})
}

func (c *collector) staticOwn() {
	for what, value := range map[string]string{
		"the secret in capital letters":               "OPEN SESAME",
		"the secret without its space":                "opensesame",
		"a space before the secret":                   " open sesame",
		"a space after the secret":                    "open sesame ",
		"the secret behind Bearer":                    "Bearer open sesame",
		"the secret in quotation marks":               `"open sesame"`,
		"the secret twice":                            "open sesameopen sesame",
		"the secret in base64":                        base64.StdEncoding.EncodeToString([]byte("open sesame")),
		"a no-break space in place of the space":      "open\u00a0sesame",
		"a Cyrillic letter that looks like the Latin": "оpen sesame",
	} {
		c.add(noMatch, what+" is refused", set(c.signature, value))
	}
	sortTail(c.got, 10)
	c.add(match, "years later it is accepted, because nothing in it says when it was sent", func(v *vector) { v.Now += 86400 * 3650 })
	c.add(missingHeader, "the secret in a header of another name is missing", func(v *vector) {
		delete(v.Headers, c.signature)
		v.Headers["X-Other"] = []string{"open sesame"}
	})
}
