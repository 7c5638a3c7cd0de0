package notify

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// word is what may be an address: what lies between spaces and signs that a name has
	// only in quotes. An apostrophe, an ampersand or a percent sign is part of a name.
	word = regexp.MustCompile(`[^\s<>"(),;:\[\]\\]+`)
	// at is what stands between a name and its host, also inside of a URL.
	at = regexp.MustCompile(atSign)
	// quoted is a name in quotes, which may hold spaces, also inside of a quoted text.
	quoted = regexp.MustCompile(`(^|[\s<(,;:\[{=.'/?&])\\?"(?:[^"\\]|\\[^"])*\\?"(?:` + atSign + `)`)
	// url is what a URL has before a value: the names of its parameters, or its path.
	url = regexp.MustCompile(`^\d*(?:(?:/[^?]*)?\?(?:[\w.-]+=[^&]*&)*[\w.-]+=|/(?:[^?]*/)?)`)
	// host is what an at has to be followed by.
	host = regexp.MustCompile("^[^@＠﹫%/?&='`{}|]+")
)

const atSign = `@|＠|﹫|%(?:25)*40`

// Mask leaves of each e-mail address its first letter and its host, which is
// enough to recognise a customer one has at hand: a***@example.com. Where it is not
// clear what belongs to a name, more is masked rather than less.
func Mask(text string) string {
	return word.ReplaceAllStringFunc(quoted.ReplaceAllString(text, "${1}***@"), maskWord)
}

func maskWord(word string) string {
	ats := at.FindAllStringIndex(word, -1)
	for len(ats) > 0 && !host.MatchString(word[ats[len(ats)-1][1]:]) {
		ats = ats[:len(ats)-1]
	}
	if len(ats) == 0 {
		return word
	}
	last := ats[len(ats)-1]
	name := strings.TrimLeft(word[len(url.FindString(word[:ats[0][0]])):last[0]], "'`*{|“‘") // which quote the whole address
	if name == "" {
		return word
	}
	letter, size := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(letter) && !unicode.IsDigit(letter) || strings.ContainsAny(name, "=/?&") {
		size = 0 // what begins there may be no name: a letter would be another one's
	}
	return word[:last[0]-len(name)+size] + "***@" + word[last[1]:]
}
