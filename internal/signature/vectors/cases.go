package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// all is every vector, in the order of the file.
func all() []vector {
	var out []vector
	for _, k := range []kind{standard(), stripe(), slack(), githubKind(), plain.kind(), hexTime.kind(), b64Time.kind(), static()} {
		c := &collector{kind: k, step: 1}
		if k.genuine.Scheme == "hmac-sha256" && k.genuine.Source == "" {
			c.step = 7 // one shape with every letter says enough of the others
		}
		v := k.genuine
		v.Description, v.Accept, v.Reason = k.label+": a genuine request is accepted.", true, match
		c.got = append(c.got, v)
		c.keys()
		c.headers()
		c.bodies()
		c.digests()
		c.times()
		c.own()
		out = append(out, c.got...)
	}
	return append(append(append(out, published()...), ed25519Vectors()...), variants()...)
}

// keys are the secrets, while they are replaced and when they are wrong.
func (c *collector) keys() {
	right := c.genuine.Secrets[0]
	c.add(match, "the first of two secrets made the signature", secrets(right, c.wrong))
	c.add(match, "the second of two secrets made the signature, as while a secret is replaced", secrets(c.wrong, right))
	c.add(match, "the last of three secrets made the signature", secrets(c.wrong, c.wrong, right))
	c.add(noMatch, "another secret made the signature", secrets(c.wrong))
	c.add(noMatch, "none of two secrets made the signature", secrets(c.wrong, c.wrong))
	c.add(unusableSecret, "an empty secret proves nothing", secrets(""))
	c.add(unusableSecret, "an empty secret beside the right one is a mistake that is not passed over", secrets(right, ""))
	c.add(unusableSecret, "no secret at all proves nothing", secrets())
	if c.mark != nil && c.genuine.Scheme != "standard-webhooks" {
		c.add(unusableSecret, "a signature that the empty key made proves nothing", func(v *vector) {
			v.Secrets = []string{""}
			c.sign(v, "", c.at)
		})
		c.add(noMatch, "a line break at the end of the secret belongs to it", secrets(right+"\n"))
		c.add(noMatch, "a secret in capital letters is another one", secrets(strings.ToUpper(right)))
		c.add(noMatch, "a secret that lacks its last letter is another one", secrets(right[:len(right)-1]))
	}
}

// headers are the faults that any header can have.
func (c *collector) headers() {
	for _, name := range slices.Sorted(maps.Keys(c.genuine.Headers)) {
		value := c.value(name)
		c.add(missingHeader, "without "+name+" it is refused", func(v *vector) { delete(v.Headers, name) })
		c.add(emptyHeader, "with an empty "+name+" it is refused", set(name, ""))
		c.add(duplicateHeader, "with the same "+name+" twice it is refused", set(name, value, value))
		c.add(duplicateHeader, "with an empty "+name+" before the right one it is refused", set(name, "", value))
		c.add(duplicateHeader, "with another "+name+" after the right one it is refused", set(name, value, "x"))
		c.add(duplicateHeader, "with "+name+" twice, in different letter case, it is refused", func(v *vector) {
			v.Headers[strings.ToUpper(name)] = []string{value}
			delete(v.Headers, name)
			v.Headers[strings.ToLower(name)] = []string{value}
		})
		c.add(match, "the name "+name+" in other letter case is the same header", func(v *vector) {
			delete(v.Headers, name)
			v.Headers[swapCase(name)] = []string{value}
		})
	}
	sig := c.given()
	c.add(noMatch, "a tab before the signature is refused", set(c.signature, c.broken("\t"+sig)))
	c.add(noMatch, "a tab after the signature is refused", set(c.signature, sig+"\t"))
	c.add(noMatch, "a signature that lacks its last letter is refused", set(c.signature, sig[:len(sig)-1]))
	c.add(noMatch, "a signature with one letter too many is refused", set(c.signature, sig+"0"))
	c.add(noMatch, "a signature with a NUL at its end is refused", set(c.signature, sig+"\x00"))
	for i := c.digestAt(); i < len(sig); i += c.step {
		c.add(noMatch, fmt.Sprintf("letter %d of the header that holds the signature may not change", i+1), set(c.signature, flip(sig, i, 1)))
	}
}

// broken puts the tab behind the name of the signature where a scheme has one:
// before it, the header would not have the scheme's form.
func (c *collector) broken(value string) string {
	for _, name := range map[string][]string{"stripe": {"v1="}, "slack": {"v0="}}[c.genuine.Scheme] {
		value = strings.Replace(strings.TrimPrefix(value, "\t"), name, name+"\t", 1)
	}
	return value
}

