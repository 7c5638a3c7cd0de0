package identity

import (
	"slices"
	"strings"
)

// Likeness is how like the values of one field are in two records.
type Likeness string

// The likenesses. NotCompared is where neither record has the field.
const (
	Same        Likeness = "same"
	Close       Likeness = "close"
	Different   Likeness = "different"
	NotCompared Likeness = ""
)

// closeBy is how like two texts must be to be called close.
const closeBy = 0.8

// AlikeIn says how like two values of a field are, for a person who compares two
// records. rule is by which the field is matched, the zero Rule when by none.
func AlikeIn(field string, rule Rule, a, b string) Likeness {
	if a == "" && b == "" {
		return NotCompared
	}
	if a == "" || b == "" {
		return Different
	}
	rule.Target = field
	if x, y := rule.Normalize(a), rule.Normalize(b); x != "" && x == y {
		return Same
	}
	switch {
	case field == "phone" || rule.Form == Phone:
		return phones(a, b)
	case field == "email" || rule.Form == Email:
		return addresses(a, b)
	case field == "name":
		a, b = words(a), words(b)
	default:
		a, b = strings.ToLower(strings.TrimSpace(a)), strings.ToLower(strings.TrimSpace(b))
	}
	switch {
	case a == b:
		return Same
	case alike(a, b) >= closeBy:
		return Close
	}
	return Different
}

func phones(a, b string) Likeness {
	switch samePhone(a, b) {
	case 0:
		return Different
	case 1:
		return Same
	}
	return Close
}

// everybodys are domains at which two addresses have nothing in common.
var everybodys = []string{"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com", "qq.com", "163.com"}

// addresses compares two that are not the same: of one company, or nearly the same
// person.
func addresses(a, b string) Likeness {
	one, at, _ := strings.Cut(Normalize("email", a), "@")
	other, domain, _ := strings.Cut(Normalize("email", b), "@")
	if at != "" && at == domain && !slices.Contains(everybodys, at) || one != "" && other != "" && alike(one, other) >= 0.9 {
		return Close
	}
	return Different
}
