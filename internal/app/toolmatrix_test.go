package app_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/tools"
)

var polled = flag.Int("tools.records", 1000, "how many records a poll of TestWhatEachToolDoes goes through, 100000 to see it at length")

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

// account is a Stripe account with a customer for each situation.
type account struct {
	mu     sync.Mutex
	status map[string]string
	email  map[string]string
	ended  time.Time
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.URL.Query().Get("customer")
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/customers/"):
		id = strings.TrimPrefix(r.URL.Path, "/v1/customers/")
		fmt.Fprintf(w, `{"id":%q,"object":"customer","email":%q}`, id, a.email[id])
	case r.URL.Path == "/v1/subscriptions":
		fmt.Fprintf(w, `{"object":"list","data":[{"id":"sub_1","object":"subscription","customer":%q,"status":%q,"ended_at":%d}]}`, id, a.status[id], a.ended.Unix())
	default:
		fmt.Fprint(w, `{"object":"list","data":[]}`)
	}
}

// cell is one tool on one engine, at work.
type cell struct {
	*testing.T
	*shop
	at      atTool
	db      *store.DB
	account *account
	hook    func(h http.Header, body string)
	events  int
}

var rateLimit = regexp.MustCompile(`rate_limit: \{requests: \d+, per: 1s\}`)

func newCell(t *testing.T, name, engine string) *cell {
	c := &cell{T: t, at: atTools[name], shop: newShop(t, 11), account: &account{status: map[string]string{}, email: map[string]string{}}}
	c.at.build(c.shop)
	billing := httptest.NewServer(c.account)
	t.Cleanup(billing.Close)
	replace := []string{c.at.base, c.url, "    type: stripe\n", "    type: stripe\n    base_url: " + billing.URL + "\n"}
	if limit := rateLimit.FindString(docs.Examples[name]); limit != "" {
		replace = append(replace, limit, "rate_limit: {requests: 1000, per: 1s}")
	}
	cfg := exampleAt(t, name, replace...)
	cfg.Database = config.Secret(engines[engine](t))
	c.words, c.without = []string{"Active", "Churned"}, `"`+c.at.of("Paused")+`"`
	if name == "pipedrive" {
		c.without = ":" + c.at.of("Paused")
	}
	if name == "activecampaign" { // a word that is no option is said to be left out, not refused
		c.without, c.ignores = "", "Paused"
	}
	c.hook = started(t, cfg)
	var err error
	if c.db, err = store.Open(t.Context(), store.Options{DSN: cfg.Database.Reveal()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.db.Close() })
	return c
}

