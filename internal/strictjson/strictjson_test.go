package strictjson

import (
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDecodeReadsEveryKindOfValue(t *testing.T) {
	cases := []struct {
		name, body string
		want       any
	}{
		{"an object", `{"a":{"b":[1,"x",null,true]}}`, map[string]any{"a": map[string]any{"b": []any{int64(1), "x", nil, true}}}},
		{"an empty object", `{}`, map[string]any{}},
		{"an empty list", ` [ ] `, []any{}},
		{"a bare string", `"x"`, "x"},
		{"a bare null", `null`, nil},
		{"an integer beyond 2^53 stays exact", `9007199254740993`, int64(9007199254740993)},
		{"the smallest integer", `-9223372036854775808`, int64(math.MinInt64)},
		{"an integer beyond int64 becomes a float", `9223372036854775808`, float64(1 << 63)},
		{"a whole number written as a decimal stays a float", `1.0`, 1.0},
		{"an exponent makes a float", `1e3`, 1000.0},
		{"a surrogate pair is one character", `"\ud83d\ude00"`, "😀"},
		{"an escaped backslash before u is no escape", `"\\ud800"`, `\ud800`},
		{"a replacement character that the sender wrote", `"\ufffd"`, "\ufffd"},
		{"the same key in two different objects", `[{"a":1},{"a":2},{"A":3}]`, []any{map[string]any{"a": int64(1)}, map[string]any{"a": int64(2)}, map[string]any{"A": int64(3)}}},
		{"64 levels", strings.Repeat("[", 64) + strings.Repeat("]", 64), nest(64)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			// Not cmp.Diff: its time doubles with each level of nesting.
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v, want %#v", got, c.want)
			}
		})
	}
}

func nest(n int) any {
	v := []any{}
	for range n - 1 {
		v = []any{v}
	}
	return v
}

func TestDecodeRefusesWhatReadersDisagreeOn(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"nothing", ``, "empty body"},
		{"only white space", " \n\t", "empty body"},
		{"a byte order mark", "\ufeff{}", "not valid JSON at byte 0"},
		{"invalid UTF-8 in a string", "{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6"},
		{"an encoded surrogate in UTF-8", "\"\xed\xa0\x80\"", "invalid UTF-8 at byte 1"},
		{"the same key twice", `{"a":1, "a":2}`, "an object has the same key twice at byte 8"},
		{"the same key twice through an escape", `{"a":1,"\u0061":2}`, "an object has the same key twice at byte 7"},
		{"the same key twice deep inside", `[{"x":{"a":1,"a":1}}]`, "an object has the same key twice at byte 13"},
		{"keys that differ in ASCII case", `{"Id":1,"id":2}`, "an object has two keys that differ only in letter case at byte 8"},
		{"keys that differ in Unicode case", `{"É":1,"é":2}`, "an object has two keys that differ only in letter case at byte 8"},
		{"keys that differ by the Kelvin sign", "{\"k\":1,\"\u212a\":2}", "an object has two keys that differ only in letter case at byte 7"},
		{"65 lists", strings.Repeat("[", 65) + strings.Repeat("]", 65), "nested deeper than 64 levels at byte 64"},
		{"65 objects", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "nested deeper than 64 levels at byte 320"},
		{"a second value", `{} {}`, "data after the end of the JSON value at byte 3"},
		{"a comma behind the value", `{},`, "data after the end of the JSON value at byte 2"},
		{"a colon behind the value", `1:`, "data after the end of the JSON value at byte 1"},
		{"a comma before the value", `,1`, "not valid JSON at byte 1"},
		{"a stray bracket", `{}]`, "data after the end of the JSON value at byte 2"},
		{"a high half alone", `"x\ud800"`, "half of a surrogate pair at byte 2"},
		{"a low half alone", `"\udc00"`, "half of a surrogate pair at byte 1"},
		{"two high halves", `"\ud800\ud800"`, "half of a surrogate pair at byte 1"},
		{"a half in a key", `{"\ud800":1}`, "half of a surrogate pair at byte 2"},
		{"a number beyond float64", `[1e400]`, "a number is too large at byte 1"},
		{"an integer beyond float64", strings.Repeat("9", 400), "a number is too large at byte 0"},
		{"a trailing comma in a list", `[1,]`, "not valid JSON at byte 3"},
		{"a trailing comma in an object", `{"a":1,}`, "not valid JSON at byte 7"},
		{"a missing comma", `[1 2]`, "not valid JSON at byte 3"},
		{"a key without quotes", `{a:1}`, "not valid JSON at byte 1"},
		{"a number as key", `{1:1}`, "not valid JSON at byte 1"},
		{"NaN", `NaN`, "not valid JSON at byte 0"},
		{"a leading zero", `012`, "data after the end of the JSON value at byte 1"},
		{"a raw line break in a string", "\"a\nb\"", "not valid JSON at byte 0"},
		{"a web page", `<!doctype html>`, "not valid JSON at byte 0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := Decode([]byte(c.body))
			if err == nil {
				t.Fatalf("accepted as %v", v)
			}
			if err.Error() != c.want {
				t.Errorf("got %q, want %q", err, c.want)
			}
		})
	}
}

