package gohighlevel

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

// What HighLevel answers and what that means for a customer. The bodies are of
// the forms that it is known to send.
func TestWhatEachAnswerMeans(t *testing.T) {
	const none, unknown = connector.EffectNone, connector.EffectUnknown
	tests := []struct {
		name        string
		status      int
		body        string
		header      http.Header
		read, write connector.FailureKind
		effect      connector.Effect
		after       time.Duration
		says        string
	}{
		{"a contact that is not there", 400, `{"message":"Contact not found for id:canary","error":"Bad Request","statusCode":400}`, nil, connector.Gone, connector.Gone, none, 0, "deleted or merged"},
		{"the same in other words", 400, `{"message":"Contact with id canary not found","statusCode":400}`, nil, connector.Gone, connector.Gone, none, 0, ""},
		{"a value it does not take", 400, `{"message":"Invalid Custom Field Value \"canary\" for \"f1\"","statusCode":400}`, nil, connector.Refused, connector.Refused, none, 0, "refused"},
		{"an unknown key", 422, `{"statusCode":422,"message":["property canary should not exist"],"error":"Unprocessable Entity"}`, nil, connector.Refused, connector.Refused, none, 0, "refused"},
		{"an expired token", 401, `{"statusCode":401,"message":"Invalid JWT","error":"Unauthorized"}`, nil, connector.Unauthorized, connector.Unauthorized, none, 0, "rotated or deleted"},
		{"a missing scope", 401, `{"statusCode":401,"message":"The token is not authorized for this scope.","error":"Unauthorized"}`, nil, connector.Unauthorized, connector.Unauthorized, none, 0, "lacks the scope contacts."},
		{"no version", 401, `{"message":"version header was not found."}`, nil, connector.Misconfigured, connector.Misconfigured, none, 0, "header Version"},
		{"another location", 403, `{"message":"The token does not have access to this location.","statusCode":403}`, nil, connector.Unauthorized, connector.Unauthorized, none, 0, "correct location_id"},
		{"403 without a reason", 403, `{}`, nil, connector.Unauthorized, connector.Unauthorized, none, 0, "a location other than"},
		{"a wrong path", 404, `{"message":"Cannot GET /v9/contacts/canary","error":"Not Found","statusCode":404}`, nil, connector.Misconfigured, connector.Misconfigured, none, 0, "base_url"},
		{"a plain 404", 404, `{}`, nil, connector.Gone, connector.Gone, none, 0, ""},
		{"the burst is used up", 429, `{"message":"Too Many Requests canary"}`, http.Header{"X-Ratelimit-Interval-Milliseconds": {"7000"}}, connector.RateLimited, connector.RateLimited, none, 7 * time.Second, ""},
		{"and says nothing", 429, ``, http.Header{"X-Ratelimit-Interval-Milliseconds": {"-"}}, connector.RateLimited, connector.RateLimited, none, 10 * time.Second, ""},
		{"and says when", 429, `{}`, http.Header{"Retry-After": {"3"}}, connector.RateLimited, connector.RateLimited, none, 3 * time.Second, ""},
		{"the day is used up", 429, `{}`, http.Header{"X-Ratelimit-Daily-Remaining": {"0"}, "X-Ratelimit-Limit-Daily": {"200000"}}, connector.RateLimited, connector.RateLimited, none, 15 * time.Minute, ""},
		{"it failed", 500, `{"message":"canary"}`, nil, connector.Transient, connector.Transient, unknown, 0, ""},
		{"a gateway's page", 502, `<html>canary</html>`, nil, connector.Transient, connector.Transient, unknown, 0, ""},
		{"a page", 200, `<!doctype html>canary`, nil, connector.Misconfigured, connector.Misconfigured, unknown, 0, "web page"},
		{"nothing", 200, ``, nil, connector.Misconfigured, connector.Misconfigured, unknown, 0, ""},
		{"no contact", 200, `{"contact":null}`, nil, connector.Misconfigured, connector.Misconfigured, unknown, 0, ""},
		{"a contact whose time is none", 200, `{"contact":{"id":"ada","dateUpdated":"canary"}}`, nil, connector.Misconfigured, connector.Misconfigured, unknown, 0, ""},
		{"a redirect", 302, ``, http.Header{"Location": {"/canary"}}, connector.Misconfigured, connector.Misconfigured, unknown, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := account(t)
			c := open(t, a, settings(), following("customer_status"))
			record := read(t, c, "ada")
			a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/contacts/ada") {
					return false
				}
				h := w.Header()
				h.Set("Content-Type", "application/json")
				h.Del("X-RateLimit-Daily-Remaining")
				h.Del("X-RateLimit-Interval-Milliseconds")
				for name, values := range tt.header {
					h[name] = values
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
				return true
			})
			_, err := c.Target.Read(t.Context(), "ada")
			f := fails(t, err, tt.read, none)
			g := fails(t, written(c.Target.Write(t.Context(), record, "Paused")), tt.write, tt.effect)
			for _, got := range []*connector.Failure{f, g} {
				if got.RetryAfter != tt.after {
					t.Errorf("to be left alone for %s, want %s", got.RetryAfter, tt.after)
				}
				if !strings.Contains(got.Error(), tt.says) || strings.Contains(got.Error()+got.Code, "canary") {
					t.Errorf("it says %q (%s)", got, got.Code)
				}
			}
		})
	}
}

