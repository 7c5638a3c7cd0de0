package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/vendorspec"
)

// shop is a small copy of a vendor's API, as its documentation shows it: what is
// not one of its calls fails the test, and so does a call without its headers.
type shop struct {
	t       *testing.T
	url     string
	mux     *http.ServeMux
	handler http.HandlerFunc
	need    map[string]string // headers of each call
	open    string            // the path that needs none
	granted int               // how many access tokens it gave
	spec    string            // the vendor whose published description each call and answer is checked by
	beside  string            // the path of a call that the description leaves out

	mu     sync.Mutex
	rows   []*shopRow
	byTime []*shopRow // the same, for a list by time
	pages  int        // how many pages of the list were asked for
	skips  bool       // the next page has no records, and is not the last
	most   int        // records on a page, where that is less than the tool's own
	wrote  []string

	words    []string // the options that the field has
	field    string   // the field's name
	text     bool     // it is no drop-down, and takes any text
	readOnly bool     // the credentials may not write
	denies   refusal  // to a request for an access token
	without  string   // a value in a body that the tool refuses, with invalid
	invalid  refusal
	ignores  string               // a value that is accepted and not kept
	missing  refusal              // to a read of a record that is gone, where the tool does not show it as deleted
	follows  bool                 // a read of a merged record answers with the one that remained
	instead  map[string][]refusal // answers to the next calls of a method
	observed func(r *http.Request)
	ended    func(r *http.Request) refusal // says no to credentials; nil takes them
}

type shopRow struct {
	n             int
	email, status string
	at            time.Time // when the status was set
	by            string    // who set it, in the tool's words; "" is a program
	touched       time.Time // when anything else was
	gone          bool
	into          int // the row that it was merged into
}

// edited is when the record was edited last.
func (r *shopRow) edited() time.Time {
	if r.touched.After(r.at) {
		return r.touched
	}
	return r.at
}

// sought is the address of the last record, which stands on the last page; an
// apostrophe ends a text of most query languages.
const sought = "o'brien+1@example.com"

// newShop has as many records as fill a page, and one more.
func newShop(t *testing.T, size int) *shop {
	s := &shop{t: t, mux: http.NewServeMux(), words: []string{"Active", "Paused", "Churned"}, instead: map[string][]refusal{}}
	for n := 1; n <= size+1; n++ {
		s.rows = append(s.rows, &shopRow{n: n, email: mail(n), at: time.Now().Add(-time.Hour)})
	}
	s.rows[size].email = sought
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("no such call: %s %s", r.Method, r.URL.RequestURI())
		http.NotFound(w, r)
	})
	strict := sync.OnceValue(func() http.Handler {
		if s.spec == "" {
			return http.HandlerFunc(s.answer)
		}
		return vendorspec.Strict(t, s.spec, http.HandlerFunc(s.answer))
	})
	s.handler = func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for name, value := range s.need {
			if got := r.Header.Get(name); r.URL.Path != s.open && got != value && (s.open == "" || !strings.HasPrefix(got, value)) {
				s.t.Errorf("%s %s has the %s %q", r.Method, r.URL.RequestURI(), name, got)
			}
		}
		if r.URL.Path == s.beside {
			s.answer(w, r)
			return
		}
		strict().ServeHTTP(w, r)
	}
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// answer gives what stands instead of the tool's answer, or that.
func (s *shop) answer(w http.ResponseWriter, r *http.Request) {
	no := refusal{}
	if s.observed != nil {
		s.observed(r)
	}
	if r.URL.Path == s.open {
		no = s.denies
	} else if s.ended != nil && s.ended(r).code != 0 {
		no = s.ended(r)
	} else if waiting := s.instead[r.Method]; len(waiting) > 0 {
		no, s.instead[r.Method] = waiting[0], waiting[1:]
	} else if s.without != "" && (r.Method == http.MethodPatch || r.Method == http.MethodPut) {
		text, _ := io.ReadAll(r.Body)
		if r.Body = io.NopCloser(bytes.NewReader(text)); bytes.Contains(text, []byte(s.without)) {
			no = s.invalid
		}
	}
	if no.code == 0 {
		s.mux.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if no.code == http.StatusTooManyRequests || no.wait {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(no.code)
	_ = json.NewEncoder(w).Encode(no.body)
}

// shown answers a read of one record.
func (s *shop) shown(row *shopRow, shape func(*shopRow) any) any {
	switch {
	case row.into > 0 && s.follows:
		return shape(s.rows[row.into-1])
	case (row.gone || row.into > 0) && s.missing.code != 0:
		return s.missing
	}
	return shape(row)
}

// refusal is an answer that says no in the vendor's own words.
type refusal struct {
	code int
	body any
	wait bool // says for how long, although it is no 429
}

func (s *shop) on(pattern string, answer func(r *http.Request) any) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		v := answer(r)
		switch said := v.(type) {
		case int:
			w.WriteHeader(said)
			return
		case refusal:
			w.WriteHeader(said.code)
			v = said.body
		}
		if err := json.NewEncoder(w).Encode(v); err != nil {
			s.t.Error(err)
		}
	})
}

