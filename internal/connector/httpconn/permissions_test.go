package httpconn

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

func TestWhatTheCredentialsMayDoIsAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		code   int
		answer string
		said   string
		failed string
	}{
		"all is granted":             {200, `{"scopes":["read","write"]}`, "every permission that the file names", ""},
		"one is missing":             {200, `{"scopes":["read"]}`, "", "the credentials lack the scope write; grant this in the tool"},
		"all are missing":            {200, `{"scopes":[]}`, "", "lack the scope read and the scope write"},
		"the tool does not say it":   {404, `{}`, "did not say what the credentials may do", ""},
		"the answer has another way": {200, `{"granted":"all"}`, "shows at the first write", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if r.URL.Path != "/token-info" {
					fmt.Fprint(w, `{"customers":[]}`)
					return
				}
				if body, _ := io.ReadAll(r.Body); r.Method != http.MethodPost || string(body) != `{"token":"sesame"}` {
					t.Errorf("asked %s %s", r.Method, body)
				}
				w.WriteHeader(c.code)
				fmt.Fprint(w, c.answer)
			}))
			t.Cleanup(server.Close)
			s := askingForPermissions()
			opened, err := Open("crm", config.Connection{Name: "crm", BaseURL: server.URL}, s, connector.Deps{HTTP: server.Client()})
			if err != nil {
				t.Fatal(err)
			}
			said, err := opened.Probe.Probe(t.Context())
			text := strings.Join(said, "\n")
			if !strings.Contains(text, c.said) || (err == nil) != (c.failed == "") || err != nil && !strings.Contains(err.Error(), c.failed) {
				t.Errorf("it says %q, %v", text, err)
			}
			if strings.Contains(text+fmt.Sprint(err), "sesame") {
				t.Errorf("it quotes the token: %s, %v", text, err)
			}
		})
	}
}

func askingForPermissions() *Settings {
	return &Settings{
		Auth:   &Auth{Bearer: "sesame"},
		Record: Record{ID: "record.id", Status: "record.status"},
		List:   &List{Get: "/customers", Records: "body.customers"},
		Permissions: &Permissions{Post: "/token-info", Body: map[string]any{"token": "{token}"},
			Missing: "['read', 'write'].filter(s, !(s in body.scopes)).map(s, 'the scope ' + s)"},
	}
}

func TestTheFaultsOfPermissions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *Settings)
		path   string
	}{
		"no call":               {func(s *Settings) { s.Permissions.Post, s.Permissions.Body = "", nil }, "permissions.get"},
		"no list":               {func(s *Settings) { s.Permissions.Missing = "" }, "permissions.missing"},
		"no expression":         {func(s *Settings) { s.Permissions.Missing = "[" }, "permissions.missing"},
		"a token in an address": {func(s *Settings) { s.Permissions.Post = "/token-info/{token}" }, "permissions.post"},
		"no token to be sent":   {func(s *Settings) { s.Auth = nil }, "permissions.body"},
		"another placeholder":   {func(s *Settings) { s.Permissions.Body = "{id}" }, "permissions.body"},
	} {
		s := askingForPermissions()
		c.change(s)
		if found := faultsOf(t, s, "https://crm.example.com"); len(found) != 1 || found[0].path != c.path {
			t.Errorf("%s: %+v, want one at %s", name, found, c.path)
		}
	}
}
