package setup

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestWhatALookAtAToolFinds(t *testing.T) {
	html := func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>Sign in</title>")
		return true
	}
	for _, c := range []struct {
		name   string
		change func(w world, to map[string]string)
		ok     bool
		want   string // a point: state and text
	}{
		{"all is well", func(world, map[string]string) {}, true, "unknown We can’t tell yet if it can write"},
		{"the wrong token", func(w world, _ map[string]string) {
			w.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusUnauthorized); return true })
		}, false, "bad The token was refused"},
		{"a tool that answers HTML", func(w world, _ map[string]string) { w.crm.Instead(html) }, false, "bad It does not answer as expected"},
		{"a tool that is not there", func(w world, _ map[string]string) { w.crm.Close() }, false, "bad It could not be reached"},
		{"a tool without a list", func(_ world, to map[string]string) {
			to["description"], _, _ = strings.Cut(targetText, "\nlist:")
		}, true, "unknown We can’t check the token yet"},
		{"a tool that cannot be written", func(_ world, to map[string]string) {
			to["description"] = strings.Replace(targetText, "write: {put", "# write: {put", 1)
		}, false, "bad It can’t be written"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			_, to := w.tools()
			c.change(w, to)
			w.must(w.SetTool(Target, to))
			seen, err := w.Check(context.Background(), Target)
			w.must(err)
			found := false
			for _, p := range seen.Points {
				found = found || string(p.State)+" "+p.Text == c.want
			}
			if !found || seen.OK() != c.ok || w.Draft().Target.Checked != c.ok {
				t.Errorf("got %+v, want %q", seen.Points, c.want)
			}
		})
	}
}

// A tool whose next page is an earlier one, and whose pages are empty, is not asked for ever.
func TestAListThatReturnsToAnEarlierPageIsLeft(t *testing.T) {
	w := newWorld(t)
	circle := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		next := map[string]string{"": "a", "a": "b", "b": "a"}[r.URL.Query().Get("after")]
		fmt.Fprintf(out, `{"records":[],"next":%q}`, next)
	}))
	defer circle.Close()
	from, _ := w.tools()
	from["base_url"] = circle.URL
	w.must(w.SetTool(Source, from))
	_, err := w.Check(context.Background(), Source)
	w.must(err)
	if v := w.counted(Source); v.Err == nil || !strings.Contains(v.Err.Error(), "returned to an earlier page") {
		t.Errorf("counted %+v", v)
	}
}

func TestAToolWithoutAListIsCountedAsUnknown(t *testing.T) {
	w := newWorld(t)
	from, to := w.tools()
	from["description"], _, _ = strings.Cut(sourceText, "\nlist:")
	w.must(w.SetTool(Source, from))
	w.must(w.SetTool(Target, to))
	for _, side := range []Side{Source, Target} {
		_, err := w.Check(context.Background(), side)
		w.must(err)
	}
	if v := w.counted(Source); !v.NoList || v.Read != 0 {
		t.Errorf("counted %+v", v)
	}
	if got := w.Suggest().Values; len(got) != 0 {
		t.Error("values from nowhere:", got)
	}
	w.must(w.SetMap(MapAnswer{More: "active", To: map[status.Status]string{"active": "Active"}}))
	if d := w.Draft(); d.Done == Map || len(d.Values) != 1 || d.Values[0].Means != "active" {
		t.Errorf("after a value was added: %+v", d)
	}
	w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, true))
	if m := w.tested(false); m.Err == nil || !strings.Contains(m.Err.Error(), "has no list of its customers") {
		t.Errorf("the match test: %+v", m)
	}
}