// digestAt is where the digest begins in the header of the signature.
func (c *collector) digestAt() int {
	for _, mark := range []string{"v1,", "v1=", "v0=", "sha256="} {
		if i := strings.Index(c.given(), mark); i >= 0 {
			return i + len(mark)
		}
	}
	return 0
}

// bodies are the changes of the body. A static header does not notice any.
func (c *collector) bodies() {
	verdict, text := noMatch, c.genuine.body
	if c.genuine.Scheme == "header" {
		c.add(match, "another body is accepted, because a shared secret says nothing about it", body(`{"a":2}`))
		return
	}
	for i := range text {
		c.add(verdict, fmt.Sprintf("byte %d of the body may not change", i+1), body(flip(text, i, 1)))
	}
	for _, i := range []int{0, len(text) / 2, len(text) - 1} {
		c.add(verdict, fmt.Sprintf("the highest bit of byte %d of the body may not change", i+1), body(flip(text, i, 0x80)))
	}
	for what, changed := range map[string]string{
		"an empty body":                           "",
		"a body without its first byte":           text[1:],
		"a body without its last byte":            text[:len(text)-1],
		"a body with a space more at its end":     text + " ",
		"a body with a line break more":           text + "\n",
		"a body with a NUL more":                  text + "\x00",
		"a body with a byte order mark before it": "\ufeff" + text,
		"a body that is there twice":              text + text,
		"a body in UTF-16":                        utf16(text),
		"a body in capital letters":               strings.ToUpper(text),
	} {
		c.add(verdict, what+" is not what was signed", body(changed))
	}
	sortTail(c.got, 10)
	for what, genuine := range map[string]string{
		"an empty body": "", "a body of one NUL": "\x00", "a body that is no UTF-8": "\xff\xfe{}", "a body with letters beyond ASCII": `{"name":"Zoë 😀"}`,
		"a body with a point at its start": ".1614265330.x", "a body of line breaks": "\r\n\r\n",
	} {
		c.add(match, what+" is accepted when it is signed", func(v *vector) {
			v.body = genuine
			c.sign(v, v.Secrets[0], c.at)
		})
	}
	sortTail(c.got, 6)
}

// digests are signatures that were made in another way.
func (c *collector) digests() {
	if c.mark == nil {
		return
	}
	secret := c.genuine.Secrets[0]
	key, text := c.key(secret), c.text(c.genuine, c.at)
	keyed := sha256.Sum256([]byte(key + text))
	bare := sha256.Sum256([]byte(text))
	right := mac(key, text)
	for _, d := range []struct {
		what   string
		digest []byte
	}{
		{"HMAC with SHA-1", sum(sha1.New, key, text)},
		{"HMAC with SHA-512", sum(sha512.New, key, text)},
		{"SHA-256 of the key and the text", keyed[:]},
		{"SHA-256 of the text alone", bare[:]},
		{"HMAC with key and text exchanged", mac(text, key)},
		{"HMAC that is cut to 16 bytes", right[:16]},
		{"a digest of zeros", make([]byte, 32)},
		{"HMAC with a line break behind the key", mac(key+"\n", text)},
	} {
		c.add(noMatch, d.what+" is refused", func(v *vector) { c.mark(v, c.at, d.digest) })
	}
	empty := noMatch
	if c.digestAt() == 0 {
		empty = emptyHeader
	}
	c.add(empty, "an empty digest is refused", func(v *vector) { c.mark(v, c.at, nil) })
	if c.at != "" {
		for what, text := range map[string]string{
			"a digest over the body without the timestamp is refused":           c.genuine.body,
			"a digest with nothing between timestamp and body is refused":       c.at + c.genuine.body,
			"a digest with a colon between timestamp and body is refused":       c.at + ":" + c.genuine.body,
			"a digest over the body before the timestamp is refused":            c.genuine.body + "." + c.at,
			"a digest over another timestamp than the one beside it is refused": strings.Replace(text, c.at, flip(c.at, len(c.at)-1, 1), 1),
		} {
			c.add(noMatch, what, func(v *vector) { c.mark(v, c.at, mac(key, text)) })
		}
		sortTail(c.got, 5)
	}
	before, after := c.given()[:c.digestAt()], map[string]string{
		"base64 without padding":           base64.RawStdEncoding.EncodeToString(right),
		"hex with 0x before it":            "0x" + hex.EncodeToString(right),
		"hex in small and capital letters": mixed(hex.EncodeToString(right)),
		"hex with colons":                  strings.ToUpper(colons(right)),
		"the digest's bytes in decimal":    fmt.Sprint(right),
	}
	if c.encoded() == "hex" {
		after["base64 instead of hex"] = base64.StdEncoding.EncodeToString(right)
	} else {
		after["hex instead of base64"] = hex.EncodeToString(right)
		after["base64 in small letters"] = strings.ToLower(base64.StdEncoding.EncodeToString(right))
	}
	if forAddresses := base64.URLEncoding.EncodeToString(right); forAddresses != base64.StdEncoding.EncodeToString(right) {
		after["base64 in the alphabet for addresses"] = forAddresses
	}
	n := len(c.got)
	for what, written := range after {
		c.add(noMatch, "the right digest as "+what+" is refused", set(c.signature, before+written))
	}
	sortTail(c.got, len(c.got)-n)
}

