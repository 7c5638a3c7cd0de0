package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// halfSetUp is a set-up beside two tools of which only the last step is left.
func halfSetUp(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "trueup.yaml")
	s, err := setup.Open(setup.Options{Path: path, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	billing, crm := resttest.New(t), resttest.New(t)
	must(s.SetDirection(setup.DirectionAnswer{Source: "http", Target: "http", Sync: "customer-status"}))
	must(s.SetTool(setup.Source, map[string]string{"base_url": billing.URL, "token": resttest.Token, "webhook_secrets": "hook-token", "description": `webhook: {verify: {scheme: header, name: X-Token, secrets_file: WEBHOOK_SECRET}, id: event.id, customer: event.customer}
record: {id: record.id, status: record.status, keys: {email: record.email}}
read: {get: "/records/{id}", record: body}`}))
	must(s.SetTool(setup.Target, map[string]string{"base_url": crm.URL, "token": resttest.Token, "description": `record: {id: record.id, status: record.status, keys: {email: record.email}}
find: {get: "/records?{key}={value}", records: body.records}
read: {get: "/records/{id}", record: body}
write: {put: "/records/{id}", body: {status: "{value}"}}`}))
	must(s.Finish(setup.Connect))
	must(s.SetMap(setup.MapAnswer{More: "active", To: map[status.Status]string{"active": "Active"}}))
	must(s.Finish(setup.Map))
	must(s.SetMatch([]setup.Rule{{Source: "email", Target: "email", Confidence: 0.9}}, 0.8, true))
	must(s.Finish(setup.Event))
	must(s.Finish(setup.Try))
	return path
}

// printed calls a function with what a command prints.
type printed func(text string)

func (f printed) Write(text []byte) (int, error) {
	f(string(text))
	return len(text), nil
}

// An editor that saves in the moment in which the set-up has written the file must not
// leave a service behind that nobody stops.
func TestAServiceThatASetUpStartedEndsWithTheCommand(t *testing.T) {
	path := halfSetUp(t)
	links, at := make(chan string, 1), ""
	link := regexp.MustCompile(`http://\S+`)
	cmd := newRoot()
	cmd.SetArgs([]string{"run", "-c", path, "--log-format", "text", "--log-level", "error"})
	cmd.SetErr(printed(func(text string) { t.Log(text) }))
	cmd.SetOut(printed(func(text string) {
		if found := link.FindString(text); found != "" {
			links <- found
		}
		if strings.Contains(text, "is written") {
			if err := os.WriteFile(path, []byte("syncs: [\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
	}))
	ended := make(chan error)
	go func() { ended <- cmd.ExecuteContext(t.Context()) }()
	select {
	case at = <-links:
	case err := <-ended:
		t.Fatal("it has ended:", err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if got, err := client.Get(at); err != nil || got.StatusCode != http.StatusSeeOther {
		t.Fatal("the link is answered", got, err)
	}
	got, err := client.PostForm("http://"+u.Host+"/setup/watch", url.Values{"key": {strings.Repeat("k", 24)}, "limit": {"on"}})
	if err != nil || got.StatusCode != http.StatusSeeOther {
		t.Fatal("saving is answered", got, err)
	}
	if err := <-ended; err == nil {
		t.Error("it runs on a file with faults")
	}
	if got, err := http.Get("http://" + u.Host + "/readyz"); err == nil {
		t.Error("the service still answers:", got.Status)
	}
}
