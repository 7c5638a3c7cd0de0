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
	prefix  string // of a customer's id
	words   map[string]string
	// event is what the tool sends of a customer, with a number of its own.
	event func(r *shopRow, e int) (http.Header, string)
	limit refusal
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
	"chargebee": {"chargebee", chargebee, "https://example.chargebee.com", "c", map[string]string{"churned": "cancelled"},
		func(r *shopRow, e int) (http.Header, string) {
			return signature.SignBasic("trueup", "value-of-CHARGEBEE_WEBHOOK_PASSWORD"),
				fmt.Sprintf(`{"id":"ev_%d","occurred_at":%d,"object":"event","api_version":"v2","event_type":"subscription_changed","content":{"subscription":{"id":%q,"customer_id":"c%d"}}}`, e, r.at.Unix(), subscription(r), r.n)
		}, chargebeeRefusal(429, "api_request_limit_exceeded", "You have exceeded the limit"), chargebeeRefusal(401, "api_authentication_failed", "The key is invalid."), 50, "", status.UnmappedStatus},
	"hubspot": {"hubspot-source", hubspot, "https://api.hubapi.com", "", map[string]string{"active": "Active", "paused": "Paused", "churned": "Churned"},
		func(r *shopRow, _ int) (http.Header, string) {
			about := fmt.Sprintf(`"subscriptionType":"contact.propertyChange","propertyName":"trueup_status","propertyValue":%q,"changeSource":"CRM_UI"`, r.status)
			if r.gone || r.into > 0 { // each contact that was merged away has one of its own
				about = `"subscriptionType":"contact.deletion"`
			}
			body := fmt.Sprintf(`[{"eventId":100,"subscriptionId":55,"portalId":62515,"appId":54321,"occurredAt":%d,"attemptNumber":0,"objectId":%d,%s}]`, r.edited().UnixMilli(), r.n, about)
			return hubspotSigned("value-of-HUBSPOT_CLIENT_SECRET", "https://sync.example.com/hooks/billing", body, time.Now()), body
		}, hubspotRefusal(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit."), hubspotRefusal(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired"), 50, status.UnmappedStatus, status.BrokenLink},
	"paddle": {"paddle", paddle, "https://api.paddle.com", "ctm_", map[string]string{"churned": "canceled"},
		func(r *shopRow, e int) (http.Header, string) {
			body := fmt.Sprintf(`{"event_id":"evt_%d","event_type":"subscription.updated","occurred_at":%q,"data":{"id":%q,"customer_id":"ctm_%d"}}`, e, stamp(r.at), subscription(r), r.n)
			return paddleSigned("value-of-PADDLE_WEBHOOK_SECRET", time.Now(), body), body
		}, paddleRefusal(429, "too_many_requests"), paddleRefusal(401, "invalid_token"), 50, status.ConnectionFailed, status.UnmappedStatus},
	"stripe": {"hubspot", stripe, "", "cus_", map[string]string{"churned": "canceled"},
		func(r *shopRow, e int) (http.Header, string) {
			body := fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"customer.subscription.updated","created":%d,"livemode":false,"data":{"object":{"id":%q,"customer":"cus_%d"}}}`, e, r.at.Unix(), subscription(r), r.n)
			return signature.SignStripe([]byte("whsec_x"), time.Now(), []byte(body)), body
		}, stripeRefusal(429, "rate_limit"), stripeRefusal(401, "api_key_expired"), 100, status.UnmappedStatus, ""},
}

func chargebeeRefusal(code int, word, text string) refusal {
	return refusal{code: code, body: object{"message": text, "type": map[bool]string{true: "untyped", false: "operation_failed"}[code == http.StatusUnauthorized], "api_error_code": word, "error_code": word, "error_msg": text, "http_status_code": code}}
}

func paddleRefusal(code int, word string) refusal {
	return refusal{code: code, body: object{"error": object{"type": "request_error", "code": word, "detail": "See the documentation."}, "meta": object{"request_id": "r"}}}
}

func stripeRefusal(code int, word string) refusal {
	return refusal{code: code, body: object{"error": object{"type": "invalid_request_error", "code": word, "message": "See the documentation."}}}
}

// byWebhook is a tool that decides and sends an event of each change.
func byWebhook(c *cell, s *shop, tool string, hook func(h http.Header, body string)) decider {
	at, times, events := atSources[tool], clock(), 0
	return decider{
		customer: func(n int) string { return fmt.Sprint(at.prefix, n) },
		set: func(n int, word string) {
			s.change(n, func(r *shopRow) { r.status, r.at, r.by = at.of(word), times(), "CRM_UI" })
		},
		tell: func(n int) {
			c.Helper()
			events++
			var h http.Header
			var body string
			s.change(n, func(r *shopRow) { h, body = at.event(r, events) })
			hook(h, body)
		},
	}
}

// toolDecides starts the example of a tool that decides.
func toolDecides(t *testing.T, name, engine string) (*cell, func(tools.Situation) tools.Result) {
	at, s := atSources[name], newShop(t, 94)
	at.build(s)
	for _, r := range s.rows {
		r.status = at.of("active")
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
	c.decider = byWebhook(c, s, name, started(t, cfg))
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
		s.change(6, func(r *shopRow) { r.gone, r.touched = true, time.Now() })
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
		s.change(7, func(r *shopRow) { r.into, r.touched = 8, time.Now() })
		c.tell(7)
		c.wants("the exception", c.asked(7), a.gone)
		c.wants("the record", c.shows(7, "Active"), true)
		return tools.Asked
	case tools.Token:
		c.carried(9, "churned")
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
