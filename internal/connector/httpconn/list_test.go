package httpconn

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// pagingTool lists seven records, three a page, and is asked in one of the ways
// that tools have.
type pagingTool struct {
	mu    sync.Mutex
	asked []string
	// page gives the number of the first record from the request, and adds to the
	// answer where the next one begins.
	page func(r *http.Request, body map[string]any, more bool, next int, answer map[string]any, h http.Header) (from int)
}

func (p *pagingTool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, _ := io.ReadAll(r.Body)
	p.asked = append(p.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+string(text)))
	var body map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &body); err != nil || r.Header.Get("Content-Type") != "application/json" {
			reply(w, http.StatusUnsupportedMediaType, nil)
			return
		}
	}
	answer := map[string]any{}
	from := p.page(r, body, false, 0, map[string]any{}, http.Header{})
	to := min(from+3, 7)
	p.page(r, body, to < 7, to, answer, w.Header())
	records := []any{}
	for i := from; i < to; i++ {
		records = append(records, map[string]any{"id": fmt.Sprintf("c%d", i), "status": "A", "updated_at": now.Add(-time.Minute).Unix()})
	}
	answer["records"] = records
	reply(w, http.StatusOK, answer)
}

func query(r *http.Request, name string) int { n, _ := strconv.Atoi(r.URL.Query().Get(name)); return n }

// ways are the lists of the tools that people have, each as it is written.
var ways = map[string]struct {
	list List
	page func(r *http.Request, body map[string]any, more bool, next int, answer map[string]any, h http.Header) int
	// second is what the tool is asked for its second page.
	second string
}{
	"a cursor in the address": {List{Get: "/c?after={cursor}", Records: "body.records", Next: "body.?next"},
		func(r *http.Request, _ map[string]any, more bool, next int, answer map[string]any, _ http.Header) int {
			if more {
				answer["next"] = strconv.Itoa(next)
			}
			return query(r, "after")
		}, "GET /api/c?after=3"},
	"a page number that the answer does not repeat": {List{Get: "/c?page={cursor}", First: "1", Records: "body.records", Next: `size(body.records) == 3 ? string(int(cursor) + 1) : ""`},
		func(r *http.Request, _ map[string]any, _ bool, _ int, _ map[string]any, _ http.Header) int {
			return (query(r, "page") - 1) * 3
		}, "GET /api/c?page=2"},
	"an offset": {List{Get: "/c?offset={cursor}", First: "0", Records: "body.records", Next: `size(body.records) == 3 ? string(int(cursor) + 3) : ""`},
		func(r *http.Request, _ map[string]any, _ bool, _ int, _ map[string]any, _ http.Header) int {
			return query(r, "offset")
		}, "GET /api/c?offset=3"},
	"a cursor in a body": {List{Post: "/c/query", Body: map[string]any{"page_size": int64(3), "start_cursor": "{cursor}"}, Records: "body.records", Next: "body.?next_cursor"},
		func(_ *http.Request, body map[string]any, more bool, next int, answer map[string]any, _ http.Header) int {
			if more {
				answer["next_cursor"] = "at " + strconv.Itoa(next)
			}
			from := 0
			fmt.Sscanf(fmt.Sprint(body["start_cursor"]), "at %d", &from)
			return from
		}, `POST /api/c/query {"page_size":3,"start_cursor":"at 3"}`},
	"an offset as a number in a body": {List{Post: "/c/query", Body: map[string]any{"offset": "{cursor|number}"}, First: "0", Records: "body.records", Next: `size(body.records) == 3 ? string(int(cursor) + 3) : ""`},
		func(_ *http.Request, body map[string]any, _ bool, _ int, _ map[string]any, _ http.Header) int {
			return int(body["offset"].(float64))
		}, `POST /api/c/query {"offset":3}`},
	"an address of its own for the next page": {List{Get: "/c", Records: "body.records", NextURL: "body.?links.?next"},
		func(r *http.Request, _ map[string]any, more bool, next int, answer map[string]any, _ http.Header) int {
			if more {
				answer["links"] = map[string]any{"next": fmt.Sprintf("http://%s/api/c?at=%d&x=a%%2Fb", r.Host, next)}
			}
			return query(r, "at")
		}, "GET /api/c?at=3&x=a%2Fb"},
	"an address beside that of the list, from the root": {List{Get: "/c", Records: "body.records", NextURL: "body.?next"},
		func(r *http.Request, _ map[string]any, more bool, next int, answer map[string]any, _ http.Header) int {
			if more {
				answer["next"] = fmt.Sprintf("/other/c?at=%d", next)
			}
			return query(r, "at")
		}, "GET /other/c?at=3"},
	"a query alone": {List{Get: "/c?x=1", Records: "body.records", NextURL: "body.?next"},
		func(r *http.Request, _ map[string]any, more bool, next int, answer map[string]any, _ http.Header) int {
			if more {
				answer["next"] = fmt.Sprintf("?at=%d", next)
			}
			return query(r, "at")
		}, "GET /api/c?at=3"},
	"a Link header": {List{Get: "/c", Records: "body.records", NextURL: "headers.?link"},
		func(r *http.Request, _ map[string]any, more bool, next int, _ map[string]any, h http.Header) int {
			h.Add("Link", `</api/c?at=0>; rel="first"`)
			if more {
				h.Add("Link", fmt.Sprintf(`<http://%s/api/c?at=%d>; title="a, b; c"; rel="next"`, r.Host, next))
			}
			return query(r, "at")
		}, "GET /api/c?at=3"},
}

