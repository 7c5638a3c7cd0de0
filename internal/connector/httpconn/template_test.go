package httpconn

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPathsAreFilledAndEscapedForTheirPlace(t *testing.T) {
	cases := []struct {
		name, template string
		values         map[string]string
		want           string
	}{
		{"a plain id", "/customers/{id}", map[string]string{"id": "cus_1"}, "/customers/cus_1"},
		{"a slash in an id", "/customers/{id}", map[string]string{"id": "a/b"}, "/customers/a%2Fb"},
		{"a space and a question mark", "/customers/{id}", map[string]string{"id": "a b?c#d"}, "/customers/a%20b%3Fc%23d"},
		{"letters of another alphabet", "/customers/{id}", map[string]string{"id": "é"}, "/customers/%C3%A9"},
		{"a percent sign", "/customers/{id}", map[string]string{"id": "a%2Fb"}, "/customers/a%252Fb"},
		{"an id in the query", "/customers?id={id}&full=1", map[string]string{"id": "a&b=c+d"}, "/customers?id=a%26b%3Dc%2Bd&full=1"},
		{"key and value", "/customers?{key}={value}", map[string]string{"key": "email", "value": "a+b c@example.com"}, "/customers?email=a%2Bb%20c%40example.com"},
		{"a value that looks like a placeholder", "/customers?{key}={value}", map[string]string{"key": "{value}", "value": "{key}"}, "/customers?%7Bvalue%7D=%7Bkey%7D"},
		{"a cursor", "/customers?limit=200&after={cursor}", map[string]string{"cursor": "a="}, "/customers?limit=200&after=a%3D"},
		{"no cursor yet", "/customers?limit=200&after={cursor}", map[string]string{"cursor": ""}, "/customers?limit=200"},
		{"no cursor and nothing else", "/customers?after={cursor}", map[string]string{"cursor": ""}, "/customers"},
		{"two in one segment", "/c/{id}:{value}", map[string]string{"id": "1", "value": "x"}, "/c/1:x"},
		{"dots inside a segment", "/c/{id}", map[string]string{"id": "..."}, "/c/..."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := (&template{c.template}).expand(c.values)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
	for _, id := range []string{".", ".."} {
		if got, err := (&template{"/customers/{id}"}).expand(map[string]string{"id": id}); err == nil {
			t.Errorf("the id %q gives %s, another address", id, got)
		}
	}
	if got, err := (&template{"/customers/.{id}"}).expand(map[string]string{"id": "."}); err == nil {
		t.Errorf("a dot segment made of two parts gives %s", got)
	}
}

func TestBodiesAreFilledWhereverTheirStringsAre(t *testing.T) {
	tree := map[string]any{"status": "{value}", "n": int64(3), "on": true, "none": nil, "f": 1.5,
		"list": []any{"{id}", map[string]any{"text": "set {id} to {status}"}}, "html": "<b>"}
	got, err := fillBody(tree, &filling{texts: map[string]string{"id": `a"b\`, "value": "{id}", "status": "{id}"}})
	want := `{"f":1.5,"html":"<b>","list":["a\"b\\",{"text":"set a\"b\\ to {id}"}],"n":3,"none":null,"on":true,"status":"{id}"}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	if tree["status"] != "{value}" {
		t.Error("the template itself was changed")
	}
}

// FuzzExpand guards that whatever an id or a value holds, it stays where its
// placeholder stands: the path keeps its segments, the query its pairs, and
// reading the address gives the value back.
func FuzzExpand(f *testing.F) {
	f.Add("cus_1", "a@example.com")
	f.Add("../..", "x&y=z#?")
	f.Add("%2e%2e", "{id}")
	f.Add("é/ \x00", "+ ")
	f.Fuzz(func(t *testing.T, id, value string) {
		got, err := (&template{"/a/{id}/b?k={value}&n=1"}).expand(map[string]string{"id": id, "value": value})
		if err != nil {
			if id != "." && id != ".." {
				t.Fatalf("%q is refused: %v", id, err)
			}
			return
		}
		u, err := url.Parse("http://host" + got)
		if err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 4 || segments[1] != "a" || segments[3] != "b" {
			t.Fatalf("the path became %s", u.EscapedPath())
		}
		if back, err := url.PathUnescape(segments[2]); err != nil || back != id || back == "." || back == ".." {
			t.Fatalf("the id %q came back as %q", id, back)
		}
		if q := u.Query(); len(q) != 2 || q.Get("k") != value || q.Get("n") != "1" || u.Fragment != "" {
			t.Fatalf("the query became %s", u.RawQuery)
		}
		if !utf8.ValidString(id) || !utf8.ValidString(value) {
			return
		}
		body, err := fillBody(map[string]any{"a": "{id}", "b": []any{"x{value}"}}, &filling{texts: map[string]string{"id": id, "value": value}})
		if err != nil {
			t.Fatal(err)
		}
		var back struct {
			A string
			B []string
		}
		if err := json.Unmarshal(body, &back); err != nil || back.A != id || len(back.B) != 1 || back.B[0] != "x"+value {
			t.Fatalf("the body became %s", body)
		}
	})
}

// Both placeholders of a list may stand in its body, in whatever order it is gone
// through: an object has none.
func TestEachPlaceholderOfABodyIsFoundBesideTheOther(t *testing.T) {
	body := map[string]any{"query": map[string]any{"value": "{since|number}", "field": "updated_at"}, "pagination": map[string]any{"after": "{cursor}"}, "more": []any{"{since}", 7}}
	for range 200 {
		a := asking{path: &template{"/search"}, body: body}
		if !a.has(phCursor) || !a.has(phSince) || a.has(phKey) {
			t.Fatalf("it has cursor: %t, since: %t, key: %t", a.has(phCursor), a.has(phSince), a.has(phKey))
		}
	}
}
