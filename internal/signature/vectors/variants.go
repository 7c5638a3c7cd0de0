package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// The published sums of HMAC: RFC 2202, section 3, and RFC 4231, section 4.
var publishedSums = []struct{ rfc, algorithm, test, key, text, sum string }{
	{"https://www.rfc-editor.org/rfc/rfc2202, section 3", "sha1", "1", strings.Repeat("\x0b", 20), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
	{"https://www.rfc-editor.org/rfc/rfc2202, section 3", "sha1", "2", "Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
	{"https://www.rfc-editor.org/rfc/rfc4231, section 4", "sha512", "1", strings.Repeat("\x0b", 20), "Hi There",
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
	{"https://www.rfc-editor.org/rfc/rfc4231, section 4", "sha512", "2", "Jefe", "what do ya want for nothing?",
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
}

// variants are the schemes that are one of the others in another dress.
func variants() []vector {
	return append(append(append(append(hmacs(), listed()...), svix()...), timedEd25519()...), basics()...)
}

// collect gathers vectors that are derived from a request.
func collect(label string, genuine vector, more func(c *collector)) []vector {
	c := &collector{kind: kind{label: label, genuine: genuine}}
	c.add(match, "a request of a sender who has the secret is accepted", func(v *vector) { v.Source = genuine.Source })
	more(c)
	return c.got
}

func hmacs() (all []vector) {
	const header = "X-Signature"
	for _, p := range publishedSums {
		v := vector{Scheme: "hmac", Options: map[string]string{"header": header, "encoding": "hex", "algorithm": p.algorithm}, Secrets: []string{p.key},
			Headers: map[string][]string{header: {p.sum}}, Now: 1495999758, body: p.text, Source: p.rfc}
		raw, err := hex.DecodeString(p.sum)
		if err != nil {
			panic(err) // a constant of this file
		}
		all = append(all, collect("hmac with "+p.algorithm+", test case "+p.test, v, func(c *collector) {
			c.add(match, "the key may be written in hex", func(v *vector) {
				v.Options = map[string]string{"header": header, "encoding": "hex", "algorithm": p.algorithm, "key_encoding": "hex"}
				v.Secrets = []string{hex.EncodeToString([]byte(p.key))}
			})
			c.add(match, "the key may be written in base64, and the signature as well", func(v *vector) {
				v.Options = map[string]string{"header": header, "encoding": "base64", "algorithm": p.algorithm, "key_encoding": "base64"}
				v.Secrets, v.Headers = []string{base64.StdEncoding.EncodeToString([]byte(p.key))}, map[string][]string{header: {base64.StdEncoding.EncodeToString(raw)}}
			})
			c.add(unusableSecret, "a key that is not written in hex is refused", func(v *vector) {
				v.Options = map[string]string{"header": header, "encoding": "hex", "algorithm": p.algorithm, "key_encoding": "hex"}
				v.Secrets = []string{"no hex"}
			})
			for i := range p.text {
				c.add(noMatch, "byte "+strconv.Itoa(i+1)+" of the body may not change", body(flip(p.text, i, 1)))
			}
			for i := range p.sum {
				c.add(noMatch, "letter "+strconv.Itoa(i+1)+" of the signature may not change", set(header, flip(p.sum, i, 1)))
			}
			c.add(noMatch, "the sum of another algorithm is refused", set(header, hex.EncodeToString(sum(sha256.New, p.key, p.text))))
			c.add(noMatch, "a sum that is cut short is refused", set(header, p.sum[:32]))
		})...)
	}
	return all
}

// listed is an HMAC whose header has the time and the signature, as Paddle's has.
func listed() []vector {
	const header, at, secret, text = "X-Signature", "1495999758", "pdl_secret", `{"a":1}`
	digest := hex.EncodeToString(mac(secret, at+":"+text))
	v := vector{Scheme: "hmac", Options: map[string]string{"header": header, "encoding": "hex", "algorithm": "sha256", "format": "ts={timestamp};h1={signature}", "signed": "{timestamp}:{body}"},
		Secrets: []string{secret}, Headers: map[string][]string{header: {"ts=" + at + ";h1=" + digest}}, Now: 1495999758, body: text}
	return collect("hmac in a list", v, func(c *collector) {
		c.add(match, "the second of two signatures may be the right one", set(header, "ts="+at+";h1="+strings.Repeat("0", 64)+";h1="+digest))
		c.add(noMatch, "the sum under another name is refused", set(header, "ts="+at+";h1="+strings.Repeat("0", 64)+";h2="+digest))
		c.add(noMatch, "another time within the tolerance is refused", set(header, "ts=1495999759;h1="+digest))
		c.add(stale, "after the tolerance it is refused", func(v *vector) { v.Now += tolerance + 1 })
		c.add(future, "before the tolerance it is refused", func(v *vector) { v.Now -= tolerance + 1 })
		c.add(noMatch, "a sum over the body alone is refused", set(header, "ts="+at+";h1="+hex.EncodeToString(mac(secret, text))))
		c.add(noMatch, "a sum with a point in place of the colon is refused", set(header, "ts="+at+";h1="+hex.EncodeToString(mac(secret, at+"."+text))))
		for i := range text {
			c.add(noMatch, "byte "+strconv.Itoa(i+1)+" of the body may not change", body(flip(text, i, 1)))
		}
	})
}

// svix is Standard Webhooks under the names that Svix gives its headers; the
// request is that of its libraries' tests.
func svix() []vector {
	v := standard().genuine.clone()
	v.Scheme, v.Source = "svix", "https://github.com/svix/svix-webhooks, the tests of its libraries"
	v.Headers = map[string][]string{}
	for name, values := range standard().genuine.Headers {
		v.Headers[strings.Replace(name, "webhook-", "svix-", 1)] = values
	}
	return collect("svix", v, func(c *collector) {
		c.add(missingHeader, "the names of Standard Webhooks are not read", func(v *vector) { v.Headers = standard().genuine.clone().Headers })
		for _, name := range []string{"svix-id", "svix-timestamp", "svix-signature"} {
			c.add(missingHeader, "without "+name+" it is refused", func(v *vector) { delete(v.Headers, name) })
			c.add(duplicateHeader, "with "+name+" twice it is refused", set(name, v.Headers[name][0], v.Headers[name][0]))
		}
		c.add(noMatch, "another id is refused", set("svix-id", "msg_other"))
		c.add(noMatch, "another time within the tolerance is refused", set("svix-timestamp", "1614265331"))
		c.add(stale, "after the tolerance it is refused", func(v *vector) { v.Now += tolerance + 1 })
		c.add(noMatch, "another secret made the signature", secrets(standardWrong))
		for i := range v.body {
			c.add(noMatch, "byte "+strconv.Itoa(i+1)+" of the body may not change", body(flip(v.body, i, 1)))
		}
	})
}

// timedEd25519 is a signature over time and body, in hex, as Discord makes it.
func timedEd25519() []vector {
	const header, timeHeader, at, text = "X-Signature-Ed25519", "X-Signature-Timestamp", "1495999758", `{"type":1}`
	private := ed25519.NewKeyFromSeed(unhex(rfc8032[0].seed))
	made := func(signed string) string { return hex.EncodeToString(ed25519.Sign(private, []byte(signed))) }
	v := vector{Scheme: "ed25519-timestamp", Options: map[string]string{"header": header, "timestamp_header": timeHeader, "encoding": "hex", "signed": "{timestamp}{body}"},
		Secrets: []string{b64(unhex(rfc8032[0].public))}, Headers: map[string][]string{header: {made(at + text)}, timeHeader: {at}}, Now: 1495999758, body: text}
	return collect("ed25519 with a timestamp", v, func(c *collector) {
		c.add(noMatch, "a signature over the body alone is refused", set(header, made(text)))
		c.add(noMatch, "another time within the tolerance is refused", set(timeHeader, "1495999759"))
		c.add(missingHeader, "without the timestamp it is refused", func(v *vector) { delete(v.Headers, timeHeader) })
		c.add(malformedTimestamp, "a timestamp that is no number is refused", func(v *vector) {
			v.Headers = map[string][]string{header: {made("now" + text)}, timeHeader: {"now"}}
		})
		c.add(stale, "after the tolerance it is refused", func(v *vector) { v.Now += tolerance + 1 })
		c.add(noMatch, "another key made the signature", secrets(b64(unhex(rfc8032[1].public))))
		for i := range text {
			c.add(noMatch, "byte "+strconv.Itoa(i+1)+" of the body may not change", body(flip(text, i, 1)))
		}
	})
}

// basics are the examples of RFC 7617, section 2.
func basics() (all []vector) {
	for _, p := range []struct{ user, password, header string }{
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, {"test", "123£", "Basic dGVzdDoxMjPCow=="},
	} {
		v := vector{Scheme: "basic", Options: map[string]string{"user": p.user}, Secrets: []string{p.password}, Headers: map[string][]string{"authorization": {p.header}},
			Now: 1495999758, body: "{}", Source: "https://www.rfc-editor.org/rfc/rfc7617, section 2"}
		all = append(all, collect("basic with the user "+p.user, v, func(c *collector) {
			c.add(match, "the name of the scheme in small letters is the same", set("authorization", strings.Replace(p.header, "Basic", "basic", 1)))
			c.add(match, "another body is accepted, because a password says nothing about it", body("[]"))
			c.add(noMatch, "another password is refused", secrets("x"+p.password))
			c.add(noMatch, "another user is refused", func(v *vector) { v.Options = map[string]string{"user": p.user + "x"} })
			c.add(malformedHeader, "the credentials under Bearer are refused", set("authorization", strings.Replace(p.header, "Basic", "Bearer", 1)))
			c.add(malformedHeader, "credentials that are not in base64 are refused", set("authorization", "Basic "+p.user+":"+p.password))
			c.add(missingHeader, "without credentials it is refused", func(v *vector) { v.Headers = map[string][]string{} })
			c.add(duplicateHeader, "with the header twice it is refused", set("authorization", p.header, p.header))
			c.add(unusableSecret, "an empty password proves nothing", secrets(""))
		})...)
	}
	return all
}
