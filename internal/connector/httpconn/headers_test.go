package httpconn

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestHeadersGoWithEachCall(t *testing.T) {
	s := full()
	s.Headers = map[string]config.Secret{"Notion-Version": "2022-06-28", "x-second-key": "canary-second", "Accept": "application/vnd.api+json",
		"Content-Type": "application/vnd.api+json", "User-Agent": "our company"}
	calls := 0
	conn := connect(t, s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		want := map[string]string{"Notion-Version": "2022-06-28", "X-Second-Key": "canary-second", "Accept": "application/vnd.api+json",
			"User-Agent": "our company", "Authorization": "Bearer " + token, "Content-Type": ""}
		if r.Method == http.MethodPut {
			want["Content-Type"] = "application/vnd.api+json"
		}
		for name, value := range want {
			if got := r.Header.Get(name); got != value {
				t.Errorf("%s sends %s: %q, want %q", r.Method, name, got, value)
			}
		}
		w.Header().Set("Content-Type", "application/vnd.api+json")
		io.WriteString(w, `{"id":"c1","status":"Active","customers":[],"updated_at":null,"updated_by":""}`)
	}))
	if _, err := conn.Target.Read(t.Context(), "c1"); err != nil {
		t.Error(err)
	}
	if _, err := conn.Target.Find(t.Context(), "email", anna); err != nil {
		t.Error(err)
	}
	if _, _, err := conn.SourceList.List(t.Context(), ""); err != nil {
		t.Error(err)
	}
	if _, err := conn.Target.Write(t.Context(), status.TargetRecord{ID: "c1", Revision: `"1"`}, "Paused"); err != nil {
		t.Error(err)
	}
	if calls != 4 {
		t.Errorf("%d calls", calls)
	}
}

func TestAHeaderThatIsNotTheFilesToSetIsRefused(t *testing.T) {
	cases := []struct{ name, value, problem, remedy string }{
		{"Host", "x", "cannot be set here", "base_url"},
		{"content-length", "1", "cannot be set here", "remove it"},
		{"CONNECTION", "close", "cannot be set here", "remove it"},
		{"Transfer-Encoding", "chunked", "cannot be set here", "remove it"},
		{"Accept-Encoding", "gzip", "cannot be set here", "remove it"},
		{"If-Match", "*", "cannot be set here", "write.if_match"},
		{"Cookie", "canary=1", "cannot be set here", "header: {name: Cookie"},
		{"authorization", "canary", "is the header that auth sets", "one place"},
		{"Bad Name", "x", "is not the name of a header", "Api-Version"},
		{"", "x", "is not the name of a header", "Api-Version"},
		{"X-Key", "canary\n", "contains a line break", "remove it"},
		{"Content-Type", "text/csv; canary", "is not a type of JSON", "vnd.api+json"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			s.Headers = map[string]config.Secret{c.name: config.Secret(c.value)}
			found := faultsOf(t, s, "https://crm.example.com")
			if len(found) != 1 || found[0].path != strings.TrimSuffix("headers."+c.name, ".") && found[0].path != "headers."+c.name ||
				!strings.Contains(found[0].problem, c.problem) || !strings.Contains(found[0].remedy, c.remedy) || strings.Contains(found[0].problem+found[0].remedy, "canary") {
				t.Errorf("got %+v", found)
			}
			if _, err := Open("crm", config.Connection{BaseURL: "http://127.0.0.1:1"}, s, connector.Deps{}); err == nil {
				t.Error("Open accepts what Check refuses")
			}
		})
	}
	t.Run("the header of auth", func(t *testing.T) {
		s := full()
		s.Auth = &Auth{Header: &HeaderAuth{Name: "x-api-key", Value: token}}
		s.Headers = map[string]config.Secret{"X-Api-Key": "k", "Authorization": "Bearer k"} // Supabase wants both
		if found := faultsOf(t, s, "https://crm.example.com"); len(found) != 1 || found[0].path != "headers.X-Api-Key" {
			t.Errorf("got %+v", found)
		}
	})
	t.Run("one name in two cases", func(t *testing.T) {
		s := full()
		s.Headers = map[string]config.Secret{"X-Version": "1", "x-version": "2"}
		if found := faultsOf(t, s, "https://crm.example.com"); len(found) != 1 || found[0].path != "headers.x-version" {
			t.Errorf("got %+v", found)
		}
	})
}

func TestAHeaderIsReadFromTheEnvironmentOrAFile(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("from-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := `connections:
  crm:
    type: http
    base_url: https://crm.example.com
    headers:
      Api-Version: 2024-10-15
      X-Key: ${CRM_KEY}
      X-Other_file: ` + key + `
    read: {get: "/c/{id}"}
    record: {id: record.id, status: record.status}
`
	for _, f := range connections(t, file) {
		t.Errorf("%+v", f)
	}
	faults := connections(t, strings.ReplaceAll(file, "X-Key: ${CRM_KEY}", "X-Other: a\n      X-Number: 3\n      X-Empty: \"\"\n      Host: b"))
	want := []struct {
		line int
		path string
	}{{8, "connections.crm.headers.X-Number"}, {9, "connections.crm.headers.X-Empty"}, {10, "connections.crm.headers.Host"}, {11, "connections.crm.headers.X-Other_file"}}
	got := map[string]int{}
	for _, f := range faults {
		got[f.Path] = f.Line
	}
	for _, w := range want {
		if got[w.path] != w.line {
			t.Errorf("no fault in line %d about %s: %+v", w.line, w.path, faults)
		}
	}
}
