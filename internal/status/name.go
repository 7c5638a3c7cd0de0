package status

import (
	"strings"
	"unicode"
)

// mostName is how many characters of a name are kept.
const mostName = 100

// Name is the key that people know the customer by, "" without one: on one line,
// and without what a terminal would obey or what would turn the text around it.
func (r SourceRecord) Name() string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(r.Keys["name"], ""))
	short := []rune(strings.Join(strings.Fields(clean), " "))
	return strings.TrimSpace(string(short[:min(len(short), mostName)]))
}

// Called is a customer as people are shown it: the id, and the name if there is one.
func Called(customer, name string) string {
	if name == "" {
		return customer
	}
	return customer + " (" + name + ")"
}
