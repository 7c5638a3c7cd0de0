package signature

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"
)

const ed25519Header = "X-GHL-Signature"

func hexBytes(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors are tests 1 to 3 of RFC 8032, section 7.1.
func TestEd25519AcceptsTheVectorsOfItsRFC(t *testing.T) {
	vectors := []struct{ key, message, signature string }{
		{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	}
	for _, v := range vectors {
		s, err := NewEd25519(Ed25519Body(ed25519Header), []ed25519.PublicKey{hexBytes(t, v.key)})
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		h.Set(ed25519Header, base64.StdEncoding.EncodeToString(hexBytes(t, v.signature)))
		if err := s.Verify(h, hexBytes(t, v.message), time.Time{}); err != nil {
			t.Errorf("message %q: %v", v.message, err)
		}
	}
}

func TestEd25519RefusesAllButTheOneSignature(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, otherPrivate, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"ContactUpdate"}`)
	good := SignEd25519(ed25519Header, private, body)
	one, _ := NewEd25519(Ed25519Body(ed25519Header), []ed25519.PublicKey{public})
	both, _ := NewEd25519(Ed25519Body(ed25519Header), []ed25519.PublicKey{other, public})
	for name, s := range map[string]Ed25519{"one key": one, "any of two keys": both} {
		if err := s.Verify(good, body, time.Time{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := good.Get(ed25519Header)
	bad := map[string]http.Header{
		"absent":                    {},
		"empty":                     {ed25519Header: {""}},
		"the words of no signature": {ed25519Header: {"N/A"}},
		"of another key":            SignEd25519(ed25519Header, otherPrivate, body),
		"of another body":           SignEd25519(ed25519Header, private, append(body, ' ')),
		"twice":                     {http.CanonicalHeaderKey(ed25519Header): {text, text}},
		"in another alphabet":       {http.CanonicalHeaderKey(ed25519Header): {strings.NewReplacer("+", "-", "/", "_").Replace(text) + "="}},
		"too short":                 {http.CanonicalHeaderKey(ed25519Header): {base64.StdEncoding.EncodeToString(make([]byte, 63))}},
		"all zero":                  {http.CanonicalHeaderKey(ed25519Header): {base64.StdEncoding.EncodeToString(make([]byte, 64))}},
		"with a line break":         {http.CanonicalHeaderKey(ed25519Header): {text[:40] + "\n" + text[40:]}},
	}
	for name, h := range bad {
		err := one.Verify(h, body, time.Time{})
		if err == nil {
			t.Errorf("a signature that is %s was accepted", name)
		} else if strings.Contains(err.Error(), text[:20]) {
			t.Errorf("the error quotes the signature: %v", err)
		}
	}
	if err := (Ed25519{Shape: Ed25519Body(ed25519Header), Keys: []ed25519.PublicKey{nil}}).Verify(good, body, time.Time{}); err == nil {
		t.Error("an empty key verified a signature")
	}
}

func TestAnEd25519KeyIsReadInEachOfItsForms(t *testing.T) {
	const published = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="
	want := hexBytes(t, "8b61d1d6cacbe28d7c3bc0516bb815258ec6edbba96cddc7f40c09ac708388e8")
	der, err := base64.StdEncoding.DecodeString(published)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"base64 of DER":          published,
		"with space around it":   "\n" + published + "\n",
		"PEM":                    string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"base64 of the 32 bytes": base64.StdEncoding.EncodeToString(want),
	} {
		key, err := ParseEd25519Key(text)
		if err != nil || string(key) != string(want) {
			t.Errorf("%s: %x, %v", name, key, err)
		}
	}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "a sentence": "the key", "a private key": base64.StdEncoding.EncodeToString(secret),
		"cut off": published[:40], "PEM of nothing": "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
	} {
		if _, err := ParseEd25519Key(text); err == nil {
			t.Errorf("%s was read as a key", name)
		}
	}
	if _, err := NewEd25519(Ed25519Body(""), []ed25519.PublicKey{want}); err == nil {
		t.Error("a scheme without a header was made")
	}
	if _, err := NewEd25519(Ed25519Body(ed25519Header), nil); err == nil {
		t.Error("a scheme without keys was made")
	}
	if _, err := NewEd25519(Ed25519Body(ed25519Header), []ed25519.PublicKey{want[:31]}); err == nil {
		t.Error("a scheme with half a key was made")
	}
}
