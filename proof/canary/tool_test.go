package canary

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// tool is one account in a tool, which is Stripe or has the API of restAPI. It
// answers badly for the customers whose case says so, and then says all it
// knows: the credentials it was called with, and whose record it was.
type tool struct {
	URL string
	w   *world

	mu sync.Mutex
	// header and value are what each call must bring.
	header, value string
	// decides says that it is a source, where each call is the same place.
	decides bool
	people  []*person
	// down makes it answer every call badly.
	down   answer
	limits map[string]bool // who was told to wait already
	called map[string]int  // calls by place and case
}

// person is a customer as a tool has it.
type person struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	UpdatedAt string `json:"updated_at"`
	UpdatedBy string `json:"updated_by"`
	ETag      string `json:"etag"`
	of        string // the case
}

func newTool(w *world) *tool {
	t := &tool{w: w, limits: map[string]bool{}, called: map[string]int{}}
	server := httptest.NewServer(t)
	w.Cleanup(server.Close)
	t.URL = server.URL
	return t
}

// expect says what each call must bring. The service calls Slack as soon as it
// runs, while nothing else orders that call and this test.
func (t *tool) expect(header, value string) *tool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.header, t.value = header, value
	return t
}

// spoil makes it answer every call badly.
func (t *tool) spoil(a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down = a
}

// source makes it the side that decides.
func (t *tool) source() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decides = true
}

// calls is how often a place was called for a case.
func (t *tool) calls(place, of string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.called[place+" "+of]
}

// add makes a customer of a case known to the tool.
func (t *tool) add(p person) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.Email, p.Name, p.ETag = t.w.mail(p.of), "Ana "+t.w.name.core, `"1"`
	p.UpdatedAt = time.Now().UTC().Format(time.RFC3339Nano)
	t.people = append(t.people, &p)
}

// mail is the address of the customer of a case, in both tools.
func (w *world) mail(of string) string { return w.email.core + "." + of + "@example.com" }

// ServeHTTP implements http.Handler.
func (t *tool) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if got := r.Header.Get(t.header); got != t.value {
		t.w.Errorf("%s %s is called with %q", r.Method, r.URL.Path, got)
	}
	place, p := t.subject(r)
	if t.down != nil {
		t.down(t, rw, r, p)
		return
	}
	if p != nil {
		t.called[place+" "+p.of]++
		if c := cases[p.of]; c.place == place && c.answer != nil {
			c.answer(t, rw, r, p)
			return
		}
	}
	t.good(rw, r, p)
}

// subject returns which call it is and whose record it is about, nil for none.
func (t *tool) subject(r *http.Request) (place string, p *person) {
	q := r.URL.Query()
	switch {
	case q.Has("email"):
		place = "find"
	case r.Method == http.MethodPut:
		place = "write"
	default:
		place = "read"
	}
	if t.decides {
		place = "source"
	}
	for _, one := range t.people {
		if one.Email == q.Get("email") || one.ID == q.Get("customer") || strings.HasSuffix(r.URL.Path, "/"+one.ID) {
			return place, one
		}
	}
	return place, nil
}

// good answers as it should.
func (t *tool) good(w http.ResponseWriter, r *http.Request, p *person) {
	list := func(all ...any) object {
		if all == nil {
			all = []any{}
		}
		return object{"object": "list", "has_more": false, "data": all, "records": all}
	}
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v1/customers/") && p != nil:
		reply(w, http.StatusOK, object{"object": "customer", "id": p.ID, "email": p.Email, "name": p.Name})
	case path == "/v1/subscriptions" && p != nil:
		reply(w, http.StatusOK, list(object{"object": "subscription", "id": "sub_1", "status": p.Status, "customer": p.ID}))
	case r.Method == http.MethodPut && p != nil:
		var body struct{ Status string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.w.Errorf("a write cannot be read: %v", err)
		}
		p.Status, p.UpdatedBy, p.UpdatedAt = body.Status, "api:trueup", time.Now().UTC().Format(time.RFC3339Nano)
		reply(w, http.StatusOK, p)
	case strings.HasPrefix(path, "/records/") && p != nil:
		reply(w, http.StatusOK, p)
	case path == "/records":
		var found []any
		for _, one := range t.people {
			if q := r.URL.Query(); !q.Has("email") || one.Email == q.Get("email") {
				found = append(found, one)
			}
		}
		reply(w, http.StatusOK, list(found...))
	case strings.HasPrefix(path, "/v1/"):
		reply(w, http.StatusOK, list())
	default:
		reply(w, http.StatusNotFound, object{"error": "not_found"})
	}
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

// answer is a bad one. Nobody may be the subject.
type answer func(t *tool, w http.ResponseWriter, r *http.Request, p *person)

// indiscreet is a status with everything the tool knows in its headers and its
// body, where the machine word of the error stands too.
func indiscreet(code int, header ...string) answer {
	return func(t *tool, w http.ResponseWriter, r *http.Request, p *person) {
		all := t.gossip(r, p)
		h := w.Header()
		h.Set("WWW-Authenticate", `Bearer realm="`+all+`"`)
		h.Set("X-Request-Id", all)
		h.Set("Set-Cookie", "session="+t.value)
		h.Set("Retry-After", t.value)
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], strings.ReplaceAll(header[i+1], "{all}", all))
		}
		word := t.word(r)
		reply(w, code, object{"code": word, "type": word, "message": all, "errors": []string{all},
			"error": object{"code": word, "type": word, "message": all, "request": r.Header}})
	}
}

