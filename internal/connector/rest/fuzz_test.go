package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// machineWord is all that an answer may add to an error.
var machineWord = regexp.MustCompile(`^[A-Za-z_-]{0,40}$`)

// FuzzClassify guards that each status has the meaning of the table whatever
// stands in the answer, and that no free text of a body reaches an error.
func FuzzClassify(f *testing.F) {
	f.Add(500, "application/json", []byte(`{"error":{"code":"x"}}`))
	for _, status := range []int{100, 199, 200, 202, 204, 299, 300, 303, 304, 399, 400, 401, 403, 404, 408, 409, 410, 412, 418, 422, 425, 429, 499, 501, 503, 600} {
		f.Add(status, "application/json", []byte(`{"error":{"code":"anna@localhost","type":"card_error"}}`))
	}
	f.Add(200, "text/html", []byte(`<html>`))
	f.Add(302, "", []byte(`{"code":7,"error":[]}`))
	f.Add(409, "", []byte(`{"CODE":"x","code":"anna@example.com"}`))
	f.Add(422, "application/json", []byte(`{"error":{"code":"Ünbekannt","type":"card_error"}}`))
	f.Add(204, "text/html", []byte(" \r\n"))
	f.Add(-1, "TEXT/HTML", []byte("\x00"))
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		h := http.Header{"Content-Type": {contentType}}
		for _, write := range []bool{true, false} {
			fail := Classify(write, status, h, body, time.Minute)
			page := looksHTML(h, body)
			if (fail == nil) != (status >= 200 && status <= 299 && !page) {
				t.Fatalf("%d, page %v: %+v", status, page, fail)
			}
			if fail == nil {
				continue
			}
			if kind := meaning(write, page, status); fail.Kind != kind || fail.Status != status || fail.RetryAfter != time.Minute {
				t.Fatalf("%d is %+v, not %s", status, fail, kind)
			}
			// What a write did is open after a page, a redirect, a slow
			// gateway and a failure of the tool.
			open := write && (status < 400 || status > 499 || status == 408)
			if (fail.Effect == connector.EffectUnknown) != open {
				t.Fatalf("%d has effect %s", status, fail.Effect)
			}
			saysOnly(t, fail)
			if page && fail.Code != "" {
				t.Fatalf("the word %q comes from a page", fail.Code)
			}
		}
	})
}

func meaning(write, page bool, status int) connector.FailureKind {
	switch {
	case status >= 200 && status <= 399:
		return connector.Misconfigured
	case status == 401, status == 403:
		return connector.Unauthorized
	case page && (status == 404 || status == 410):
		return connector.Transient
	case status == 404, status == 410:
		return connector.Gone
	case write && (status == 409 || status == 412):
		return connector.Moved
	case status == 408, status == 409, status == 425:
		return connector.Transient
	case status == 429:
		return connector.RateLimited
	case status >= 400 && status <= 499:
		return connector.Refused
	}
	return connector.Transient
}

// saysOnly holds the text of a failure to a sentence of ours and one word.
func saysOnly(t *testing.T, f *connector.Failure) {
	t.Helper()
	if !machineWord.MatchString(f.Code) {
		t.Fatalf("the code %q is no machine word", f.Code)
	}
	ours := f.Detail
	if f.Code != "" {
		ours = strings.TrimSuffix(f.Detail, ": "+f.Code)
	}
	if !sentences[ours] {
		t.Fatalf("the detail %q is no sentence of ours", f.Detail)
	}
}

var sentences = map[string]bool{
	"the tool answered with a web page instead of data":                                 true,
	"the tool answered with a redirect; base_url must be the final address":             true,
	"the tool does not accept the credentials":                                          true,
	"the credentials do not allow this call":                                            true,
	"the tool has no such record":                                                       true,
	"the tool asked for a retry":                                                        true,
	"the record changed between reading and writing":                                    true,
	"the tool's rate limit is reached":                                                  true,
	"the tool refused the request":                                                      true,
	"the tool failed":                                                                   true,
	"the configured path does not make a valid address":                                 true,
	"a credential or another header value contains a line break or a control character": true,
	detailBroken: true,
}

