package setup

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// listing lets a function answer the calls that list a tool's records.
func listing(tool *resttest.Tool, list func(w http.ResponseWriter, after string)) {
	tool.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("all") {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		list(w, r.URL.Query().Get("after"))
		return true
	})
}

func TestAMatchTestEndsWhereAListReturnsToAnEarlierPage(t *testing.T) {
	for _, c := range []struct {
		name string
		tool func(w world) *resttest.Tool
	}{
		{"of the tool that decides", func(w world) *resttest.Tool { return w.billing }},
		{"of the tool that follows", func(w world) *resttest.Tool { return w.crm }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.connect()
			w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, false))
			listing(c.tool(w), func(w http.ResponseWriter, after string) {
				next := map[string]string{"": "a", "a": "b", "b": "a"}[after]
				fmt.Fprintf(w, `{"records":[{"id":"r1","email":"c1@example.com","status":"active"}],"next":%q}`, next)
			})
			if m := w.tested(true); m.Err == nil || !strings.Contains(m.Err.Error(), "returned to an earlier page") {
				t.Errorf("it ended as %+v", m)
			}
		})
	}
}

// A test of all holds the target's records, so there is a number that it stops at: then
// the first customers are searched one by one, as in the first test.
func TestATargetWithTooManyRecordsIsTestedWithTheFirstCustomers(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, false))
	defer func(was int) { mostHeld = was }(mostHeld)
	mostHeld = 500
	page := strings.Repeat(`{"id":"x","email":"x@example.com","status":"Active"},`, mostHeld/10)
	pages := 0
	listing(w.crm, func(w http.ResponseWriter, _ string) {
		pages++
		fmt.Fprintf(w, `{"records":[%s],"next":"page-%d"}`, strings.TrimSuffix(page, ","), pages)
	})
	m := w.tested(true)
	if m.Err != nil || !m.Cut || m.All || m.Of != 6 || m.Found() != 4 {
		t.Errorf("it ended as %+v", m)
	}
	if pages > 12 {
		t.Errorf("%d pages were read", pages)
	}
}

// What is tested with rules or tokens that are no longer the ones entered asks no tool
// any more.
func TestAMatchTestThatNobodyWantsAnyMoreEnds(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w world) error
	}{
		{"after another rule", func(w world) error { return w.SetMatch([]Rule{{"id", "external_id", 1}}, 0.8, false) }},
		{"after another token", func(w world) error {
			_, to := w.tools()
			return w.SetTool(Target, to)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.connect()
			w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, false))
			asked, left := make(chan struct{}), make(chan struct{})
			w.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
				close(asked)
				<-r.Context().Done() // whoever asked has gone
				close(left)
				return true
			})
			w.must(w.TestMatch(false))
			<-asked
			w.must(c.change(w))
			select {
			case <-left:
			case <-time.After(10 * time.Second):
				w.Close()
				t.Fatal("it goes on")
			}
			if _, begun := w.MatchTest(); begun {
				t.Error("it is still shown")
			}
		})
	}
}
