package httpconn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The placeholders. {status} is another spelling of {value}: the target's own
// word for the status.
const (
	phID     = "id"
	phValue  = "value"
	phStatus = "status"
	phKey    = "key"
	phCursor = "cursor"
	phSince  = "since"
	// What a write may name besides: the value that was read, and what makes it
	// conditional.
	phPrevious  = "previous"
	phRevision  = "revision"
	phUpdatedAt = "updated_at"
)

// placeholder matches {name} and {name|filter}.
var placeholder = regexp.MustCompile(`\{([a-z_]+)(?:\|([a-z_]*))?\}`)

// errUnsafe is an id or value that would change the address it stands in.
var errUnsafe = errors.New("it cannot be used in an address")

// template is a path with placeholders.
type template struct{ text string }

// parsePath checks a path. The problem is "" when it is sound.
func parsePath(text string, known ...string) (t *template, problem string) {
	switch {
	case !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//"):
		return nil, "does not begin with one slash"
	case strings.Contains(text, "#"):
		return nil, "holds a #"
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, "holds a space"
	}
	if problem := unknownPlaceholder(text, known); problem != "" {
		return nil, problem
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		return nil, "contains a brace that belongs to no placeholder"
	}
	if hasFilter(text, filterNumber) {
		return nil, "uses the filter number, which is for a body; an address needs none"
	}
	t = &template{text}
	sample := map[string]string{}
	for _, k := range known {
		sample[k] = "x"
	}
	path, err := t.expand(sample)
	if err == nil {
		_, err = url.Parse(path)
	}
	if err != nil {
		return nil, "does not make an address"
	}
	return t, ""
}

func unknownPlaceholder(text string, known []string) string {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(known, m[1]) {
			return fmt.Sprintf("contains the unknown placeholder %s", m[0])
		}
		if strings.Contains(m[0], "|") && !slices.Contains(filterNames, m[2]) {
			return fmt.Sprintf("contains %s, and there is no filter %q: the filters are %s", m[0], m[2], strings.Join(filterNames, ", "))
		}
	}
	return ""
}

// has reports whether one of the placeholders occurs.
func (t *template) has(names ...string) bool { return hasPlaceholder(t.text, names) }

func hasPlaceholder(text string, names []string) bool {
	return slices.ContainsFunc(placeholder.FindAllStringSubmatch(text, -1), func(m []string) bool { return slices.Contains(names, m[1]) })
}

// expand puts the values in, escaped for their place: in the path a slash is
// data, in the query & and + are.
func (t *template) expand(values map[string]string) (string, error) {
	path, query, hasQuery := strings.Cut(t.text, "?")
	path = fill(path, values, url.PathEscape)
	for _, segment := range strings.Split(path, "/") {
		// Proxies and servers resolve dot segments, written plainly or escaped,
		// and would send the call to another record or another resource.
		if segment == "." || segment == ".." {
			return "", errUnsafe
		}
	}
	if !hasQuery {
		return path, nil
	}
	var pairs []string
	for _, pair := range strings.Split(query, "&") {
		if _, v, _ := strings.Cut(pair, "="); unsaid(v, phCursor, values) || unsaid(v, phSince, values) {
			continue
		}
		pairs = append(pairs, fill(pair, values, escapeQuery))
	}
	if len(pairs) == 0 {
		return path, nil
	}
	return path + "?" + strings.Join(pairs, "&"), nil
}

// idOf is the id with which the template gives the address, which may spell it
// in other escapes than ours. The template must hold the id once.
func (t *template) idOf(address string) (id string, ok bool) {
	before, after, found := strings.Cut(t.text, "{"+phID+"}")
	if !found || len(placeholder.FindAllString(t.text, -1)) != 1 {
		return "", false
	}
	rest, begins := strings.CutPrefix(address, before)
	escaped, ends := strings.CutSuffix(rest, after)
	if !begins || !ends {
		return "", false
	}
	id, err := url.PathUnescape(escaped)
	if strings.Contains(before, "?") {
		id, err = url.QueryUnescape(escaped)
	}
	if err != nil || id == "" || strings.ContainsAny(escaped, "/?&#") {
		return "", false
	}
	if _, err := t.expand(map[string]string{phID: id}); err != nil {
		return "", false
	}
	return id, true
}

