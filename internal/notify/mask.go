package notify

import (
	"regexp"
	"unicode/utf8"
)

// address finds what looks like an e-mail address, also inside of a URL.
var address = regexp.MustCompile(`([^\s@<>"'(),;:\[\]{}|/=?&%]+)(@|%40)([^\s@<>"'(),;:\[\]{}|/=?&%]+)`)

// Mask leaves of each e-mail address its first letter and its host, which is
// enough to recognise a customer one has at hand: a***@example.com.
func Mask(text string) string {
	return address.ReplaceAllStringFunc(text, func(found string) string {
		parts := address.FindStringSubmatch(found)
		_, first := utf8.DecodeRuneInString(parts[1])
		return parts[1][:first] + "***@" + parts[3]
	})
}
