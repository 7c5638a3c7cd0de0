package store

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/status"
)

// namer finds what a customer is called in texts, and puts a pseudonym there.
type namer struct {
	names     []string
	pseudonym string
	prose     *regexp.Regexp // nil: there is no name
	payload   *regexp.Regexp
	anywhere  *regexp.Regexp // every name, also those that could be any number or word
}

// told are the words of sentences that were stored before it was noted whom they
// name, after which they name a customer or a record: a
// name that could be any number or word is replaced behind them alone.
var told = []string{"customer ", "record ", "into ", "linked it to ", "give the record to "}

// clear reports whether a text is surely a name wherever it stands: it is an
// address, long, or of letters and digits.
func clear(name string) bool {
	letters, digits := strings.ContainsFunc(name, unicode.IsLetter), strings.ContainsFunc(name, unicode.IsDigit)
	return strings.Contains(name, "@") || len(name) >= 8 || len(name) >= 4 && letters && digits
}

func newNamer(names []string, pseudonym string) *namer {
	n := &namer{names: names, pseudonym: pseudonym}
	var prose, payload, all []string
	// The longest first: one may begin with another.
	for _, name := range slices.SortedFunc(slices.Values(names), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		for _, spelt := range slices.Compact([]string{name, url.QueryEscape(name)}) {
			part := regexp.QuoteMeta(spelt)
			if strings.Contains(name, "@") {
				part = "(?i:" + part + ")"
			}
			all = append(all, part)
			if clear(name) {
				prose, payload = append(prose, part), append(payload, part)
				continue
			}
			prose = append(prose, "(?:"+strings.Join(told, "|")+")"+part)
		}
	}
	if len(prose) > 0 {
		n.prose = regexp.MustCompile(strings.Join(prose, "|"))
	}
	if len(all) > 0 {
		n.anywhere = regexp.MustCompile(strings.Join(all, "|"))
	}
	if len(payload) > 0 {
		n.payload = regexp.MustCompile(strings.Join(payload, "|"))
	}
	return n
}

// inText replaces every name in a text of ours.
func (n *namer) inText(column, text string) (string, bool) {
	switch column {
	case "candidates":
		return n.candidatesWithout(text)
	case "asides":
		return n.asidesWithout(text, n.replaced)
	case "reason_facts":
		return n.factsWithout(text, n.replaced)
	case "troubles":
		return n.troublesWithout(text, n.replaced)
	}
	return n.replaced(text)
}

func (n *namer) replaced(text string) (string, bool) {
	return replaceWhole(n.prose, text, func(found string) string {
		for _, word := range told {
			if strings.HasPrefix(found, word) {
				return word + n.pseudonym
			}
		}
		return n.pseudonym
	})
}

// inPayload replaces every name in what a tool sent about someone else. It stays
// JSON: a name that is a number becomes another number.
func (n *namer) inPayload(payload []byte) ([]byte, bool) {
	text, named := replaceWhole(n.payload, string(payload), func(found string) string {
		if !strings.ContainsFunc(found, func(r rune) bool { return !unicode.IsDigit(r) }) {
			return "0"
		}
		return n.pseudonym
	})
	if !named {
		return payload, false
	}
	return []byte(text), true
}

// replaceWhole replaces what is found unless it is a part of something longer:
// of another word, or of another's address.
func replaceWhole(names *regexp.Regexp, text string, with func(found string) string) (string, bool) {
	if names == nil || text == "" {
		return text, false
	}
	var b strings.Builder
	done := 0
	for from := 0; from < len(text); {
		at := names.FindStringIndex(text[from:])
		if at == nil {
			break
		}
		begin, end := from+at[0], from+at[1]
		if !stands(text[:begin], text[begin:end], text[end:]) {
			_, size := utf8.DecodeRuneInString(text[begin:])
			from = begin + size
			continue
		}
		b.WriteString(text[done:begin])
		b.WriteString(with(text[begin:end]))
		done, from = end, end
	}
	if done == 0 {
		return text, false
	}
	b.WriteString(text[done:])
	return b.String(), true
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// stands reports whether a name is a word of its own between two texts.
func stands(before, name, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	next, size := utf8.DecodeRuneInString(after)
	first, _ := utf8.DecodeRuneInString(name)
	end, _ := utf8.DecodeLastRuneInString(name)
	if strings.Contains(name, "@") {
		if next == '.' || next == '-' { // the end of a sentence, or a longer domain
			next, _ = utf8.DecodeRuneInString(after[size:])
		}
		return !isWord(last) && !strings.ContainsRune(".+-%'", last) && !isWord(next)
	}
	return !(isWord(first) && isWord(last)) && !(isWord(end) && isWord(next))
}

// candidatesWithout takes a person's records out of a list of candidates.
func (n *namer) candidatesWithout(text string) (string, bool) {
	var all []status.Candidate
	if json.Unmarshal([]byte(text), &all) != nil {
		return n.replaced(text)
	}
	left := slices.DeleteFunc(slices.Clone(all), func(c status.Candidate) bool { return slices.Contains(n.names, c.TargetID) })
	if len(left) == len(all) {
		return n.replaced(text)
	}
	out, err := json.Marshal(left)
	if err != nil {
		return text, false
	}
	again, _ := n.replaced(string(out))
	return again, true
}

// forgottenPrefix begins the pseudonym of a customer who was forgotten.
const forgottenPrefix = "forgotten-"

// IsForgotten reports whether a customer's id is the pseudonym of one who was
// forgotten.
func IsForgotten(customer string) bool { return strings.HasPrefix(customer, forgottenPrefix) }
