package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Encode writes a value that Decode returned as JSON text: keys sorted, no
// white space, HTML characters as they are. Equal values give equal texts, and
// Decode, or DecodeVariants, gives the same value back.
func Encode(v any) ([]byte, error) {
	plain, err := exact(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(plain); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// exact keeps whole floats distinct from integers: encoding/json writes the
// float 1.0 as 1, which Decode would read as an integer.
func exact(v any) (any, error) {
	switch t := v.(type) {
	case nil, bool, string, int64:
		return t, nil
	case float64:
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return nil, fmt.Errorf("write JSON: %v is no JSON number", t)
		}
		text := strconv.FormatFloat(t, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return json.Number(text), nil
	case Ambiguous:
		return exact(t.Value)
	case []any:
		out := make([]any, len(t))
		for i, item := range t {
			var err error
			if out[i], err = exact(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, item := range t {
			var err error
			if out[k], err = exact(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return nil, fmt.Errorf("write JSON: a %T is no value that Decode returns", v)
	}
}
