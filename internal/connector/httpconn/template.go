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
	// What a write may name besides: the value that was read, and what makes it
	// conditional.
	phPrevious  = "previous"
	phRevision  = "revision"
	phUpdatedAt = "updated_at"
)

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

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
	}
	return ""
}

// has reports whether one of the placeholders occurs.
func (t *template) has(names ...string) bool { return hasPlaceholder(t.text, names) }

func hasPlaceholder(text string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(text, "{"+n+"}") })
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
		// The first page has no cursor: after= would be an empty one, which
		// some tools refuse.
		if _, v, _ := strings.Cut(pair, "="); v == "{"+phCursor+"}" && values[phCursor] == "" {
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

// fill replaces every placeholder once; what a value holds is not looked at.
func fill(text string, values map[string]string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		v, ok := values[m[1:len(m)-1]]
		if !ok {
			return m
		}
		return escape(v)
	})
}

// checkBody reports what is wrong with a body template, and whether one of the
// wanted placeholders occurs in it.
func checkBody(v any, known, wanted []string) (found bool, problem string) {
	switch t := v.(type) {
	case nil, bool, int, int64, uint64, float64:
		return false, ""
	case string:
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

// fillBody makes the JSON text of a body template.
func fillBody(v any, values *filling) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fillTree(v, values)); err != nil {
		return nil, fmt.Errorf("write the body: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func fillTree(v any, values *filling) any {
	switch t := v.(type) {
	case string:
		if name, alone := strings.CutPrefix(t, "{"); alone {
			name, alone = strings.CutSuffix(name, "}")
			if typed, has := values.typed[name]; alone && has {
				return typed
			}
		}
		return fill(t, values.texts, func(s string) string { return s })
	case []any:
		out := make([]any, len(t))
		for i, item := range t {
			out[i] = fillTree(item, values)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, item := range t {
			out[k] = fillTree(item, values)
		}
		return out
	}
	return v
}
