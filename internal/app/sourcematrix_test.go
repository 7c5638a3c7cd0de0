package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/proof/tools"
)

// atSource is what the matrix has to know of a tool that decides.
type atSource struct {
	example string
	build   func(*shop)
	base    string // "" where the type knows it
	id      string // of a customer, with the place of their number
	words   map[string]string
	// event is what the tool sends of a customer, with a number of its own; nil for one
	// that sends nothing, and is polled.
	event  func(r *shopRow, e int) string
	kind   string // of the event's body, where it is no JSON
	pings  bool   // the event names no customer
	secret string
	signed sign // nil where the secret is at the end of the address
	limit  refusal
	// expired is its answer to credentials that ended.
	expired refusal
	page    int
	// unknown is what people are asked about a value that is not in the file, and gone
	// about a customer who is not there.
	unknown, gone status.Kind
}

func (a atSource) of(word string) string {
	if v, ok := a.words[word]; ok {
		return v
	}
	return word
}

var atSources = map[string]atSource{
	"chargebee": {example: "chargebee", build: chargebee, base: "https://example.chargebee.com", id: "c%d", words: map[string]string{"churned": "cancelled"},
		event: func(r *shopRow, e int) string {
			return fmt.Sprintf(`{"id":"ev_%d","occurred_at":%d,"object":"event","api_version":"v2","event_type":"subscription_changed","content":{"subscription":{"id":%q,"customer_id":"c%d"}}}`, e, r.at.Unix(), subscription(r), r.n)
		}, secret: "value-of-CHARGEBEE_WEBHOOK_PASSWORD", signed: basicSigned,
		limit: chargebeeRefusal(429, "api_request_limit_exceeded", "You have exceeded the limit"), expired: chargebeeRefusal(401, "api_authentication_failed", "The key is invalid."), page: 50, gone: status.UnmappedStatus},
	"hubspot": {example: "hubspot-source", build: hubspot, base: "https://api.hubapi.com", id: "%d", words: capital,
		event: func(r *shopRow, _ int) string {
			about := fmt.Sprintf(`"subscriptionType":"contact.propertyChange","propertyName":"trueup_status","propertyValue":%q,"changeSource":"CRM_UI"`, r.status)
			if r.gone || r.into > 0 { // each contact that was merged away has one of its own
				about = `"subscriptionType":"contact.deletion"`
			}
			return fmt.Sprintf(`[{"eventId":100,"subscriptionId":55,"portalId":62515,"appId":54321,"occurredAt":%d,"attemptNumber":0,"objectId":%d,%s}]`, r.edited().UnixMilli(), r.n, about)
		}, secret: "value-of-HUBSPOT_CLIENT_SECRET",
		signed: func(secret, body string, at time.Time) http.Header {
			return hubspotSigned(secret, "https://sync.example.com/hooks/billing", body, at)
		},
		limit: hubspotRefusal(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit."), expired: hubspotRefusal(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired"),
		page: 50, unknown: status.UnmappedStatus, gone: status.BrokenLink},
	"paddle": {example: "paddle", build: paddle, base: "https://api.paddle.com", id: "ctm_%d", words: map[string]string{"churned": "canceled"},
		event: func(r *shopRow, e int) string {
			return fmt.Sprintf(`{"event_id":"evt_%d","event_type":"subscription.updated","occurred_at":%q,"data":{"id":%q,"customer_id":"ctm_%d"}}`, e, stamp(r.at), subscription(r), r.n)
		}, secret: "value-of-PADDLE_WEBHOOK_SECRET", signed: func(secret, body string, at time.Time) http.Header { return paddleSigned(secret, at, body) },
		limit: paddleRefusal(429, "too_many_requests"), expired: paddleRefusal(401, "invalid_token"), page: 50, unknown: status.ConnectionFailed, gone: status.UnmappedStatus},
	"stripe": {example: "hubspot", build: stripe, id: "cus_%d", words: map[string]string{"churned": "canceled"},
		event: func(r *shopRow, e int) string {
			return fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"customer.subscription.updated","created":%d,"livemode":false,"data":{"object":{"id":%q,"customer":"cus_%d"}}}`, e, r.at.Unix(), subscription(r), r.n)
		}, secret: "whsec_x",
		signed: func(secret, body string, at time.Time) http.Header {
			return signature.SignStripe([]byte(secret), at, []byte(body))
		},
		limit: stripeRefusal(429, "rate_limit"), expired: stripeRefusal(401, "api_key_expired"), page: 100, unknown: status.UnmappedStatus},
	"activecampaign": activecampaignDecides, "airtable": airtableDecides, "intercom": intercomDecides, "notion": notionDecides,
	"pipedrive": pipedriveDecides, "salesforce": salesforceDecides, "zendesk": zendeskDecides,
}

// capital are the words of tools whose options people name as in the file.
var capital = map[string]string{"active": "Active", "paused": "Paused", "churned": "Churned"}

func chargebeeRefusal(code int, word, text string) refusal {
	return refusal{code: code, body: object{"message": text, "type": map[bool]string{true: "untyped", false: "operation_failed"}[code == http.StatusUnauthorized], "api_error_code": word, "error_code": word, "error_msg": text, "http_status_code": code}}
}

func paddleRefusal(code int, word string) refusal {
	return refusal{code: code, body: object{"error": object{"type": "request_error", "code": word, "detail": "See the documentation."}, "meta": object{"request_id": "r"}}}
}

func stripeRefusal(code int, word string) refusal {
	return refusal{code: code, body: object{"error": object{"type": "invalid_request_error", "code": word, "message": "See the documentation."}}}
}

// decides is a tool that decides and sends an event of each change, or that tell has
// the service ask.
func (a atSource) decides(c *cell, s *shop, tell func(n int), hook func(h http.Header, body string)) decider {
	times, events := clock(), 0
	if hook != nil {
		tell = func(n int) {
			c.Helper()
			events++
			var body string
			s.change(n, func(r *shopRow) { body = a.event(r, events) })
			h := http.Header{}
			if a.signed != nil {
				h = a.signed(a.secret, body, time.Now())
			}
			if a.kind != "" {
				h.Set("Content-Type", a.kind)
			}
			hook(h, body)
		}
	}
	return decider{
		customer: func(n int) string { return fmt.Sprintf(a.id, n) },
		set: func(n int, word string) {
			s.change(n, func(r *shopRow) { r.status, r.at, r.by = a.of(word), times(), "CRM_UI" })
		},
		tell: tell,
		now:  times,
	}
}

// hook is the address of the webhook.
func (a atSource) hook() string {
	if a.signed == nil {
		return "/hooks/billing/" + a.secret
	}
	return "/hooks/billing"
}

// toolDecides starts the example of a tool that decides.
func toolDecides(t *testing.T, name, engine string) (*cell, func(tools.Situation) tools.Result) {
	at, s := atSources[name], newShop(t, 94)
	at.build(s)
	for i, r := range s.rows { // only the last is new enough to come again with a poll
		r.status = at.of("active")
		if i < len(s.rows)-1 {
			r.at = r.at.AddDate(0, 0, -7)
		}
	}
	replace := append([]string{at.base, s.url}, unlimited(at.example)...)
	if at.base == "" {
		replace = append([]string{"    type: stripe\n", "    type: stripe\n    base_url: " + s.url + "\n"}, replace[2:]...)
	}
	var follows follower
	if at.example == "hubspot" {
		crm := newShop(t, 11)
		hubspot(crm)
		replace = append(replace, "https://api.hubapi.com", crm.url)
		follows = shopFollows(crm, atTools["hubspot"])
	} else {
		crm := ghltest.New(t)
		replace = append(replace, "    type: gohighlevel\n", "    type: gohighlevel\n    base_url: "+crm.URL+"\n")
		follows = highLevelFollows(crm)
	}
	cfg := exampleAt(t, at.example, replace...)
	cfg.Database = config.Secret(engines[engine](t))
	c := newCell(t, cfg, follows)
	if at.event == nil {
		c.decider = at.decides(c, s, c.polled(cfg), nil)
	} else {
		c.decider = at.decides(c, s, nil, startedAt(t, cfg, at.hook()))
	}
	if at.pings {
		c.listed()
	}
	return c, func(situation tools.Situation) tools.Result { return at.happen(c, s, situation) }
}

// highLevelFollows is a HighLevel account with a contact for each of twelve customers.
func highLevelFollows(crm *ghltest.Account) follower {
	id := func(n int) string { return fmt.Sprint("ghl", n) }
	for n := 1; n <= 12; n++ {
		crm.Set(ghltest.Contact{ID: id(n), Email: mail(n)})
	}
	return follower{
		shows:  func(n int, word string) bool { return crm.Status(id(n)) == word },
		edit:   func(n int) { crm.Edit(id(n), func(c *ghltest.Contact) { c.Values[ghltest.StatusField] = "Paused" }) },
		edited: "Paused",
		writes: func(n int) (count int) {
			for _, e := range crm.Effects() {
				if e.Contact == id(n) {
					count++
				}
			}
			return count
		},
	}
}

// happen makes what is the tool's own happen, and returns what became of the
// customer.
func (a atSource) happen(c *cell, s *shop, situation tools.Situation) tools.Result {
	switch situation {
	case tools.Unknown:
		c.carried(4, "active")
		c.set(4, "grace")
		c.tell(4)
		c.wants("the exception", c.asked(4), a.unknown)
		c.wants("the record", c.shows(4, "Active"), true)
		return tools.Asked
	case tools.Limit:
		c.set(5, "active")
		s.next("GET", a.limit)
		c.tell(5)
		c.follows(5, "active")
		c.wants("answers with the limit left", s.waiting("GET"), 0)
		c.wants("written", c.writes(5), 1)
		return tools.Waited
	case tools.Gone:
		c.carried(6, "active")
		s.change(6, func(r *shopRow) { r.gone, r.touched = true, c.now() })
		c.tell(6)
		if a.example == "hubspot" {
			c.follows(6, "churned")
			return tools.Canceled
		}
		c.wants("the exception", c.asked(6), a.gone)
		c.wants("the record", c.shows(6, "Active"), true)
		return tools.Asked
	case tools.Merged:
		c.carried(7, "active")
		s.change(7, func(r *shopRow) { r.into, r.touched = 8, c.now() })
		c.tell(7)
		c.wants("the exception", c.asked(7), a.gone)
		c.wants("the record", c.shows(7, "Active"), true)
		return tools.Asked
	case tools.Token:
		c.carried(9, "churned")
		switch {
		case s.open != "":
			return c.renewed(s, a.expired)
		case a.pings:
			return c.toldOfAll(func() { s.end(func(*http.Request) refusal { return a.expired }) }, func() { s.end(nil) })
		}
		return c.told(s, a.expired)
	}
	c.Fatalf("nothing makes %q happen", situation)
	return ""
}

// Each cell of the second table in docs/connectors/README.md happens, on both
// engines, by the example as it is printed.
func TestWhatEachToolThatDecidesDoes(t *testing.T) {
	for _, tool := range tools.Sources {
		for engine := range engines {
			t.Run(tool.Name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				decides := toolDecides
				if _, ok := atTables[tool.Name]; ok {
					decides = tableDecides
				}
				c, own := decides(t, tool.Name, engine)
				c.happen(tool, tools.Deciding, own)
			})
		}
	}
}
