package canary

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// needle is a random text that is searched for. It is made of letters, so that
// no encoding of a URL or of JSON changes it and a tool can give it out as the
// machine word of an error.
type needle struct {
	// what it stands for, as a failing test names it.
	what  string
	core  string
	forms map[string][][]byte // of both halves, by name
}

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	// half is how much of a needle is looked for at a time: what is cut short,
	// or falls on two pages of a database, is found as well.
	half = 14
)

func newNeedle(what string) needle {
	raw := make([]byte, 2*half)
	rand.Read(raw)
	for i, b := range raw {
		raw[i] = letters[int(b)%len(letters)]
	}
	return needleOf(what, string(raw))
}

func needleOf(what, core string) needle {
	n := needle{what, core, map[string][][]byte{}}
	for _, part := range []string{core[:half], core[half:]} {
		for form, texts := range forms(part) {
			for _, text := range texts {
				n.forms[form] = append(n.forms[form], []byte(text))
			}
		}
	}
	return n
}

// forms returns how a text may stand in another, by name.
func forms(text string) map[string][]string {
	raw := []byte(text)
	all := map[string][]string{"plain": {text}, "hex": {hex.EncodeToString(raw)}}
	percent, spaced := "", ""
	for i, b := range raw {
		percent += fmt.Sprintf("%%%02x", b)
		if i > 0 {
			spaced += " "
		}
		spaced += fmt.Sprint(b)
	}
	all["percent-encoded"] = []string{percent}
	all["printed as bytes"] = []string{spaced}
	for shift := range 3 {
		// What stands before it moves the letters: the first ones are left
		// out that the bytes before take part in, and the last that the bytes
		// after do.
		shifted := append(bytes.Repeat([]byte{'x'}, shift), raw...)
		text := base64.RawStdEncoding.EncodeToString(shifted)[(shift*8+5)/6 : len(shifted)*8/6]
		all["base64"] = append(all["base64"], text, strings.NewReplacer("+", "-", "/", "_").Replace(text))
	}
	return all
}

// hay is what is searched, as it is and in small letters: that costs more than
// a search, and is done once for all needles.
type hay struct{ text, lower []byte }

func hayOf(text []byte) hay { return hay{text, bytes.ToLower(text)} }

// found returns the form in which a needle, or half of it, stands in a text, ""
// when it does not.
func (n needle) found(in hay) string {
	for form, texts := range n.forms {
		searched := in.lower
		if form == "base64" {
			searched = in.text
		}
		for _, text := range texts {
			if bytes.Contains(searched, text) {
				return form
			}
		}
	}
	return ""
}

func TestANeedleIsFoundHoweverItIsWritten(t *testing.T) {
	n := newNeedle("one")
	percent := ""
	for _, b := range []byte(n.core) {
		percent += fmt.Sprintf("%%%02X", b)
	}
	for name, text := range map[string]string{
		"plain":                  "token=" + n.core + "&",
		"in capitals":            strings.ToUpper(n.core),
		"its first half":         n.core[:half] + "…",
		"its second half":        "…" + n.core[half:],
		"hex":                    hex.EncodeToString([]byte("rk_" + n.core)),
		"hex in capitals":        strings.ToUpper(hex.EncodeToString([]byte(n.core))),
		"base64":                 base64.StdEncoding.EncodeToString([]byte(n.core)),
		"base64, one byte off":   base64.StdEncoding.EncodeToString([]byte(":" + n.core + "?>")),
		"base64, two bytes off":  base64.URLEncoding.EncodeToString([]byte("a:" + n.core + "?")),
		"basic authentication":   base64.StdEncoding.EncodeToString([]byte("user:" + n.core)),
		"percent-encoded":        percent,
		"a form":                 url.Values{"token": {"+/ " + n.core}}.Encode(),
		"printed as bytes":       fmt.Sprint([]byte(n.core)),
		"quoted with an escape":  fmt.Sprintf("%q", "\x00"+n.core),
		"between two other ones": newNeedle("two").core + n.core + newNeedle("three").core,
	} {
		if n.found(hayOf([]byte(text))) == "" {
			t.Errorf("%s is not found: %s", name, text)
		}
	}
	if form := n.found(hayOf([]byte(newNeedle("another").core))); form != "" {
		t.Errorf("it is found where it is not: %s", form)
	}
}