// A list that lacks what it must have is not an empty one.
func TestAnAnswerThatListsNothingIsNoEmptyList(t *testing.T) {
	for path, ask := range map[string]func(context.Context, connector.Connection) error{
		"/contacts/search": func(ctx context.Context, c connector.Connection) error {
			_, err := c.Target.Find(ctx, "email", "x@example.com")
			return err
		},
		"/locations/" + ghltest.LocationID + "/customFields": func(ctx context.Context, c connector.Connection) error {
			_, err := c.Target.Read(ctx, "ada")
			return err
		},
	} {
		for _, body := range []string{`{}`, `{"contacts":null,"customFields":null}`, `[]`, `{"contacts":[{"id":""}],"customFields":{}}`,
			`{"contacts":[{"id":"c1","locationId":"` + ghltest.OtherLocation + `"}],"customFields":[{"id":7}]}`} {
			a := account(t)
			c := open(t, a, settings(), following("customer_status"))
			a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write([]byte(body))
				}
				return r.URL.Path == path
			})
			if err := ask(t.Context(), c); connector.FailureOf(err).Kind != connector.Misconfigured {
				t.Errorf("%s with %s: %v", path, body, err)
			}
		}
	}
}

func TestAListThatDoesNotGoOnEnds(t *testing.T) {
	a := many(t, 150)
	c := open(t, a, settings(), following("customer_status"))
	_, next, err := c.TargetList.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	a.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/contacts/search" {
			return false
		}
		row := `{"id":"c1","searchAfter":` + next + `}`
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"contacts":[` + strings.Join(slices.Repeat([]string{row}, pageSize), ",") + `]}`))
		return true
	})
	_, _, err = c.TargetList.List(t.Context(), next)
	fails(t, err, connector.Misconfigured, connector.EffectNone)
}

// told is a gate that is told of the day's calls.
type told struct{ left, limit int }

func (*told) Wait(context.Context) error  { return nil }
func (g *told) Remaining(left, limit int) { g.left, g.limit = left, limit }

func TestTheGateHearsWhatIsLeftOfTheDay(t *testing.T) {
	a := account(t)
	a.Daily(4321)
	g := &told{}
	c := open(t, a, settings(), following("customer_status"), func(d *connector.Deps) { d.Gate = g })
	read(t, c, "ada")
	if g.limit != 200000 || g.left > 4320 || g.left < 4300 {
		t.Errorf("it heard %d of %d", g.left, g.limit)
	}
}

// background is a gate that lets no list through.
type foreground struct{}

func (foreground) Wait(ctx context.Context) error {
	if connector.InBackground(ctx) {
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, Detail: "later"}
	}
	return nil
}

func TestListsAndPollsAreInTheBackgroundAndNothingElseIs(t *testing.T) {
	a := account(t)
	c := open(t, a, settings(), following("customer_status"), func(d *connector.Deps) { d.Gate = foreground{} })
	for name, ask := range map[string]func() error{
		"the list of the target": func() error { _, _, err := c.TargetList.List(t.Context(), ""); return err },
		"the list of the source": func() error { _, _, err := c.SourceList.List(t.Context(), ""); return err },
		"a poll": func() error {
			_, _, _, err := c.Changes.Since(t.Context(), position{From: testNow}.String())
			return err
		},
	} {
		if connector.FailureOf(ask()).Kind != connector.RateLimited {
			t.Errorf("%s is not in the background", name)
		}
	}
	if err := written(c.Target.Write(t.Context(), read(t, c, "ada"), "Paused")); err != nil {
		t.Error(err)
	}
	if _, err := c.Target.Find(t.Context(), "email", "ada@example.com"); err != nil {
		t.Error(err)
	}
}