func TestEveryWayToNameTheNextPageIsWalkedToItsEnd(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			tool := &pagingTool{page: way.page}
			s := full()
			s.List = &way.list
			for _, f := range faultsOf(t, s, "http://127.0.0.1:9002") {
				t.Errorf("%s: %s; %s", f.path, f.problem, f.remedy)
			}
			c := connect(t, s, tool)
			var ids []string
			cursor := ""
			for {
				records, next, err := c.TargetList.List(t.Context(), cursor)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					ids = append(ids, r.ID)
				}
				if cursor = next; cursor == "" {
					break
				}
			}
			if got := strings.Join(ids, " "); got != "c0 c1 c2 c3 c4 c5 c6" {
				t.Errorf("the list has %s", got)
			}
			if tool.asked[1] != way.second {
				t.Errorf("the second page is asked for with %s", tool.asked[1])
			}
			events, _, err := walk(t, c.Changes, stamp(now.Add(-time.Hour)))
			if err != nil || idsOf(events) != "c0 c1 c2 c3 c4 c5 c6" {
				t.Errorf("a poll finds %s, %v", idsOf(events), err)
			}
		})
	}
}

func TestNothingIsSentToAnotherOrigin(t *testing.T) {
	for _, next := range []string{"https://127.0.0.1:1/c", "http://other.example/c", "//other.example/c", "http://user@HOST/c", "ftp://HOST/c", "mailto:x@HOST", "http://HOST:99999/c", "http://[::1/c", "/c d"} {
		calls := 0
		tool := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			reply(w, 200, map[string]any{"records": []any{}, "next": strings.ReplaceAll(next, "HOST", r.Host)})
		})
		s := full()
		s.List = &List{Get: "/c", Records: "body.records", NextURL: "body.next"}
		_, _, err := connect(t, s, tool).TargetList.List(t.Context(), "")
		f := wantKind(t, err, connector.Misconfigured, connector.EffectNone)
		if calls != 1 || !strings.Contains(f.Detail, "list.next_url: the ") || strings.Contains(f.Detail, "example") {
			t.Errorf("%s: %d calls, %q", next, calls, f.Detail)
		}
	}
}