// FuzzRetryAfter guards that we wait as long as a tool asks, an hour at most,
// and not at all for what is no time.
func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"3", "0", "-1", "+7", " 12 ", "3600", "3601", "9223372036854775807", "9223372036854775808", strings.Repeat("9", 60),
		"1.5", "1e3", "0x10", "١٢", "soon", "", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
		"Tue, 14 Nov 2023 22:13:50 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Tue, 14 Nov 2023 22:13:50 +0000", "5, 5", "5\x00"} {
		f.Add(v, int64(30))
	}
	f.Add("", int64(1)<<40)
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, value string, later int64) {
		wait := RetryAfter(value, now)
		if wait < 0 || wait > time.Hour {
			t.Fatalf("%q is %v", value, wait)
		}
		seconds, whole := new(big.Int).SetString(strings.TrimSpace(value), 10)
		_, notDate := http.ParseTime(strings.TrimSpace(value))
		switch {
		case whole:
			if want := clamp(seconds); wait != want {
				t.Fatalf("%q is %v, not %v", value, wait, want)
			}
		case notDate != nil && wait != 0:
			t.Fatalf("%q is %v and neither seconds nor a date", value, wait)
		}
		at := time.Unix(now.Unix()+later%(1<<34), 0).UTC()
		if got, want := RetryAfter(at.Format(http.TimeFormat), now), clamp(big.NewInt(at.Unix()-now.Unix())); got != want && at.Year() >= 0 && at.Year() <= 9999 {
			t.Fatalf("the date %s is %v, not %v", at.Format(http.TimeFormat), got, want)
		}
	})
}

// clamp is the wait for that many seconds. A number beyond 64 bits is a mistake
// and no time.
func clamp(seconds *big.Int) time.Duration {
	switch {
	case seconds.Sign() < 0 || !seconds.IsInt64():
		return 0
	case seconds.Cmp(big.NewInt(3600)) > 0:
		return time.Hour
	}
	return time.Duration(seconds.Int64()) * time.Second
}

type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// FuzzDo guards what a call may say afterwards: whatever a tool answers, an
// error holds nothing of what was sent, in whatever letter case, and nothing of
// the answer but one word that is not about the customer.
func FuzzDo(f *testing.F) {
	for _, s := range []struct {
		personal, secret, location, answer string
		status                             int
	}{
		{"anna.canary@example.com", "tok_canary", "", `{"error":"anna"}`, 400},
		{"anna.canary@example.com", "tok_canary", "", `{"error":{"code":"CANARY","message":"no anna.canary@example.com"}}`, 422},
		{"Mustermann", "tok_canary", "", `{"code":"mustermann"}`, 404},
		{"Mustermann", "tok_canary", "", `{"type":"resource_missing","error":"Tok_Canary"}`, 401},
		{"anna", "tok", "https://elsewhere.example/login?next=anna", "", 302},
		{"anna", "tok", "/%zz?email=anna", "", 303},
		{"anna", "tok", "http://[::1", "", 307},
		{"a b/c?d", "x\ny", "", `{}`, 200},
		{"é\xff", "tok", "", "\x00", 500},
	} {
		f.Add(s.personal, s.secret, s.location, []byte(s.answer), s.status, true)
		f.Add(s.personal, s.secret, s.location, []byte(s.answer), s.status, false)
	}
	base := &url.URL{Scheme: "http", Host: "tool.example", Path: "/api"}
	f.Fuzz(func(t *testing.T, personal, secret, location string, answer []byte, status int, write bool) {
		sent, err := json.Marshal(map[string]string{"name": personal})
		if err != nil {
			t.Fatal(err)
		}
		var asked *http.Request
		c := &Client{Base: base, Timeout: time.Minute, Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
			Authorize: func(r *http.Request) { r.SetBasicAuth("trueup", secret); r.Header.Set("X-Key", secret) },
			HTTP: &http.Client{Transport: answers(func(r *http.Request) (*http.Response, error) {
				asked = r
				h := http.Header{"Content-Type": {"application/json"}}
				if location != "" {
					h.Set("Location", location)
				}
				return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(bytes.NewReader(answer)), Request: r}, nil
			})}}
		req := Request{Method: "PUT", Path: "/customers/" + url.PathEscape(personal), Query: url.Values{"email": {personal}}, Body: sent, ContentType: "application/json", Write: write}
		got, err := c.Do(t.Context(), req)
		if err == nil {
			if status < 200 || status > 299 || !bytes.Equal(got.Body, answer) {
				t.Fatalf("%d %q is a success: %+v", status, answer, got)
			}
			return
		}
		var fail *connector.Failure
		if !errors.As(err, &fail) {
			t.Fatalf("%T is no Failure: %v", err, err)
		}
		saysOnly(t, fail)
		if fail.Effect == connector.EffectUnknown && !write {
			t.Fatalf("a read has an effect: %+v", fail)
		}
		if asked == nil && fail.Effect != connector.EffectNone {
			t.Fatalf("nothing was sent and the effect is %s", fail.Effect)
		}
		for _, s := range []string{personal, secret, req.Path, string(sent)} {
			if fail.Code != "" && strings.Contains(strings.ToLower(s), strings.ToLower(fail.Code)) {
				t.Fatalf("the code %q repeats a part of %q", fail.Code, s)
			}
		}
		// The cause is for programs, and must not be a way round.
		for cause := fail.Err; cause != nil; cause = errors.Unwrap(cause) {
			for _, s := range []string{personal, secret, location} {
				if len(s) > 3 && strings.Contains(cause.Error(), s) {
					t.Fatalf("the cause %q quotes %q", cause, s)
				}
			}
		}
	})
}