// id returns the record of a path, or of any text with its number.
func (s *shop) id(r *http.Request) *shopRow { return s.row(r.PathValue("id")) }

func (s *shop) row(id string) *shopRow {
	n, err := strconv.Atoi(strings.TrimLeft(id, "r0"))
	if err != nil || n < 1 || n > len(s.rows) {
		s.t.Errorf("no record %q", id)
		return s.rows[0]
	}
	return s.rows[n-1]
}

// found are the records with an address.
func (s *shop) found(address string, shape func(*shopRow) any) []any {
	all := []any{}
	for _, r := range s.rows {
		if r.email == address && !r.gone && r.into == 0 {
			all = append(all, shape(r))
		}
	}
	return all
}

// page is the part of the list behind the record that a cursor names.
func (s *shop) page(after string, size int, shape func(*shopRow) any) (all []any, next string) {
	return s.pageOf(after, size, func(*shopRow) bool { return true }, shape)
}

// pageOf is the same of the records that are asked for.
func (s *shop) pageOf(after string, size int, asked func(*shopRow) bool, shape func(*shopRow) any) (all []any, next string) {
	s.pages++
	if s.most > 0 {
		size = min(size, s.most)
	}
	all = []any{}
	if s.skips {
		s.skips = false
		return all, "~" + after
	}
	from, _ := strconv.Atoi(strings.TrimLeft(after, "~r0"))
	for i, r := range s.rows[min(from, len(s.rows)):] {
		if !asked(r) {
			continue
		}
		if len(all) == size {
			return all, strconv.Itoa(from + i)
		}
		all = append(all, shape(r))
	}
	return all, ""
}

// write sets a status from a body, by the names on the way to it.
func (s *shop) write(row *shopRow, r *http.Request, way ...string) *shopRow {
	var v any = s.body(r)
	for _, name := range way {
		switch in := v.(type) {
		case map[string]any:
			if v = in[name]; len(in) != 1 {
				s.t.Errorf("%s writes more than the status: %v", r.URL, in)
			}
		case []any:
			v = in[0].(map[string]any)[name]
		}
	}
	if s.ignores != "" && fmt.Sprint(v) == s.ignores {
		return row
	}
	row.status, row.at, row.by = fmt.Sprint(v), time.Now(), ""
	s.wrote = append(s.wrote, fmt.Sprintf("%d: %s", row.n, row.status))
	return row
}

func (s *shop) body(r *http.Request) map[string]any {
	var body map[string]any
	text, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(text, &body); err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	return body
}

func (s *shop) status(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[n-1].status
}

// set is what a person does in the tool.
func (s *shop) set(n int, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[n-1].status, s.rows[n-1].at = status, time.Now()
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func at(r *shopRow) string { return stamp(r.at) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type object = map[string]any
