package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

const ed25519Header = "X-Signature"

// rfc8032 are tests 1 to 3 of section 7.1: the private key's seed, the public
// key, the message and the signature.
var rfc8032 = []struct{ seed, public, message, signature string }{
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err) // a constant of this file
	}
	return b
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// edRequest is a request with a signature over the body.
func edRequest(public, signature []byte, body string) vector {
	return vector{Scheme: "ed25519", Options: map[string]string{"header": ed25519Header}, Secrets: []string{b64(public)},
		Headers: map[string][]string{ed25519Header: {b64(signature)}}, Now: 1495999758, body: body}
}

// ed25519Vectors are the vectors of the one scheme without a shared secret.
func ed25519Vectors() []vector {
	var out []vector
	for i, r := range rfc8032 {
		v := edRequest(unhex(r.public), unhex(r.signature), string(unhex(r.message)))
		v.Description, v.Accept, v.Reason = fmt.Sprintf("ed25519 of RFC 8032: test %d is accepted.", i+1), true, match
		v.Source = "https://www.rfc-editor.org/rfc/rfc8032, section 7.1"
		out = append(out, v)
	}
	private := ed25519.NewKeyFromSeed(unhex(rfc8032[0].seed))
	public, other := unhex(rfc8032[0].public), b64(unhex(rfc8032[1].public))
	text := `{"type":"ContactUpdate"}`
	c := &collector{kind: kind{label: "ed25519", signature: ed25519Header, genuine: edRequest(public, ed25519.Sign(private, []byte(text)), text)}}
	c.add(match, "a genuine request is accepted", func(*vector) {})
	c.edKeys(public, other)
	c.edBodies(private)
	c.edSignatures(private, unhex(rfc8032[1].seed))
	return append(out, c.got...)
}

func (c *collector) edKeys(public []byte, other string) {
	right := c.genuine.Secrets[0]
	der := append(unhex("302a300506032b6570032100"), public...)
	c.add(match, "the first of two public keys fits", secrets(right, other))
	c.add(match, "the second of two public keys fits, as while a key is replaced", secrets(other, right))
	c.add(match, "the public key in base64 of its DER form is the same", secrets(b64(der)))
	c.add(match, "the public key as PEM is the same", secrets("-----BEGIN PUBLIC KEY-----\n"+b64(der)+"\n-----END PUBLIC KEY-----\n"))
	c.add(noMatch, "another public key does not fit", secrets(other))
	c.add(unusableSecret, "no public key at all proves nothing", secrets())
	c.add(unusableSecret, "an empty public key proves nothing", secrets(""))
	c.add(unusableSecret, "a public key in hex is none", secrets(hex.EncodeToString(public)))
	c.add(unusableSecret, "a public key of 31 bytes is too short", secrets(b64(public[:31])))
	c.add(unusableSecret, "a public key of 33 bytes is too long", secrets(b64(append(bytes.Clone(public), 0))))
}

func (c *collector) edBodies(private ed25519.PrivateKey) {
	text := c.genuine.body
	for i := range text {
		c.add(noMatch, fmt.Sprintf("byte %d of the body may not change", i+1), body(flip(text, i, 1)))
	}
	c.add(noMatch, "an empty body is not what was signed", body(""))
	c.add(noMatch, "a body with a line break more is not what was signed", body(text+"\n"))
	c.add(noMatch, "a body that is there twice is not what was signed", body(text+text))
	for _, signed := range []struct{ what, text string }{{"an empty body", ""}, {"a body that is no UTF-8", "\xff\xfe"}, {"a body of one NUL", "\x00"}} {
		c.add(match, signed.what+" is accepted when it is signed", func(v *vector) {
			v.body = signed.text
			v.Headers[ed25519Header] = []string{b64(ed25519.Sign(private, []byte(signed.text)))}
		})
	}
	c.add(match, "years later it is accepted, because nothing in it says when it was sent", func(v *vector) { v.Now += 86400 * 3650 })
}

func (c *collector) edSignatures(private ed25519.PrivateKey, otherSeed []byte) {
	text, given := []byte(c.genuine.body), c.given()
	right := ed25519.Sign(private, text)
	sig := func(b []byte) func(*vector) { return set(ed25519Header, b64(b)) }
	for i := range right {
		changed := bytes.Clone(right)
		changed[i] ^= 1
		c.add(noMatch, fmt.Sprintf("byte %d of the signature may not change", i+1), sig(changed))
	}
	hashed := sha512.Sum512(text)
	prehashed, err := private.Sign(nil, hashed[:], &ed25519.Options{Hash: crypto.SHA512})
	if err != nil {
		panic(err)
	}
	c.add(noMatch, "a signature with another private key is refused", sig(ed25519.Sign(ed25519.NewKeyFromSeed(otherSeed), text)))
	c.add(noMatch, "a signature of the body's digest (Ed25519ph) is refused", sig(prehashed))
	c.add(noMatch, "a signature whose number S has the order of the group added is refused", sig(malleable(right)))
	c.add(noMatch, "a signature of zeros is refused", sig(make([]byte, 64)))
	c.add(malformedHeader, "a signature of 63 bytes is refused", sig(right[:63]))
	c.add(malformedHeader, "a signature of 65 bytes is refused", sig(append(bytes.Clone(right), 0)))
	c.add(malformedHeader, "the signature in hex is refused", set(ed25519Header, hex.EncodeToString(right)))
	c.add(malformedHeader, "the signature without padding is refused", set(ed25519Header, strings.TrimRight(given, "=")))
	c.add(malformedHeader, "the signature with bits beyond its last byte is refused", set(ed25519Header, looseBits(given)))
	c.add(malformedHeader, "the signature broken by a line break is refused", set(ed25519Header, given[:40]+"\r\n"+given[40:]))
	c.add(malformedHeader, "a space before the signature is refused", set(ed25519Header, " "+given))
	c.add(malformedHeader, "a prefix before the signature is refused", set(ed25519Header, "ed25519="+given))
	c.add(malformedHeader, "two signatures with a comma between them are refused", set(ed25519Header, given+","+given))
	c.add(missingHeader, "without the header of the signature it is refused", func(v *vector) { delete(v.Headers, ed25519Header) })
	c.add(emptyHeader, "with an empty signature it is refused", set(ed25519Header, ""))
	c.add(duplicateHeader, "with the same signature twice it is refused", set(ed25519Header, given, given))
	c.add(duplicateHeader, "with another signature after the right one it is refused", set(ed25519Header, given, "x"))
}

// malleable adds the order of the group to the second half of the signature: a
// verifier that does not bound it would accept that form as well.
func malleable(signature []byte) []byte {
	order := unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	out, carry := bytes.Clone(signature), 0
	for i, b := range order {
		n := int(out[32+i]) + int(b) + carry
		out[32+i], carry = byte(n), n>>8
	}
	return out
}

// looseBits sets bits of the last letter that no byte is made of.
func looseBits(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := strings.Index(text, "=") - 1
	return text[:i] + string(alphabet[strings.IndexByte(alphabet, text[i])|1]) + text[i+1:]
}