func TestAPollAsksOnePageAnAnswerAndGoesOnWhereItWas(t *testing.T) {
	tool := newCRM(t)
	for i := range 5 {
		tool.add(fmt.Sprintf("c%d", i+1), map[string]any{"updated_at": stamp(now.Add(-time.Minute))})
	}
	down := false
	s := full()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		tool.ServeHTTP(w, r)
	})
	begun := stamp(now.Add(-time.Hour))
	first, cursor, more, err := connect(t, s, handler).Changes.Since(t.Context(), begun)
	if err != nil || !more || idsOf(first) != "c1 c2" || len(tool.seen()) != 1 {
		t.Fatalf("the first answer has %s, more %t, %v", idsOf(first), more, err)
	}
	down = true
	_, next, _, err := connect(t, s, handler).Changes.Since(t.Context(), cursor)
	if f := wantKind(t, err, connector.RateLimited, connector.EffectNone); f.RetryAfter != 7*time.Second || next != "" {
		t.Errorf("got %+v and position %q", f, next)
	}
	down = false
	rest, end, err := walk(t, connect(t, s, handler).Changes, cursor) // as after a restart
	if err != nil || idsOf(rest) != "c3 c4 c5" || end != stamp(now.Add(-time.Minute)) {
		t.Errorf("after it the poll finds %s and ends at %s, %v", idsOf(rest), end, err)
	}
	if got := tool.seen(); !slices.Equal(got, []string{"GET /api/customers?limit=2", "GET /api/customers?limit=2&after=c2", "GET /api/customers?limit=2&after=c4"}) {
		t.Errorf("the tool saw %s", got)
	}
}

func TestACursorThatTheToolTakesNoMoreSaysSo(t *testing.T) {
	for _, code := range []int{400, 404, 410} {
		tool := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			reply(w, code, map[string]any{"error": "cursor_expired"})
		})
		c := connect(t, full(), tool)
		_, _, _, err := c.Changes.Since(t.Context(), fmt.Sprintf(`{"began":%q,"from":%q,"pages":1,"cursor":"c2","list":%q}`, stamp(now), stamp(now), full().List.name()))
		if f := connector.FailureOf(err); err == nil || !f.Anew || f.Status != code {
			t.Errorf("HTTP %d with a cursor: %+v", code, f)
		}
		_, _, err = c.SourceList.List(t.Context(), "c2")
		if f := connector.FailureOf(err); err == nil || !f.Anew {
			t.Errorf("HTTP %d to a sweep with a cursor: %+v", code, f)
		}
		_, _, _, err = c.Changes.Since(t.Context(), stamp(now))
		if f := connector.FailureOf(err); err == nil || f.Anew {
			t.Errorf("HTTP %d without a cursor: %+v", code, f)
		}
	}
}