// escapeQuery writes a space as %20, which every reader understands; + is read
// as a plus sign by some.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// unsaid reports whether a text is {name} alone with nothing to say, so that
// what holds it is left out: the first page has no cursor, and after= would be
// an empty one, which some tools refuse.
func unsaid(text, name string, values map[string]string) bool {
	m := placeholder.FindStringSubmatch(text)
	if m == nil || m[0] != text || m[1] != name {
		return false
	}
	v, ok := values[name]
	return ok && (v == "" || name == phSince && saysEverything(v))
}

// fill replaces every placeholder once; what a value holds is not looked at.
// A filter quotes the value for the language it stands in, and escape then for
// the place where that stands.
func fill(text string, values map[string]string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(whole string) string {
		m := placeholder.FindStringSubmatch(whole)
		v, ok := values[m[1]]
		if !ok {
			return whole
		}
		return escape(quoted(m[2], v))
	})
}

// checkBody reports what is wrong with a body template, and whether one of the
// wanted placeholders occurs in it.
func checkBody(v any, known, wanted []string) (found bool, problem string) {
	switch t := v.(type) {
	case nil, bool, int, int64, uint64, float64:
		return false, ""
	case string:
		if m := placeholder.FindString(t); hasFilter(t, filterNumber) && m != t {
			return hasPlaceholder(t, wanted), "uses the filter number inside a text, where it makes no number"
		}
		return hasPlaceholder(t, wanted), unknownPlaceholder(t, known)
	case []any:
		for _, item := range t {
			f, p := checkBody(item, known, wanted)
			found = found || f
			if p != "" {
				return found, p
			}
		}
		return found, ""
	case map[string]any:
		for k, item := range t {
			if hasPlaceholder(k, known) {
				return found, "has a placeholder in a key, where none is replaced"
			}
			f, p := checkBody(item, known, wanted)
			found = found || f
			if p != "" {
				return found, p
			}
		}
		return found, ""
	}
	return false, fmt.Sprintf("contains a %T, which JSON cannot express", v)
}

// bodyHas reports whether one of the placeholders stands anywhere in a body, whatever
// stands beside it.
func bodyHas(v any, names []string) bool {
	switch t := v.(type) {
	case string:
		return hasPlaceholder(t, names)
	case []any:
		return slices.ContainsFunc(t, func(item any) bool { return bodyHas(item, names) })
	case map[string]any:
		for _, item := range t {
			if bodyHas(item, names) {
				return true
			}
		}
	}
	return false
}

// fillBody makes the JSON text of a body template.
func fillBody(v any, values *filling) ([]byte, error) {
	filled, err := fillTree(v, values)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(filled); err != nil {
		return nil, fmt.Errorf("write the body: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func fillTree(v any, values *filling) (any, error) {
	switch t := v.(type) {
	case string:
		if m := placeholder.FindStringSubmatch(t); m != nil && m[0] == t {
			if m[2] == filterNumber {
				return wholeNumber(values.texts[m[1]])
			}
			if typed, has := values.typed[m[1]]; has && m[2] == "" {
				return typed, nil
			}
		}
		return fill(t, values.texts, func(s string) string { return s }), nil
	case []any:
		out := make([]any, 0, len(t))
		for _, item := range t {
			filled, err := fillTree(item, values)
			if err != nil {
				return nil, err
			}
			out = append(out, filled)
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, item := range t {
			if text, ok := item.(string); ok && unsaid(text, phCursor, values.texts) {
				continue
			}
			filled, err := fillTree(item, values)
			if err != nil {
				return nil, err
			}
			out[k] = filled
		}
		return out, nil
	}
	return v, nil
}
