package store

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// namer finds what a customer is called in texts, and puts a pseudonym there.
type namer struct {
	names     []string
	pseudonym string
	prose     *regexp.Regexp // nil: there is no name
	payload   *regexp.Regexp
}

// told are the words after which our own texts name a customer or a record: a
// name that could be any number or word is replaced behind them alone.
var told = []string{"customer ", "record ", "into ", "linked it to "}

// clear reports whether a text is surely a name wherever it stands: it is an
// address, long, or of letters and digits.
func clear(name string) bool {
	letters, digits := strings.ContainsFunc(name, unicode.IsLetter), strings.ContainsFunc(name, unicode.IsDigit)
	return strings.Contains(name, "@") || len(name) >= 8 || len(name) >= 4 && letters && digits
}

func newNamer(names []string, pseudonym string) *namer {
	n := &namer{names: names, pseudonym: pseudonym}
	var prose, payload []string
	// The longest first: one may begin with another.
	for _, name := range slices.SortedFunc(slices.Values(names), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		for _, spelt := range slices.Compact([]string{name, url.QueryEscape(name)}) {
			part := regexp.QuoteMeta(spelt)
			if strings.Contains(name, "@") {
				part = "(?i:" + part + ")"
			} else {
				part = `(?:\b|^)` + part + `(?:\b|$)`
			}
			if clear(name) {
				prose, payload = append(prose, part), append(payload, part)
				continue
			}
			prose = append(prose, "(?:"+strings.Join(told, "|")+")"+regexp.QuoteMeta(spelt)+`(?:\b|$)`)
		}
	}
	if len(prose) > 0 {
		n.prose = regexp.MustCompile(strings.Join(prose, "|"))
	}
	if len(payload) > 0 {
		n.payload = regexp.MustCompile(strings.Join(payload, "|"))
	}
	return n
}

// inText replaces every name in a text of ours.
func (n *namer) inText(column, text string) (string, bool) {
	if column == "candidates" {
		return n.candidatesWithout(text)
	}
	return n.replaced(text)
}

func (n *namer) replaced(text string) (string, bool) {
	if n.prose == nil || text == "" || !n.prose.MatchString(text) {
		return text, false
	}
	return n.prose.ReplaceAllStringFunc(text, func(found string) string {
		for _, word := range told {
			if strings.HasPrefix(found, word) {
				return word + n.pseudonym
			}
		}
		return n.pseudonym
	}), true
}

// inPayload replaces every name in what a tool sent about somebody else. It
// stays JSON: a name that is a number becomes another number.
func (n *namer) inPayload(payload []byte) ([]byte, bool) {
	if n.payload == nil || !n.payload.Match(payload) {
		return payload, false
	}
	return n.payload.ReplaceAllFunc(payload, func(found []byte) []byte {
		if !strings.ContainsFunc(string(found), func(r rune) bool { return !unicode.IsDigit(r) }) {
			return []byte("0")
		}
		return []byte(n.pseudonym)
	}), true
}
