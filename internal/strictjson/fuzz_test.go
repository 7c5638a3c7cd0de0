package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// sentences are all the errors of Decode: a fault and where it is.
var sentences = regexp.MustCompile(`^(empty body|(invalid UTF-8|half of a surrogate pair|data after the end of the JSON value|not valid JSON|` +
	`nested deeper than 64 levels|an object has the same key twice|an object has two keys that differ only in letter case|a number is too large) at byte \d+|` +
	`the JSON ends too early at byte \d+: unexpected EOF)$`)

// FuzzDecode guards the gate in both directions: nothing is accepted that
// encoding/json refuses or another reader could understand differently, nothing
// is refused that all readers understand in the same way, and what is accepted
// survives Encode and Decode unchanged.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `[1,2.5,"x",null,true]`, `{"a":{"b":[{}]}}`, `"\ud83d\ude00"`, `"\ud800"`,
		`{"a":1,"A":2}`, `-0`, `1e400`, `[1,]`, `{"a" 1}`, "\xff", `{} {}`, `9223372036854775808`, `{"":0}`, `[,1]`, `{"a":1 "b":2}`,
		`{"a":1,"\u0061":2}`, "{\"k\":1,\"\u212a\":2}", `{"\u017f":1,"s":2}`, `{"id":1,"ID":2}`, `{"a":"\u0000"}`, "\"\x00\"", `"\ufffd"`, "\"\ufffd\"",
		`1E-400`, `-9223372036854775808`, `1e1`, `01`, `"\ud83d"`, `"\ude00\ud83d"`, "\ufeff{}", `{"a":[{"b":1},{"b":1,"B":2}]}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 65) + strings.Repeat("]", 65)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := Decode(body)
		var std any
		stdErr := json.Unmarshal(body, &std)
		if err != nil {
			if !sentences.MatchString(err.Error()) {
				t.Fatalf("the error may quote the body: %q", err)
			}
			if stdErr == nil && !strings.Contains(string(body), `\u`) && ambiguity(body) == nil {
				t.Fatalf("refused what every reader takes the same way: %v", err)
			}
			return
		}
		if stdErr != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", stdErr)
		}
		if err := ambiguity(body); err != nil {
			t.Fatalf("accepted a text with %v", err)
		}
		if got := asStandard(v); !reflect.DeepEqual(got, std) {
			t.Fatalf("read as %v, encoding/json reads %v", got, std)
		}
		text, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(v, back) {
			t.Fatalf("%s came back as %#v, was %#v", text, back, v)
		}
	})
}

// ambiguity reads a valid text token by token and names the first thing that
// readers understand in different ways. It compares each pair of keys, in the
// slowest and simplest way.
func ambiguity(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("invalid UTF-8")
	}
	type level struct {
		object bool
		keys   []string
		atKey  bool
	}
	var open []level
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		tok, err := d.Token()
		if err != nil {
			return nil // the end: the text is valid
		}
		top := len(open) - 1
		if delim, ok := tok.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:top]
			continue
		}
		if top >= 0 && open[top].object {
			if open[top].atKey {
				key := tok.(string)
				for _, other := range open[top].keys {
					if strings.EqualFold(key, other) {
						return errors.New("two keys that are equal or differ in case")
					}
				}
				open[top].keys = append(open[top].keys, key)
				open[top].atKey = false
				continue
			}
			open[top].atKey = true
		}
		switch t := tok.(type) {
		case json.Delim:
			if len(open) == maxDepth {
				return errors.New("too many levels")
			}
			open = append(open, level{object: t == '{', atKey: true})
		case json.Number:
			if f, err := t.Float64(); err != nil || math.IsInf(f, 0) {
				return errors.New("a number beyond float64")
			}
		}
	}
}

// asStandard turns integers into the floats that encoding/json gives.
func asStandard(v any) any {
	switch t := v.(type) {
	case int64:
		return float64(t)
	case []any:
		out := make([]any, len(t))
		for i := range t {
			out[i] = asStandard(t[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range t {
			out[k] = asStandard(t[k])
		}
		return out
	default:
		return v
	}
}

// FuzzDecodeVariants guards that what is taken beyond Decode differs in the case
// of keys alone, and is written back as it was.
func FuzzDecodeVariants(f *testing.F) {
	for _, s := range []string{`{"a":1,"A":2}`, `{"a":1,"A":{"b":1,"B":2},"a":3}`, "{\"k\":1,\"\u212a\":2,\"K\":3}", `[{"x":1}]`, `{"a":1} x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := DecodeVariants(body)
		if strict, strictErr := Decode(body); strictErr == nil && (err != nil || !reflect.DeepEqual(v, strict)) {
			t.Fatalf("read as %v (%v), strictly as %v", v, err, strict)
		}
		if err != nil {
			if !sentences.MatchString(err.Error()) {
				t.Fatalf("the error may quote the body: %q", err)
			}
			return
		}
		text, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeVariants(text); err != nil || !reflect.DeepEqual(v, back) {
			t.Fatalf("%s came back as %#v, %v; was %#v", text, back, err, v)
		}
	})
}
