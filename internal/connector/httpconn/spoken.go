package httpconn

import (
	"slices"
	"strings"
	"unicode"
)

const (
	// maxSpoken bounds what is quoted of a tool: a sentence.
	maxSpoken = 120
	// maxHeard bounds what is looked at of it.
	maxHeard = 2048
	// leftOut stands for what is not quoted.
	leftOut = "…"
)

// opening are words that begin a sentence about a request; any other word with a
// capital letter may be a name.
var opening = []string{"a", "an", "any", "bad", "can", "cannot", "contact", "could", "customer", "duplicate", "error", "expected", "failed", "field", "forbidden",
	"if", "illegal", "in", "invalid", "is", "it", "member", "missing", "must", "no", "not", "only", "option", "please", "property", "record", "request",
	"required", "resource", "status", "that", "the", "there", "this", "too", "unable", "unknown", "unsupported", "update", "validation", "value", "you", "your"}

// spoken is what may be shown of a tool's own words about a refusal. Tools put
// names, addresses and what they were sent into them. Words in small letters
// stay, and codes (FIELD_INTEGRITY_EXCEPTION); whatever could name a person, be
// an id or a credential, or was sent by us is left out.
func spoken(text string, sent map[string]string, secrets []string) string {
	if len(text) > maxHeard {
		text = text[:maxHeard]
	}
	if strings.ContainsAny(text, "<>{}") { // a page or data, and no sentence
		return ""
	}
	var personal []string
	for name, value := range sent {
		if name == phValue && sent[phID] != "" || name == phStatus || name == phKey {
			continue // a word of the file's
		}
		personal = append(personal, value)
	}
	personal = append(personal, secrets...)
	var out []string
	length := 0
	for _, word := range strings.Fields(text) {
		word = shownWord(word, personal)
		if length += len(word) + 1; length > maxSpoken {
			word = leftOut
		}
		if word == leftOut && len(out) > 0 && out[len(out)-1] == leftOut {
			continue
		}
		out = append(out, word)
		if length > maxSpoken {
			break
		}
	}
	said := strings.TrimRight(strings.Join(out, " "), ".:;, ")
	if strings.Trim(said, leftOut+" ") == "" {
		return ""
	}
	return said
}

// shownWord is the word, or leftOut.
func shownWord(word string, personal []string) string {
	bare := strings.Trim(word, `.,:;!?()[]"'`+"`")
	switch {
	case bare == "":
		return leftOut
	case !isPlainWord(bare):
		return leftOut
	}
	low := strings.ToLower(bare)
	for _, p := range personal {
		p = strings.ToLower(p)
		if low == p || len(low) > 3 && strings.Contains(p, low) || slices.Contains(strings.FieldsFunc(p, notLetter), low) {
			return leftOut
		}
	}
	return word
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// isPlainWord accepts words in small letters, codes, and the few that begin a
// sentence.
func isPlainWord(word string) bool {
	if len(word) > 40 {
		return false
	}
	upper, lower, under := 0, 0, 0
	for _, r := range word {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		case r == '_':
			under++
		case r == '-' || r == '\'' || r == '’':
		default:
			return false
		}
	}
	if upper == 0 {
		return lower > 0
	}
	if under > 0 && lower == 0 {
		return true
	}
	return slices.Contains(opening, strings.ToLower(word))
}
