package httpconn

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

// searched answers every search with one JSON text and notes what it was asked.
func searched(asked *[]string, answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*asked = append(*asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(text)))
		jsonTool(answer)(w, r)
	}
}

func TestEachKeyIsSearchedInItsOwnWay(t *testing.T) {
	var asked []string
	s := full()
	s.Find = &Find{By: map[string]Search{
		"email": {Post: "/search", Body: map[string]any{"query": map[string]any{"field": "email", "value": "{value}"}}, Records: "body.data"},
	}, Search: Search{Get: "/find?{key}={value}", Records: "body.data"}}
	for _, f := range faultsOf(t, s, "http://127.0.0.1:9002") {
		t.Errorf("%s: %s; %s", f.path, f.problem, f.remedy)
	}
	c := connect(t, s, searched(&asked, `{"data":[{"id":"c1","email":"`+anna+`"}]}`))
	for _, key := range []string{"email", "external_id"} {
		found, err := c.Target.Find(t.Context(), key, `a"b@example.com`)
		if err != nil || len(found) != 1 || found[0].ID != "c1" || found[0].Keys["email"] != anna {
			t.Errorf("%s: found %+v, %v", key, found, err)
		}
	}
	want := "POST /api/search {\"query\":{\"field\":\"email\",\"value\":\"a\\\"b@example.com\"}}\nGET /api/find?external_id=a%22b%40example.com"
	if got := strings.Join(asked, "\n"); got != want {
		t.Errorf("the tool is asked\n%s\nwant\n%s", got, want)
	}
	s.Find.Search = Search{}
	_, err := connect(t, s, newCRM(t)).Target.Find(t.Context(), "external_id", "x")
	if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, "there is no find.external_id") {
		t.Errorf("a key without a search: %s", f.Detail)
	}
}

func TestAValueIsQuotedForTheLanguageItStandsIn(t *testing.T) {
	for name, test := range map[string]struct{ get, value, want string }{
		"soql":                {"/query?q=Email='{value|soql}'", `O'Brien\`, `/query?q=Email='O%5C%27Brien%5C%5C'`},
		"an airtable formula": {"/t?filterByFormula=%7BName%7D%3D'{value|formula}'", `O'Brien "x"`, `/t?filterByFormula=%7BName%7D%3D'O%5C%27Brien%20%5C%22x%5C%22'`},
		"json in an address":  {`/t?q="{value|json}"`, "a\"b\n", `/t?q="a%5C%22b%5Cn"`},
		"plain":               {"/t?q={value}", `O'Brien`, `/t?q=O%27Brien`},
	} {
		path, problem := parsePath(test.get, phValue, phKey)
		if problem != "" {
			t.Fatal(name, problem)
		}
		if got, err := path.expand(map[string]string{phValue: test.value}); err != nil || got != test.want {
			t.Errorf("%s: got %s, %v\nwant %s", name, got, err, test.want)
		}
	}
	body, err := fillBody(map[string]any{"query": `{ contacts(email: "{value|json}") { id } }`}, &filling{texts: map[string]string{phValue: `a"b\`}})
	if want := `{"query":"{ contacts(email: \"a\\\"b\\\\\") { id } }"}`; err != nil || string(body) != want {
		t.Errorf("GraphQL: got %s, %v\nwant %s", body, err, want)
	}
	if _, err := fillBody(map[string]any{"n": "{cursor|number}"}, &filling{texts: map[string]string{phCursor: "1 or 2"}}); err == nil {
		t.Error("what is no number is sent as one")
	}
}

// FuzzQuoted guards that a value never ends the text it stands in.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{`'`, `\'`, `\\'`, `"`, "\n'", `\`, `it's "x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, filter := range []string{filterSOQL, filterFormula, filterJSON} {
			text := quoted(filter, value)
			for i := 0; i < len(text); i++ {
				switch {
				case text[i] == '\\' && i+1 == len(text):
					t.Fatalf("%s: %q ends with the beginning of an escape", filter, text)
				case text[i] == '\\':
					i++
				case text[i] == '"', text[i] == '\'' && filter != filterJSON:
					t.Fatalf("%s: %q ends its text at %d", filter, text, i)
				}
			}
		}
	})
}

// A search shapes the rest of a record in its own way: only the id and the keys
// are read there.
func TestTheRowsOfASearchNeedAnIdAndKeysOnly(t *testing.T) {
	var asked []string
	c := connect(t, full(), searched(&asked, `{"customers":[{"id":"c1","status":[{"odd":1}],"updated_at":"soon","email":"`+anna+`"}]}`))
	found, err := c.Target.Find(t.Context(), "email", anna)
	if err != nil || len(found) != 1 || found[0].Value != "" || len(asked) != 1 {
		t.Errorf("found %+v, %v with %d calls", found, err, len(asked))
	}
	_, err = connect(t, full(), searched(&asked, `{"customers":[{"id":"c1","email":"`+anna+`"},{"email":"x"}]}`)).Target.Find(t.Context(), "email", anna)
	if f := wantKind(t, err, connector.Misconfigured, connector.EffectNone); !strings.Contains(f.Detail, "record.id: the id is missing (record number 2 of the page)") {
		t.Errorf("a row without an id: %s", f.Detail)
	}
}

// A person who has to choose among several is shown what each of them holds.
func TestSeveralRecordsWithTheValueAreRead(t *testing.T) {
	tool := newCRM(t)
	for i := range 3 {
		tool.add(fmt.Sprintf("c%d", i), map[string]any{"status": fmt.Sprintf("S%d", i)})
	}
	found, err := connect(t, full(), tool).Target.Find(t.Context(), "email", anna)
	if err != nil || len(found) != 3 || found[0].Value != "S0" || found[2].Value != "S2" {
		t.Errorf("found %+v, %v", found, err)
	}
}