// gossip is what an indiscreet tool says.
func (t *tool) gossip(r *http.Request, p *person) string {
	all := fmt.Sprintf("no %s for %s", t.value, r.URL.RequestURI())
	if p != nil {
		all += fmt.Sprintf(" (%s, %s, edited by %s)", p.Name, p.Email, t.w.editor.core)
	}
	return all
}

// word is a text of letters out of what the tool was sent, which could pass for
// the machine word of an error.
func (t *tool) word(r *http.Request) string {
	if r.URL.Query().Has("email") {
		return t.w.email.core
	}
	for _, s := range t.w.secrets {
		if _, password, _ := r.BasicAuth(); strings.Contains(r.Header.Get(t.header)+password, s.core) {
			return s.core
		}
	}
	return ""
}

// page is a web page where data was wanted.
func page(t *tool, w http.ResponseWriter, r *http.Request, p *person) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, "<html><title>%s</title></html>", t.gossip(r, p))
}

// garbled is an answer whose parts are all of another kind than they should be.
func garbled(t *tool, w http.ResponseWriter, r *http.Request, p *person) {
	all := t.gossip(r, p)
	reply(w, http.StatusOK, object{all: all, "object": all, "id": object{all: 1}, "email": []string{all}, "status": object{all: all}, "updated_at": all,
		"updated_by": 7, "etag": object{}, "records": object{all: all}, "data": all, "next": 1})
}

// noJSON breaks off in the middle of a text.
func noJSON(t *tool, w http.ResponseWriter, r *http.Request, p *person) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"id": "`+t.gossip(r, p))
}

// raw writes an answer past net/http, which would refuse to.
func raw(text string) answer {
	return func(t *tool, w http.ResponseWriter, r *http.Request, p *person) {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.w.Error(err)
			return
		}
		io.WriteString(buffered, strings.ReplaceAll(text, "{all}", t.gossip(r, p)))
		buffered.Flush()
		conn.Close()
	}
}

// once tells each customer to wait, and lets the next call through: the whole
// connection rests meanwhile.
func once(t *tool, w http.ResponseWriter, r *http.Request, p *person) {
	if t.limits[p.of] {
		t.good(w, r, p)
		return
	}
	t.limits[p.of] = true
	indiscreet(http.StatusTooManyRequests, "Retry-After", "1")(t, w, r, p)
}

// troubles are all ways to answer badly.
var troubles = map[string]answer{
	"400":         indiscreet(http.StatusBadRequest),
	"401":         indiscreet(http.StatusUnauthorized),
	"404":         indiscreet(http.StatusNotFound),
	"409":         indiscreet(http.StatusConflict),
	"422":         indiscreet(http.StatusUnprocessableEntity),
	"500":         indiscreet(http.StatusInternalServerError),
	"redirect":    indiscreet(http.StatusFound, "Location", "https://elsewhere.example.com/?{all}"),
	"misdirect":   indiscreet(http.StatusFound, "Location", "://%zz{all}"),
	"page":        page,
	"garbled":     garbled,
	"nojson":      noJSON,
	"badstatus":   raw("HTTP/1.1 {all}\r\n\r\n"),
	"badheader":   raw("HTTP/1.1 200 OK\r\n{all}\r\n\r\n"),
	"badlength":   raw("HTTP/1.1 200 OK\r\nContent-Length: {all}\r\n\r\n"),
	"badchunk":    raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{all}\r\n"),
	"badencoding": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: {all}\r\n\r\n"),
	"toolong":     raw("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{} and {all}"),
	"cut":         raw("HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n{all}"),
}

// a kind of customer: where its trouble is, and what it is.
type trouble struct {
	place  string
	answer answer
}

// cases are all customers of each sync, by a name that is part of their ids.
var cases = func() map[string]trouble {
	all := map[string]trouble{"good": {}, "nobody": {}, "twice": {}, "edited": {}, "limited": {"find", once}}
	for name, a := range troubles {
		for _, place := range []string{"source", "find", "read", "write"} {
			all[name+"-"+place] = trouble{place, a}
		}
	}
	return all
}()

// populate makes every case a customer of both syncs.
func (w *world) populate() {
	auth := func(path string) string { return w.secret(path).text }
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth(auth("connections.ledger.auth.basic.user"), auth("connections.ledger.auth.basic.password"))
	w.billing.expect("Authorization", "Bearer "+auth("connections.billing.api_key")).source()
	w.crm.expect("Authorization", "Bearer "+auth("connections.crm.auth.bearer"))
	w.shop.expect("X-Api-Key", auth("connections.shop.auth.header.value")).source()
	w.ledger.expect("Authorization", basic.Header.Get("Authorization"))
	w.scenario.expect("X-Make-Apikey", auth("connections.scenario.api_key")).spoil(troubles["401"])
	w.location.expect("Authorization", "Bearer "+auth("connections.location.token")).spoil(troubles["422"])
	w.slack.spoil(troubles["401"])
	w.agency.spoil(troubles["401"]) // nobody has consented, so there is no token
	for name := range cases {
		for _, source := range []*tool{w.billing, w.shop} {
			source.add(person{of: name, ID: "cus_" + name, Status: "canceled"})
		}
		for _, target := range []*tool{w.crm, w.ledger} {
			p := person{of: name, ID: "rec_" + name, UpdatedBy: "api:other"}
			switch name {
			case "nobody":
				continue
			case "edited":
				p.Status, p.UpdatedBy = "Active", "human:"+w.editor.core
			case "twice":
				target.add(person{of: name, ID: "rec_too"})
			}
			target.add(p)
		}
	}
}
