package blueprint

import (
	"encoding/json"
	"fmt"
	"strings"
)

// pill is a mapped value: the output of a module by its path. Names that Make's
// formulas cannot parse are in backticks.
func pill(module int, path string) string {
	var out strings.Builder
	fmt.Fprint(&out, module)
	for part := range strings.SplitSeq(path, ".") {
		out.WriteByte('.')
		if isName(part) {
			out.WriteString(part)
		} else {
			out.WriteString("`" + part + "`")
		}
	}
	return out.String()
}

func isName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// orEmpty is a value that is never missing, because base64 fails on a missing
// one.
func orEmpty(pill string) string { return "{{ifempty(" + pill + "; emptystring)}}" }

// coded is a member of a JSON object that may hold any text (invariant 3).
func coded(key, pill string) string {
	return quoted(key+"_base64") + `:"{{base64(` + pill + `)}}"`
}

// object is a JSON object of these members. A space separates two closing
// braces, because two together end a formula.
func object(members ...string) string {
	inner := strings.Join(members, ",")
	if strings.HasSuffix(inner, "}") {
		inner += " "
	}
	return "{" + inner + "}"
}

// quoted is a text as JSON, without the escapes that only HTML needs.
func quoted(s string) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `""` // marshaling a string cannot fail
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// literal reports whether Make takes a text as it is: two braces begin a
// formula, and a backtick ends a name.
func literal(s string) bool {
	return !strings.Contains(s, "{{") && !strings.Contains(s, "}}") && !strings.ContainsAny(s, "`")
}
