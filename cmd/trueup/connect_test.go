package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

// ghl starts a HighLevel account and puts into the environment where it is,
// and where a person comes back to.
func ghl(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv("REDIRECT", "http://"+listener.Addr().String()+"/callback")
		ts.Check(listener.Close())
		ts.Setenv("GHL_URL", ghltest.New(t).URL)
		ts.Setenv("GHL_LOCATION", ghltest.LocationID)
		ts.Setenv("GHL_CLIENT", ghltest.ClientID)
		ts.Setenv("GHL_SECRET", ghltest.ClientSecret)
	}
}

var page = regexp.MustCompile(`https://marketplace\.gohighlevel\.com/\S+`)

// consent waits until a command shows the page of a consent in the file and
// comes back from it with a code, after a stranger has tried to.
func consent(ts *testscript.TestScript, _ bool, args []string) {
	var found string
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); found == ""; <-ticker.C {
		if time.Now().After(deadline) {
			ts.Fatalf("no page was shown")
		}
		if text, err := os.ReadFile(ts.MkAbs(args[0])); err == nil {
			found = page.FindString(string(text))
		}
	}
	u, err := url.Parse(found)
	ts.Check(err)
	state, back := u.Query().Get("state"), u.Query().Get("redirect_uri")
	for _, visit := range []struct {
		query string
		want  int
	}{
		{"?code=stolen&state=guessed", http.StatusBadRequest},
		{"?code=stolen", http.StatusBadRequest},
		{"x?code=stolen&state=" + state, http.StatusNotFound},
		{"?code=" + args[1] + "&state=" + state, http.StatusOK},
	} {
		resp, err := http.Get(back + visit.query)
		ts.Check(err)
		_, err = io.Copy(io.Discard, resp.Body)
		ts.Check(err)
		ts.Check(resp.Body.Close())
		if resp.StatusCode != visit.want {
			ts.Fatalf("%s is answered %d", visit.query, resp.StatusCode)
		}
	}
}