// A list by id: what changes on a page that was read comes with the next walk.
func TestWhatChangesWhileAWalkLastsIsNotLost(t *testing.T) {
	tool := newCRM(t)
	clock := now
	for i := range 5 {
		tool.add(fmt.Sprintf("c%d", i+1), map[string]any{"updated_at": stamp(now.Add(-48 * time.Hour))})
	}
	c := connectAt(t, full(), tool, &clock).Changes
	_, cursor, _, err := c.Since(t.Context(), stamp(now.Add(-24*time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	clock = now.Add(5 * time.Minute)
	tool.set("c1", "updated_at", stamp(clock)) // its page was read
	clock = now.Add(3 * time.Hour)
	tool.set("c5", "updated_at", stamp(clock)) // its page was not
	found, cursor, err := walk(t, c, cursor)
	if err != nil || idsOf(found) != "c5" {
		t.Fatalf("the walk finds %s, %v", idsOf(found), err)
	}
	if found, _, err = walk(t, c, cursor); err != nil || !strings.Contains(idsOf(found), "c1") {
		t.Errorf("the next walk finds %s, %v", idsOf(found), err)
	}
}

func TestTheTimeFromWhichChangesAreWantedIsAskedFor(t *testing.T) {
	from := now.Add(-time.Hour)
	for name, test := range map[string]struct {
		list  List
		first string // without a position
		later string
	}{
		"in an address": {List{Get: "/c?updated_after={since}&x=1"},
			"GET /api/c?x=1", "GET /api/c?updated_after=" + url.QueryEscape(from.Add(-10*time.Minute).Format(time.RFC3339)) + "&x=1"},
		"in seconds, with an overlap": {List{Get: "/c?since={since}", SinceFormat: "unix", Overlap: time.Hour},
			"GET /api/c", "GET /api/c?since=" + strconv.FormatInt(from.Add(-time.Hour).Unix(), 10)},
		"in milliseconds, in a body": {List{Post: "/c", SinceFormat: "unix_ms", Body: map[string]any{"filter": map[string]any{"gt": "{since}", "n": "{since|number}"}}},
			`POST /api/c {"filter":{"gt":"0","n":0}}`, fmt.Sprintf(`POST /api/c {"filter":{"gt":"%d","n":%d}}`, from.Add(-10*time.Minute).UnixMilli(), from.Add(-10*time.Minute).UnixMilli())},
		"inside a query": {List{Get: "/c?q=updated>{since}"},
			"GET /api/c?q=updated>1970-01-01T00%3A00%3A00Z", "GET /api/c?q=updated>" + url.QueryEscape(from.Add(-10*time.Minute).Format(time.RFC3339))},
	} {
		t.Run(name, func(t *testing.T) {
			tool := &pagingTool{page: func(*http.Request, map[string]any, bool, int, map[string]any, http.Header) int { return 6 }}
			s := full()
			test.list.Records = "body.records"
			s.List = &test.list
			for _, f := range faultsOf(t, s, "http://127.0.0.1:9002") {
				t.Errorf("%s: %s; %s", f.path, f.problem, f.remedy)
			}
			c := connect(t, s, tool)
			for _, cursor := range []string{"", stamp(from)} {
				if _, _, err := walk(t, c.Changes, cursor); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := c.SourceList.List(t.Context(), ""); err != nil { // a sweep wants all
				t.Fatal(err)
			}
			if want := []string{test.first, test.later, test.first}; !slices.Equal(tool.asked, want) {
				t.Errorf("the tool is asked\n%s\nwant\n%s", strings.Join(tool.asked, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// connectAt opens a connection whose clock the test moves.
func connectAt(t *testing.T, s *Settings, tool http.Handler, clock *time.Time) connector.Connection {
	t.Helper()
	var conn connector.Connection
	base := ""
	conn = connect(t, s, tool)
	base = conn.Changes.(changes).rest.Base.String()
	c, err := Open("crm", config.Connection{Name: "crm", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, s,
		connector.Deps{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Now: func() time.Time { return *clock }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheLinkThatIsNextIsFound(t *testing.T) {
	for header, want := range map[string]string{
		`</a>; rel="next"`:                             "/a",
		`</a>; rel=next`:                               "/a",
		`</p>; rel="prev", </n>; rel="next"`:           "/n",
		`</p>; rel="prev last", </n>; REL="x NEXT"`:    "/n",
		`</a,b;c>; title="x, <y>; rel=next"; rel=next`: "/a,b;c",
		`</a>; rel="prev"; rel="next"`:                 "", // the first counts
		`</a>; rel="prev"`:                             "",
		`</a>`:                                         "",
		`</a; rel=next`:                                "",
		`< /a >; rel=next`:                             "/a",
		`nonsense`:                                     "",
		``:                                             "",
	} {
		if got := linkTo(header, "next"); got != want {
			t.Errorf("%s gives %q, want %q", header, got, want)
		}
	}
}

// FuzzNextPage guards that whatever a tool names as its next page, what is asked
// stays at the origin of base_url.
func FuzzNextPage(f *testing.F) {
	for _, s := range []string{"/a?b=c", "http://crm.example.com/x", "//evil.example", `<http://evil.example/>; rel="next"`, `</a>; rel=next`, "?x", "../../..", "http:/x", "\\evil", "/\\evil.example", "http://crm.example.com@evil.example/", "/%0d%0a"} {
		f.Add(s)
	}
	base, _ := url.Parse("http://crm.example.com/api")
	f.Fuzz(func(t *testing.T, address string) {
		if strings.HasPrefix(strings.TrimSpace(address), "<") {
			address = linkTo(address, "next")
		}
		path, problem := sameOrigin(base, "/api/c?x=1", address)
		if problem != "" {
			return
		}
		u, err := url.Parse("http://crm.example.com" + path)
		if err != nil || u.Host != "crm.example.com" || !strings.HasPrefix(path, "/") || u.User != nil {
			t.Fatalf("%q becomes %q", address, path)
		}
	})
}
