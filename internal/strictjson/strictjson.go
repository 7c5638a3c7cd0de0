// Package strictjson reads JSON that comes from outside and accepts only texts
// that every reader understands in the same way.
//
// Main functions: Decode (a body into plain Go values), DecodeVariants (the same
// for a body whose keys people chose) and Encode (such a value back into one
// deterministic text). Main type: Ambiguous.
//
// Invariants: an object never has two keys that are equal, because one reader
// would take the first and another the last, and none that differ only in letter
// case, or their values are marked;
// strings are exactly what the sender wrote (no replacement characters); errors
// name the fault and its byte offset, never a value or a key, since both can be
// personal data.
//
// It must not import anything of ours.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds nesting. Real payloads stay below ten; each level costs a
// stack frame here and in everything that walks the value later.
const maxDepth = 64

// Decode reads one JSON value. It returns map[string]any, []any, string, bool,
// nil, int64 for integers that fit, and float64 for every other number.
//
// An integer beyond int64 becomes a float64 and is no longer exact: a caller
// that uses a number as an id must refuse floats above 2^53.
//
// A body that ends too early wraps io.ErrUnexpectedEOF, so that callers can
// distinguish a truncated answer from an invalid one.
func Decode(body []byte) (any, error) { return decode(body, false) }

// DecodeVariants reads as Decode does, and takes objects whose keys differ only
// in letter case: fields that people name may. The value of each such key is
// Ambiguous, for whoever reads it.
func DecodeVariants(body []byte) (any, error) { return decode(body, true) }

// Ambiguous is the value of a key beside which its object has another that
// differs only in letter case.
type Ambiguous struct{ Value any }

func decode(body []byte, variants bool) (any, error) {
	if i := invalidUTF8(body); i >= 0 {
		return nil, fmt.Errorf("invalid UTF-8 at byte %d", i)
	}
	if i := loneSurrogate(body); i >= 0 {
		return nil, fmt.Errorf("half of a surrogate pair at byte %d", i)
	}
	d := decoder{body: body, json: json.NewDecoder(bytes.NewReader(body)), variants: variants}
	d.json.UseNumber()
	if d.after(" \t\r\n") == len(body) {
		return nil, errors.New("empty body")
	}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if end := d.after(" \t\r\n"); end < len(body) {
		return nil, fmt.Errorf("data after the end of the JSON value at byte %d", end)
	}
	return v, nil
}

type decoder struct {
	body     []byte
	json     *json.Decoder
	variants bool
}

// after is the offset of the first byte after the last token that is not one of
// the skipped characters.
func (d *decoder) after(skipped string) int {
	i := int(d.json.InputOffset())
	for i < len(d.body) && strings.IndexByte(skipped, d.body[i]) >= 0 {
		i++
	}
	return i
}

func (d *decoder) token() (json.Token, int, error) {
	at := d.after(" \t\r\n,:") // for error texts
	tok, err := d.json.Token()
	switch {
	case err == nil:
		return tok, at, nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, at, fmt.Errorf("the JSON ends too early at byte %d: %w", len(d.body), io.ErrUnexpectedEOF)
	default:
		// encoding/json quotes the offending character; we do not.
		return nil, at, fmt.Errorf("not valid JSON at byte %d", at)
	}
}

// value reads the next value, which is nested in depth objects and lists.
func (d *decoder) value(depth int) (any, error) {
	tok, at, err := d.token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Number:
		return number(string(t), at)
	case json.Delim:
		if depth == maxDepth {
			return nil, fmt.Errorf("nested deeper than %d levels at byte %d", maxDepth, at)
		}
		if t == '{' {
			return d.object(depth)
		}
		return d.list(depth)
	default: // string, bool, nil
		return t, nil
	}
}

func (d *decoder) object(depth int) (any, error) {
	fields := map[string]any{}
	folded := map[string]string{} // the first key that is written so
	for d.json.More() {
		tok, at, err := d.token()
		if err != nil {
			return nil, err
		}
		key, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("not valid JSON at byte %d", at)
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("an object has the same key twice at byte %d", at)
		}
		f := fold(key)
		other, variant := folded[f]
		if variant && !d.variants {
			return nil, fmt.Errorf("an object has two keys that differ only in letter case at byte %d", at)
		}
		if fields[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
		if !variant {
			folded[f] = key
			continue
		}
		for _, k := range []string{key, other} {
			if _, marked := fields[k].(Ambiguous); !marked {
				fields[k] = Ambiguous{fields[k]}
			}
		}
	}
	if _, _, err := d.token(); err != nil {
		return nil, err
	}
	return fields, nil
}

func (d *decoder) list(depth int) (any, error) {
	items := []any{}
	for d.json.More() {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	if _, _, err := d.token(); err != nil {
		return nil, err
	}
	return items, nil
}

func number(text string, at int) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("a number is too large at byte %d", at)
	}
	return f, nil
}

// fold maps strings that strings.EqualFold calls equal to one string: each
// rune becomes the smallest of its case variants.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for v := unicode.SimpleFold(r); v != r; v = unicode.SimpleFold(v) {
			least = min(least, v)
		}
		return least
	}, s)
}

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// loneSurrogate finds a \u escape that is one half of a UTF-16 pair without the
// other; encoding/json would turn it into U+FFFD and make two different strings
// equal. In JSON a backslash occurs only inside strings, so no tokenizer is
// needed; a text that is not JSON is refused later anyway.
func loneSurrogate(b []byte) int {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		r, ok := escape(b[i:])
		switch {
		case !ok:
			i++ // the escaped character, which may be a backslash
		case r >= 0xD800 && r < 0xDC00:
			low, ok := escape(b[min(i+6, len(b)):])
			if !ok || low < 0xDC00 || low > 0xDFFF {
				return i
			}
			i += 11
		case r >= 0xDC00 && r <= 0xDFFF:
			return i
		default:
			i += 5
		}
	}
	return -1
}

// escape reads a \uXXXX at the start of b.
func escape(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