// encoded is the encoding of the kind's digests.
func (c *collector) encoded() string {
	if c.genuine.Scheme == "stripe" || c.genuine.Scheme == "slack" {
		return "hex"
	}
	return c.genuine.Options["encoding"]
}

// times are the timestamps. Each is signed as it stands, so that only the
// timestamp is at fault.
func (c *collector) times() {
	if c.at == "" {
		return
	}
	right, now := c.genuine.Secrets[0], c.genuine.Now
	for _, off := range []int64{1, 299, 300} {
		c.add(match, fmt.Sprintf("%d seconds after the timestamp it is accepted", off), func(v *vector) { v.Now = now + off })
		c.add(match, fmt.Sprintf("%d seconds before the timestamp it is accepted", off), func(v *vector) { v.Now = now - off })
	}
	for _, off := range []int64{301, 3600, 86400 * 365, 5_000_000_000} {
		c.add(stale, fmt.Sprintf("%d seconds after the timestamp it is refused", off), func(v *vector) { v.Now = now + off })
	}
	for _, off := range []int64{301, 3600, 86400 * 365} {
		c.add(future, fmt.Sprintf("%d seconds before the timestamp it is refused", off), func(v *vector) { v.Now = now - off })
	}
	at := c.at
	for _, signed := range []struct{ what, timestamp, reason string }{
		{"milliseconds", at + "000", future},
		{"the year 1970", "1", stale},
		{"the second 0", "0", stale},
		{"the largest whole number of 64 bits", "9223372036854775807", future},
		{"a number of more than 64 bits", "9223372036854775808", malformedTimestamp},
		{"a very long number", strings.Repeat("9", 400), malformedTimestamp},
		{"a plus sign", "+" + at, malformedTimestamp},
		{"a minus sign", "-" + at, malformedTimestamp},
		{"minus one", "-1", malformedTimestamp},
		{"minus zero", "-0", malformedTimestamp},
		{"a zero before it", "0" + at, malformedTimestamp},
		{"a space before it", " " + at, malformedTimestamp},
		{"a space after it", at + " ", malformedTimestamp},
		{"a line break after it", at + "\n", malformedTimestamp},
		{"a NUL after it", at + "\x00", malformedTimestamp},
		{"a decimal point", at + ".0", malformedTimestamp},
		{"an exponent", "1e9", malformedTimestamp},
		{"hexadecimal digits", "0x" + strconv.FormatInt(now, 16), malformedTimestamp},
		{"underscores", at[:1] + "_" + at[1:4] + "_" + at[4:7] + "_" + at[7:], malformedTimestamp},
		{"Arabic digits", otherDigits(at, '٠'), malformedTimestamp},
		{"full-width digits", otherDigits(at, '０'), malformedTimestamp},
		{"a date", "2021-02-25T15:02:10Z", malformedTimestamp},
		{"a word", "now", malformedTimestamp},
	} {
		verdict := "a signed timestamp with " + signed.what + " is refused"
		c.add(signed.reason, verdict, func(v *vector) { c.sign(v, right, signed.timestamp) })
	}
	c.add(match, "a timestamp of its own is accepted when it is signed", func(v *vector) { c.sign(v, right, strconv.FormatInt(now+77, 10)) })
	c.changedTimestamp()
}

// changedTimestamp changes one digit after the other and leaves the signature.
func (c *collector) changedTimestamp() {
	for i := range c.at {
		changed := flip(c.at, i, 1)
		seconds, err := strconv.ParseInt(changed, 10, 64)
		if err != nil {
			panic(err)
		}
		reason := noMatch
		switch {
		case changed[0] == '0':
			reason = malformedTimestamp
		case seconds > c.genuine.Now+tolerance:
			reason = future
		case seconds < c.genuine.Now-tolerance:
			reason = stale
		}
		name := c.timestamp
		if name == "" {
			name = c.signature
		}
		c.add(reason, fmt.Sprintf("digit %d of the timestamp may not change", i+1), set(name, strings.Replace(c.value(name), c.at, changed, 1)))
	}
}
