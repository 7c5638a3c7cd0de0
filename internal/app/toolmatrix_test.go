package app_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/proof/tools"
)

// atTool is what the matrix has to know of a tool's fake.
type atTool struct {
	build   func(*shop)
	base    string
	method  string            // of a write
	value   map[string]string // of a word, where it is not the word
	person  string            // who edits, in the tool's words
	limit   refusal           // 429 unless the tool says it otherwise
	expired refusal
	page    int
}

var atTools = map[string]atTool{
	"activecampaign": {activecampaign, "https://example.api-us1.com", "PUT", nil, "", refusal{code: 429, body: object{"message": "Too Many Requests"}}, refusal{code: 401, body: object{"message": "You are unauthorized"}}, 100},
	"airtable": {airtable, "https://api.airtable.com", "PATCH", nil, "", refusal{code: 429, body: object{"errors": []any{object{"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Please try again later"}}}},
		refusal{code: 401, body: object{"error": object{"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}}}, 100},
	"hubspot": {hubspot, "https://api.hubapi.com", "PATCH", nil, "CRM_UI", hubspotRefusal(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit."),
		hubspotRefusal(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired"), 50},
	"intercom": {intercom, "https://api.intercom.io", "PUT", nil, "", intercomRefusal(429, "rate_limit_exceeded", "Exceeded rate limit"), intercomRefusal(401, "unauthorized", "Access Token Invalid"), 150},
	"notion": {notion, "https://api.notion.com", "PATCH", nil, "", refusal{code: 429, body: object{"object": "error", "status": 429, "code": "rate_limited", "message": "You have been rate limited."}},
		refusal{code: 401, body: object{"object": "error", "status": 401, "code": "unauthorized", "message": "API token is invalid."}}, 100},
	"pipedrive": {pipedrive, "https://example.pipedrive.com", "PATCH", map[string]string{"Active": "12", "Paused": "13", "Churned": "14", "Lead": "11"}, "", pipedriveRefusal(429, "request over limit", ""),
		pipedriveRefusal(401, "unauthorized access", ""), 500},
	"salesforce": {salesforce, "https://example.my.salesforce.com", "PATCH", nil, "005000000000002AAA", refusal{code: 403, wait: true, body: []any{object{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}}},
		salesforceRefusal(401, "INVALID_SESSION_ID", "Session expired or invalid"), 2000},
	"zendesk": {zendesk, "https://example.zendesk.com", "PUT", map[string]string{"Active": "status_active", "Paused": "status_paused", "Churned": "status_churned"}, "", refusal{code: 429, body: object{"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}},
		refusal{code: 401, body: object{"error": "Couldn't authenticate you"}}, 100},
}

func (a atTool) of(word string) string {
	if v, ok := a.value[word]; ok {
		return v
	}
	return word
}

var rateLimit = regexp.MustCompile(`rate_limit: \{requests: \d+, per: \w+\}`)

// unlimited are what lets an example's tools be called as often as a test likes.
func unlimited(example string) []string {
	if limit := rateLimit.FindString(docs.Examples[example]); limit != "" {
		return []string{limit, "rate_limit: {requests: 100000, per: 1s}"}
	}
	return nil
}

// stripeDecides is an account of Stripe with a customer for each situation, who is
// called by the number of their record.
func stripeDecides(t *testing.T) (billing *shop, replace []string) {
	billing = newShop(t, 94)
	stripe(billing)
	return billing, []string{"    type: stripe\n", "    type: stripe\n    base_url: " + billing.url + "\n"}
}

// shopFollows is what an example's tool is asked by the situations.
func shopFollows(s *shop, at atTool) follower {
	return follower{
		shows: func(n int, word string) bool { return s.status(n) == at.of(word) },
		edit: func(n int) {
			s.change(n, func(r *shopRow) { r.status, r.at, r.by = at.of("Lead"), time.Now(), at.person })
		},
		edited: "Lead",
		writes: func(n int) (count int) {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, w := range s.wrote {
				if strings.HasPrefix(w, fmt.Sprint(n, ": ")) {
					count++
				}
			}
			return count
		},
	}
}

// toolFollows starts the example of a tool that follows Stripe.
func toolFollows(t *testing.T, name, engine string) (*cell, func(tools.Situation) tools.Result) {
	at, s := atTools[name], newShop(t, 11)
	at.build(s)
	billing, replace := stripeDecides(t)
	cfg := exampleAt(t, name, append(append(replace, at.base, s.url), unlimited(name)...)...)
	cfg.Database = config.Secret(engines[engine](t))
	s.words, s.without = []string{"Active", "Churned"}, `"`+at.of("Paused")+`"`
	if name == "pipedrive" {
		s.without = ":" + at.of("Paused")
	}
	if name == "activecampaign" { // a word that is no option is said to be left out, not refused
		s.without, s.ignores = "", "Paused"
	}
	c := newCell(t, cfg, shopFollows(s, at))
	c.decider = atSources["stripe"].decides(c, billing, nil, started(t, cfg))
	return c, func(situation tools.Situation) tools.Result { return at.happen(c, s, situation) }
}

// happen makes what is the tool's own happen, and returns what became of the
// customer.
func (a atTool) happen(c *cell, s *shop, situation tools.Situation) tools.Result {
	switch situation {
	case tools.Option:
		var sent bool
		s.mu.Lock()
		s.observed = func(r *http.Request) { sent = sent || r.Method == a.method }
		s.mu.Unlock()
		c.changed(4, "paused")
		c.wants("the exception", c.asked(4), status.WriteFailed)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.observed = nil
		c.wants("the record", s.rows[3].status, "")
		switch {
		case !sent:
			return tools.NotSent
		case s.ignores != "":
			return tools.NotShown
		}
		return tools.Refused
	case tools.Limit:
		s.next(a.method, a.limit)
		c.carried(5, "active")
		c.wants("answers with the limit left", s.waiting(a.method), 0)
		c.wants("written", c.writes(5), 1)
		return tools.Waited
	case tools.Gone:
		c.carried(6, "churned")
		s.change(6, func(r *shopRow) { r.gone = true })
		c.changed(6, "active")
		c.wants("the exception", c.asked(6), status.BrokenLink)
		c.wants("the record", c.shows(6, "Churned"), true)
		return tools.Asked
	case tools.Merged:
		c.carried(7, "churned")
		s.change(7, func(r *shopRow) { r.into = 8 })
		c.changed(7, "active")
		if s.follows {
			c.until("the record that remained follows", func() bool { return c.shows(8, "Active") })
			c.wants("the merged record", c.shows(7, "Churned"), true)
			return tools.LinkMoves
		}
		c.wants("the exception", c.asked(7), status.BrokenLink)
		c.wants("the record that remained", s.status(8), "")
		return tools.Asked
	case tools.Token:
		c.carried(9, "churned")
		if s.open == "" {
			return c.told(s, a.expired)
		}
		return c.renewed(s, a.expired)
	}
	c.Fatalf("nothing makes %q happen", situation)
	return ""
}

// renewed has the first access token end while customer 9 becomes active.
func (c *cell) renewed(s *shop, expired refusal) tools.Result {
	c.T.Helper()
	s.end(func(r *http.Request) refusal {
		if r.Header.Get("Authorization") == "Bearer granted-1" {
			return expired
		}
		return refusal{}
	})
	c.carried(9, "active")
	s.mu.Lock()
	defer s.mu.Unlock()
	c.wants("access tokens", s.granted, 2)
	return tools.Renewed
}

// next is the next answer to a method, instead of the tool's.
func (s *shop) next(method string, no refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instead[method] = []refusal{no}
}

// end has the tool say no to credentials, nil to none.
func (s *shop) end(ended func(r *http.Request) refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = ended
}

func (s *shop) waiting(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.instead[method])
}

// Each cell of the first table in docs/connectors/README.md happens, on both engines,
// by the example as it is printed.
func TestWhatEachToolDoes(t *testing.T) {
	for _, tool := range tools.Targets {
		for engine := range engines {
			t.Run(tool.Name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				follows := toolFollows
				if _, ok := atTables[tool.Name]; ok {
					follows = tableFollows
				}
				c, own := follows(t, tool.Name, engine)
				c.happen(tool, tools.Situations, own)
			})
		}
	}
}

func TestTheTableOfTheToolsIsTheOneInTheDocuments(t *testing.T) {
	page, err := os.ReadFile("../../docs/connectors/README.md")
	if err != nil || !strings.Contains(string(page), tools.Markdown()) {
		t.Errorf("docs/connectors/README.md has another table: bash scripts/generate.sh (%v)", err)
	}
}
