package httpconn

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/strictjson"
)

func compileOne(t *testing.T, text string) *expression {
	t.Helper()
	e, problem := compileExpression("here", text, []string{varRecord})
	if problem != "" {
		t.Fatalf("%s: %s", text, problem)
	}
	return e
}

func TestWhatIsNotThereIsAbsentAndWhatDoesNotFitIsAnError(t *testing.T) {
	v, err := strictjson.Decode([]byte(`{"empty":null,"text":"t","list":[],"object":{},"number":5}`))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ expression, want string }{
		{"record.nothing", "absent"},
		{"record.empty", "absent"},
		{"record.empty.deeper", "absent"},
		{"record.nothing.deeper.still", "absent"},
		{"record.text.deeper", "absent"},
		{"record['nothing']", "absent"},
		{"record.list[0]", "absent"},
		{"record.list[0].deeper", "absent"},
		{"record.?nothing", "absent"},
		{"record.?empty", "absent"},
		{"record.nothing + 'x'", "absent"},
		{"record.?text", "t"},
		{"record.?nothing.orValue('else')", "else"},
		{"record.text.upperAscii()", "T"},
		{"record.empty.startsWith('x')", "error"},
		{"record.number.startsWith('x')", "error"},
		{"record.text + 1", "error"},
		{"1 / (record.number - 5)", "error"},
		{"timestamp(record.text)", "error"},
		{"b'bytes'", "error"},
		{"duration('1s')", "error"},
		{"{1: 2}", "error"},
		{"int(record.text)", "error"},
	}
	for _, c := range cases {
		t.Run(c.expression, func(t *testing.T) {
			got, err := compileOne(t, c.expression).eval(map[string]any{varRecord: v})
			switch {
			case err != nil:
				if c.want != "error" {
					t.Errorf("got %v, want %s", err, c.want)
				}
				if !strings.HasPrefix(err.Error(), "here: ") || strings.Contains(err.Error(), `"`) {
					t.Errorf("the error does not say where, or quotes something: %v", err)
				}
			case got == any(absent{}), got == any(absent{noKey: true}):
				if c.want != "absent" {
					t.Errorf("absent, want %s", c.want)
				}
			case got != c.want:
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestWhatAnExpressionBuildsIsPlain(t *testing.T) {
	v, _ := strictjson.Decode([]byte(`{"list":[{"id":9007199254740993,"x":null},{"id":2}]}`))
	got, err := compileOne(t, `record.list.map(r, {"id": r.id, "was": [null, r.id]})`).eval(map[string]any{varRecord: v})
	if err != nil {
		t.Fatal(err)
	}
	text, err := strictjson.Encode(got)
	if err != nil || string(text) != `[{"id":9007199254740993,"was":[null,9007199254740993]},{"id":2,"was":[null,2]}]` {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestAnExpressionCannotWorkForEver(t *testing.T) {
	list := make([]any, 3000)
	for i := range list {
		list[i] = int64(i)
	}
	_, err := compileOne(t, "record.all(a, record.all(b, record.all(c, a + b + c >= 0)))").eval(map[string]any{varRecord: list})
	if err == nil || err.Error() != "here: the expression takes too much work" {
		t.Errorf("got %v", err)
	}
	// Filtering the largest batch stays far below the limit.
	events := make([]any, maxEvents)
	for i := range events {
		events[i] = map[string]any{"type": "status"}
	}
	got, err := compileOne(t, "record.filter(e, e.type == 'status')").list(map[string]any{varRecord: events})
	if err != nil || len(got) != maxEvents {
		t.Errorf("got %d, %v", len(got), err)
	}
}

func TestIDsAreTextOrExactWholeNumbers(t *testing.T) {
	cases := []struct{ json, want string }{
		{`"cus_1"`, "cus_1"}, {`"ключ / 1"`, "ключ / 1"}, {`7`, "7"}, {`-7`, "-7"}, {`0`, "0"},
		{overTwo53, overTwo53}, {`9223372036854775807`, "9223372036854775807"}, {`7.0`, "7"}, {`1e3`, "1000"},
		{`9007199254740994.0`, ""}, {`9223372036854775808`, ""}, {`1.5`, ""}, {`""`, ""}, {`"  "`, ""}, {`null`, ""}, {`true`, ""},
		{`[]`, ""}, {`{}`, ""}, {`"a\nb"`, ""}, {`"a\u0000"`, ""},
	}
	for _, c := range cases {
		v, err := strictjson.Decode([]byte(c.json))
		if err != nil {
			t.Fatal(err)
		}
		got, err := compileOne(t, "record").id(map[string]any{varRecord: v})
		if (err == nil) != (c.want != "") || err == nil && got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.json, got, err, c.want)
		}
	}
}

func TestTimesAreReadAsToolsWriteThem(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	never := time.Time{}
	good := []struct {
		name string
		in   any
		want time.Time
	}{
		{"absent", absent{}, never},
		{"empty text", "", never},
		{"zero", int64(0), never},
		{"zero as a decimal", 0.0, never},
		{"year 1, another kind of zero", "0001-01-01T00:00:00Z", never},
		{"RFC 3339", "2026-03-01T12:00:00Z", at("2026-03-01T12:00:00Z")},
		{"RFC 3339 with a zone", "2026-03-01T13:00:00+01:00", at("2026-03-01T12:00:00Z")},
		{"RFC 3339 with nanoseconds", "2026-03-01T12:00:00.123456789Z", at("2026-03-01T12:00:00.123456789Z")},
		{"seconds", int64(1772366400), at("2026-03-01T12:00:00Z")},
		{"milliseconds", int64(1772366400123), at("2026-03-01T12:00:00.123Z")},
		{"seconds with a fraction", 1772366400.5, at("2026-03-01T12:00:00.5Z")},
		{"milliseconds as a decimal", 1772366400123.0, at("2026-03-01T12:00:00.123Z")},
		{"the last second", int64(99_999_999_999), time.Unix(99_999_999_999, 0).UTC()},
		{"the first millisecond", int64(100_000_000_000), time.UnixMilli(100_000_000_000).UTC()},
		{"an unsigned number", uint64(1772366400), at("2026-03-01T12:00:00Z")},
		{"a CEL timestamp", at("2026-03-01T12:00:00Z"), at("2026-03-01T12:00:00Z")},
	}
	for _, c := range good {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := readTime(c.in); !ok || !got.Equal(c.want) || got.IsZero() != c.want.IsZero() {
				t.Errorf("got %v, %v; want %v", got, ok, c.want)
			}
		})
	}
	for _, bad := range []any{"yesterday", "2026-03-01", "2026-03-01 12:00:00", "1772366400", "1969-12-31T23:59:59Z", int64(-1), -0.5, 0.4,
		int64(100_000_000_000_000), 1e14, math.MaxFloat64, uint64(math.MaxUint64), true, []any{}, map[string]any{}} {
		if got, ok := readTime(bad); ok {
			t.Errorf("%v is read as %v", bad, got)
		}
	}
}

// FuzzTime guards that no text or number is read as a time that cannot be
// stored, and that reading is stable.
func FuzzTime(f *testing.F) {
	f.Add("2026-03-01T12:00:00Z", int64(1772366400), 1772366400.5)
	f.Add("", int64(0), 0.0)
	f.Add("9999-12-31T23:59:59.999999999-23:59", int64(99_999_999_999_999), 1e14-1)
	f.Fuzz(func(t *testing.T, text string, whole int64, decimal float64) {
		for _, v := range []any{text, whole, decimal} {
			at, ok := readTime(v)
			if !ok || at.IsZero() {
				continue
			}
			if at.Year() < 1970 || at.Year() > 9999 || at.Location() != time.UTC {
				t.Fatalf("%v is read as %v", v, at)
			}
			if again, ok := readTime(at.Format(time.RFC3339Nano)); !ok || !again.Equal(at) {
				t.Fatalf("%v is written as %s, which reads as %v", v, at.Format(time.RFC3339Nano), again)
			}
		}
	})
}
