package httpconn

import "strings"

// linkTo is the target of the first link of a Link header that has the relation,
// "" when there is none (RFC 8288). Several headers come joined by commas.
func linkTo(header, relation string) string {
	for header = strings.TrimLeft(header, " \t,"); strings.HasPrefix(header, "<"); header = strings.TrimLeft(header, " \t,") {
		target, rest, closed := strings.Cut(header[1:], ">")
		if !closed {
			return ""
		}
		params, after := untilComma(rest)
		for param := range paramsOf(params) {
			name, value, _ := strings.Cut(param, "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			if !strings.EqualFold(strings.TrimSpace(name), "rel") {
				continue
			}
			for _, word := range strings.Fields(value) {
				if strings.EqualFold(word, relation) {
					return strings.TrimSpace(target)
				}
			}
			break // the first rel is the one that counts
		}
		header = after
	}
	return ""
}

// untilComma cuts at the first comma outside quotes.
func untilComma(s string) (before, after string) { return cutOutsideQuotes(s, ',') }

// paramsOf goes through what semicolons part.
func paramsOf(s string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for s != "" {
			var one string
			if one, s = cutOutsideQuotes(s, ';'); !yield(one) {
				return
			}
		}
	}
}

func cutOutsideQuotes(s string, at byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == at && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