// tell changes a customer in Stripe, the nth record's, and sends the event.
func (c *cell) tell(n int, status string) {
	c.T.Helper()
	id := fmt.Sprint("cus_", n)
	c.events++
	at := time.Now().Add(-30*time.Minute + time.Duration(c.events)*time.Second)
	c.account.mu.Lock()
	c.account.status[id], c.account.ended = status, at
	if c.account.email[id] == "" {
		c.account.email[id] = mail(n)
	}
	c.account.mu.Unlock()
	body := fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"customer.subscription.updated","created":%d,"livemode":false,"data":{"object":{"id":"sub_1","customer":%q}}}`, c.events, at.Unix(), id)
	c.hook(signature.SignStripe([]byte("whsec_x"), time.Now(), []byte(body)), body)
}

func (c *cell) until(what string, done func() bool) {
	c.T.Helper()
	(&live{T: c.T}).until(what, done)
}

func (c *cell) shows(n int, word string) bool { return c.shop.status(n) == c.at.of(word) }

// carried tells of a change and waits for it.
func (c *cell) carried(n int, status, word string) {
	c.T.Helper()
	c.tell(n, status)
	c.until(fmt.Sprintf("record %d shows %s", n, word), func() bool { return c.shows(n, word) })
	c.until("the write is proved", func() bool {
		events, err := c.db.Events(c.Context(), store.EventFilter{Customer: fmt.Sprint("cus_", n)})
		return err == nil && !slices.ContainsFunc(events, func(e store.Event) bool { return e.Outcome == "" })
	})
}

// asked waits for the exception of a customer.
func (c *cell) asked(n int) (kind status.Kind) {
	c.T.Helper()
	c.until(fmt.Sprintf("a person is asked about customer %d", n), func() bool {
		open, err := c.db.Exceptions(c.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
		if err != nil {
			c.T.Fatal(err)
		}
		i := slices.IndexFunc(open, func(x store.Exception) bool { return x.Customer == fmt.Sprint("cus_", n) })
		if i >= 0 {
			kind = open[i].Kind
		}
		return i >= 0
	})
	return kind
}

func (c *cell) writes(n int, word string) (count int) {
	c.shop.mu.Lock()
	defer c.shop.mu.Unlock()
	for _, w := range c.wrote {
		if w == fmt.Sprintf("%d: %s", n, c.at.of(word)) {
			count++
		}
	}
	return count
}

func (c *cell) wants(what string, got, want any) {
	c.T.Helper()
	if got != want {
		c.T.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// happen makes each situation happen, one after the other, and returns what became
// of the customer.
func (c *cell) happen(s tools.Situation) tools.Result {
	switch s {
	case tools.Change:
		c.carried(1, "canceled", "Churned")
		c.carried(1, "active", "Active")
		c.wants("written", c.writes(1, "Churned")+c.writes(1, "Active"), 2)
		return tools.Carried
	case tools.Edit:
		c.carried(2, "canceled", "Churned")
		c.change(2, func(r *shopRow) { r.status, r.at, r.by = c.at.of("Lead"), time.Now(), c.at.person })
		c.tell(2, "active")
		c.wants("the exception", c.asked(2), status.Conflict)
		c.wants("the record", c.shows(2, "Lead"), true)
		return tools.Kept
	case tools.Unmatched:
		c.account.email["cus_90"] = "stranger@example.com"
		c.tell(90, "active")
		c.wants("the exception", c.asked(90), status.Unmatched)
		return tools.Asked
	case tools.Option:
		var sent bool
		c.shop.mu.Lock()
		c.observed = func(r *http.Request) { sent = sent || r.Method == c.at.method }
		c.shop.mu.Unlock()
		c.tell(4, "paused")
		c.wants("the exception", c.asked(4), status.WriteFailed)
		c.shop.mu.Lock()
		defer c.shop.mu.Unlock()
		c.observed = nil
		c.wants("the record", c.rows[3].status, "")
		switch {
		case !sent:
			return tools.NotSent
		case c.ignores != "":
			return tools.NotShown
		}
		return tools.Refused
	case tools.Limit:
		c.shop.mu.Lock()
		c.instead[c.at.method] = []refusal{c.at.limit}
		c.shop.mu.Unlock()
		c.carried(5, "active", "Active")
		c.shop.mu.Lock()
		c.wants("answers with the limit left", len(c.instead[c.at.method]), 0)
		c.shop.mu.Unlock()
		c.wants("written", c.writes(5, "Active"), 1)
		return tools.Waited
	case tools.Gone:
		c.carried(6, "canceled", "Churned")
		c.change(6, func(r *shopRow) { r.gone = true })
		c.tell(6, "active")
		c.wants("the exception", c.asked(6), status.BrokenLink)
		c.wants("the record", c.shows(6, "Churned"), true)
		return tools.Asked
	case tools.Merged:
		c.carried(7, "canceled", "Churned")
		c.change(7, func(r *shopRow) { r.into = 8 })
		c.tell(7, "active")
		if c.follows {
			c.until("the record that remained follows", func() bool { return c.shows(8, "Active") })
			c.wants("the merged record", c.shows(7, "Churned"), true)
			return tools.LinkMoves
		}
		c.wants("the exception", c.asked(7), status.BrokenLink)
		c.wants("the record that remained", c.shop.status(8), "")
		return tools.Asked
	case tools.Token:
		c.carried(9, "canceled", "Churned")
		c.shop.mu.Lock()
		c.instead["GET"] = []refusal{c.at.expired}
		c.shop.mu.Unlock()
		c.tell(9, "active")
		if c.open != "" {
			c.until("the record follows", func() bool { return c.shows(9, "Active") })
			return tools.Renewed
		}
		c.wants("the exception", c.asked(9), status.ConnectionFailed)
		open, err := c.db.Exceptions(c.Context(), store.ExceptionFilter{States: []status.State{status.Open}, Kind: status.ConnectionFailed})
		if err != nil || len(open) == 0 {
			c.T.Fatal(open, err)
		}
		if _, err := c.db.Act(c.Context(), store.Act{Exception: open[0].ID, Verb: store.Retry}); err != nil {
			c.T.Fatal(err)
		}
		c.until("the record follows", func() bool { return c.shows(9, "Active") })
		return tools.Told
	}
	c.T.Fatalf("nothing makes %q happen", s)
	return ""
}

// Each cell of the table in docs/connectors/README.md happens, on both engines, by
// the example as it is printed.
func TestWhatEachToolDoes(t *testing.T) {
	for _, tool := range tools.Targets {
		for engine := range engines {
			t.Run(tool.Name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				c := newCell(t, tool.Name, engine)
				for _, s := range tools.Situations {
					if s == tools.Poll || tool.In(s) == tools.None {
						continue
					}
					c.wants(string(s), c.happen(s), tool.In(s))
				}
			})
		}
	}
}

// A poll of each tool's list that is cut by a failure, a limit and a program that
// ends finds each record that changed, and each once.
func TestAPollOfEachToolIsContinuedWhereItWas(t *testing.T) {
	for _, tool := range tools.Targets {
		t.Run(tool.Name, func(t *testing.T) {
			t.Parallel()
			at := atTools[tool.Name]
			s := newShop(t, max(*polled, 4*at.page)-1)
			at.build(s)
			cfg := exampleAt(t, tool.Name, at.base, s.url)
			if limit := rateLimit.FindString(docs.Examples[tool.Name]); limit != "" {
				cfg = exampleAt(t, tool.Name, at.base, s.url, limit, "rate_limit: {requests: 100000, per: 1s}")
			}
			open := func() connector.Changes {
				conn, err := registry.Open(cfg.Connections["crm"], connector.Deps{})
				if err != nil {
					t.Fatal(err)
				}
				return conn.Changes
			}
			changes, position := open(), ""
			found, failures := map[string]int{}, 0
			walk := func() {
				for more := true; more; {
					events, next, again, err := changes.Since(t.Context(), position)
					if err != nil {
						if failures++; failures > 3 {
							t.Fatal(err)
						}
						changes = open() // the program began again
						continue
					}
					for _, e := range events {
						found[e.Event.Customer]++
					}
					position, more = next, again
				}
			}
			for _, r := range s.rows {
				r.status = at.of("Churned")
			}
			walk()
			for _, r := range s.rows {
				s.change(r.n, func(r *shopRow) { r.status, r.at = at.of("Active"), time.Now() })
			}
			pages := 0
			clear(found)
			s.observed = func(*http.Request) {
				if pages++; pages == 2 || pages == 4 || pages == 6 {
					s.instead["GET"] = []refusal{{code: http.StatusBadGateway, body: object{}}}
					s.instead["POST"] = s.instead["GET"]
				}
			}
			failures = 0
			walk()
			twice := 0
			for _, n := range found {
				if n > 1 {
					twice++
				}
			}
			if len(found) != len(s.rows) || twice > 0 || failures != 3 {
				t.Errorf("found %d of %d records, %d twice, with %d interruptions", len(found), len(s.rows), twice, failures)
			}
		})
	}
}

func TestTheTableOfTheToolsIsTheOneInTheDocuments(t *testing.T) {
	page, err := os.ReadFile("../../docs/connectors/README.md")
	if err != nil || !strings.Contains(string(page), tools.Markdown()) {
		t.Errorf("docs/connectors/README.md has another table: bash scripts/generate.sh (%v)", err)
	}
}