func TestDecodeTellsACutBodyFromAWrongOne(t *testing.T) {
	whole := `{"customer":{"id":"cus_1","tags":["a","b"]},"n":12.5}`
	for i := 1; i < len(whole); i++ {
		if _, err := Decode([]byte(whole[:i])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: got %v, want an error that is io.ErrUnexpectedEOF", i, err)
		}
	}
	if _, err := Decode([]byte(`{"a":x}`)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a wrong body counts as cut: %v", err)
	}
}

func TestDecodeNeverQuotesWhatItRead(t *testing.T) {
	for _, body := range []string{
		`{"anna@example.com":1,"anna@example.com":2}`, `{"anna@example.com":1,"ANNA@example.com":2}`,
		`{"a":"anna@example.com"`, `"anna@example.com" x`, `["anna@example.com" 1]`, `anna@example.com`,
	} {
		_, err := Decode([]byte(body))
		if err == nil {
			t.Errorf("%s accepted", body)
		} else if strings.Contains(strings.ToLower(err.Error()), "anna") || strings.Contains(err.Error(), "'") {
			t.Errorf("error quotes the body: %v", err)
		}
	}
}

func TestEncodeIsDeterministicAndKeepsTheKindOfNumber(t *testing.T) {
	cases := []struct {
		name string
		in   any
		want string
	}{
		{"keys are sorted", map[string]any{"b": int64(1), "a": nil}, `{"a":null,"b":1}`},
		{"HTML is left alone", "<a&b>", `"<a&b>"`},
		{"a whole float keeps its point", []any{1.0, int64(1)}, `[1.0,1]`},
		{"a large float keeps its exponent", 1e300, `1e+300`},
		{"a large integer is exact", int64(9007199254740993), `9007199254740993`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Encode(c.in)
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
	for _, bad := range []any{math.NaN(), math.Inf(1), 1, []any{struct{}{}}, map[string]any{"a": []byte{1}}} {
		if got, err := Encode(bad); err == nil {
			t.Errorf("Encode(%#v) = %s, want an error", bad, got)
		}
	}
}

func TestWhatIsEncodedDecodesToTheSameValue(t *testing.T) {
	leaf := rapid.OneOf(
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any {
			if math.IsNaN(f) || math.IsInf(f, 0) {
				return 0.5
			}
			return f
		}),
		rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "?") }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just(any(nil)),
	)
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(leaf).Draw(t, "items")
		v := any(map[string]any{"list": append([]any{}, items...), "one": leaf.Draw(t, "one")})
		text, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(v, back); d != "" {
			t.Fatalf("%s: %s", text, d)
		}
	})
}

func TestKeysFoldAsEqualFoldDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]rune("aAkK\u212asSſéÉβΒϐßẞiIıİ"))
		a := string(rapid.SliceOfN(letters, 1, 3).Draw(t, "a"))
		b := string(rapid.SliceOfN(letters, 1, 3).Draw(t, "b"))
		if (fold(a) == fold(b)) != strings.EqualFold(a, b) {
			t.Fatalf("fold and EqualFold disagree on %q and %q", a, b)
		}
	})
}

func TestKeysThatPeopleChoseAreTakenAndMarkedWhereTheyDifferInCaseOnly(t *testing.T) {
	body := `{"Plan":1,"PLAN":[2],"id":"c","plan":{"x":null},"sub":{"A":1,"b":2}}`
	got, err := DecodeVariants([]byte(body))
	want := map[string]any{"Plan": Ambiguous{int64(1)}, "PLAN": Ambiguous{[]any{int64(2)}}, "plan": Ambiguous{map[string]any{"x": nil}}, "id": "c", "sub": map[string]any{"A": int64(1), "b": int64(2)}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	text, err := Encode(got)
	if want := `{"PLAN":[2],"Plan":1,"id":"c","plan":{"x":null},"sub":{"A":1,"b":2}}`; err != nil || string(text) != want {
		t.Errorf("written as %s, %v", text, err)
	}
	if _, err := DecodeVariants([]byte(`{"plan":1,"Plan":2,"plan":3}`)); err == nil {
		t.Error("the same key twice is taken")
	}
}
