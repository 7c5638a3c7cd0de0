package blueprint

import (
	"encoding/json"
	"fmt"
	"strings"
)

// pill is a mapped value: the output of a module by its path. Names that are
// none to Make's formulas stand in backticks.
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

// orEmpty is a value that is never missing, which base64 would stumble over.
func orEmpty(pill string) string { return "{{ifempty(" + pill + "; emptystring)}}" }

// coded is a member of a JSON object whose text may be anything (invariant 3).
func coded(key, pill string) string {
	return quoted(key+"_base64") + `:"{{base64(` + pill + `)}}"`
}

// object is a JSON object of these members. A closing brace stands apart from
// one before it: two are the end of a formula.
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
		return `""` // a string has no error
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// literal reports whether Make would take a text as it is: two braces begin a
// formula, and a backtick ends a name.
func literal(s string) bool {
	return !strings.Contains(s, "{{") && !strings.Contains(s, "}}") && !strings.ContainsAny(s, "`")
}
