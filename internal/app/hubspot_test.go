package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// These are the promises about HubSpot, each kept by a connection of type http as
// the examples describe it: who set the property and when, the signature, many
// events in a request, merged contacts, and answers that are late.

// hubspotShop is a HubSpot account with a few contacts.
func hubspotShop(t *testing.T) *shop {
	s := newShop(t, 12)
	hubspot(s)
	return s
}

func (s *shop) change(n int, change func(r *shopRow)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.rows[n-1])
}

func openExample(t *testing.T, cfg *config.Config, name string, use connector.Use) connector.Connection {
	t.Helper()
	conn, err := registry.Open(cfg.Connections[name], connector.Deps{Use: use})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestHubSpotTellsWhoSetThePropertyAndWhen(t *testing.T) {
	set, later := time.Now().Add(-3*time.Hour).UTC().Truncate(time.Millisecond), time.Now().Add(-time.Minute)
	s := hubspotShop(t)
	cfg := exampleAt(t, "hubspot", "https://api.hubapi.com", s.url)
	target := openExample(t, cfg, "crm", connector.Use{Values: []string{"Active", "Paused", "Churned"}, Target: true}).Target
	for _, c := range []struct {
		name, by string
		want     status.Actor
	}{
		{"a person in the pages", "CRM_UI", status.ActorHuman},
		{"a person on the phone", "MOBILE_IOS", status.ActorHuman},
		{"a file that a person imported", "IMPORT", status.ActorHuman},
		{"a workflow", "AUTOMATION_PLATFORM", status.ActorAutomation},
		{"a program", "INTEGRATION", status.ActorAutomation},
		{"a kind that HubSpot may add", "SOMETHING_ELSE", status.ActorAutomation},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.change(1, func(r *shopRow) { r.status, r.at, r.by, r.touched = "Paused", set, c.by, later })
			got, err := target.Read(t.Context(), "1")
			if err != nil || got.Actor != c.want || !got.FieldTime || !got.EditedAt.Equal(set) || got.By != c.by {
				t.Errorf("read %+v, %v; the status was set at %s", got, err, set)
			}
		})
	}
	t.Run("a property that was never set has the time of the contact", func(t *testing.T) {
		s.change(2, func(r *shopRow) { r.status, r.at, r.touched = "", time.Time{}, later })
		if got, err := target.Read(t.Context(), "2"); err != nil || got.FieldTime || got.Value != "" || got.EditedAt.Before(later.Truncate(time.Millisecond)) {
			t.Errorf("read %+v, %v", got, err)
		}
	})
}

// hubspotSigned signs by version 3 of HubSpot's rule.
func hubspotSigned(secret, url, body string, at time.Time) http.Header {
	ms := fmt.Sprint(at.UnixMilli())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("POST" + url + body + ms))
	return http.Header{"X-Hubspot-Signature-V3": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}, "X-Hubspot-Request-Timestamp": {ms}}
}

// The first is made by the published rule, as HubSpot publishes no example of it;
// the others are its published examples of the older versions.
func TestOnlyTheSignatureWithATimeIsTakenFromHubSpot(t *testing.T) {
	cfg := exampleAt(t, "hubspot-source", "${HUBSPOT_CLIENT_SECRET}", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy")
	receiver := openExample(t, cfg, "billing", connector.Use{}).Receiver
	const body, url, at = `{"example_field":"example_value"}`, "https://www.example.com/webhook_uri", 1564113600000
	for _, c := range []struct {
		name   string
		header http.Header
		after  time.Duration
		want   bool
	}{
		{"version 3", http.Header{"X-Hubspot-Signature-V3": {"eT0ip2TKVpsIi1vb5C2Uu42eNdHL+oTE3NRZOF67O2U="}, "X-Hubspot-Request-Timestamp": {"1564113600000"}}, time.Minute, true},
		{"version 3, six minutes later", http.Header{"X-Hubspot-Signature-V3": {"eT0ip2TKVpsIi1vb5C2Uu42eNdHL+oTE3NRZOF67O2U="}, "X-Hubspot-Request-Timestamp": {"1564113600000"}}, 6 * time.Minute, false},
		{"version 3 with another time", http.Header{"X-Hubspot-Signature-V3": {"eT0ip2TKVpsIi1vb5C2Uu42eNdHL+oTE3NRZOF67O2U="}, "X-Hubspot-Request-Timestamp": {"1564113600001"}}, time.Minute, false},
		{"version 2", http.Header{"X-Hubspot-Signature": {"9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"}, "X-Hubspot-Signature-Version": {"v2"}}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The receiving server says what was called.
			c.header.Set(connector.RequestMethod, "POST")
			c.header.Set(connector.RequestURL, url)
			if err := receiver.Verify(c.header, []byte(body), time.UnixMilli(at).Add(c.after)); (err == nil) != c.want {
				t.Errorf("said %v", err)
			}
		})
	}
}

// hubspotDecides starts the example in which HubSpot decides, with as many contacts
// in HighLevel that follow, and returns what sends events.
func hubspotDecides(t *testing.T, s *shop) (crm *ghltest.Account, db *store.DB, send func(events ...object)) {
	t.Helper()
	crm = ghltest.New(t)
	for _, r := range s.rows {
		crm.Set(ghltest.Contact{ID: fmt.Sprint("ghl", r.n), Email: r.email})
	}
	cfg := exampleAt(t, "hubspot-source", "https://api.hubapi.com", s.url, "    type: gohighlevel\n", "    type: gohighlevel\n    base_url: "+crm.URL+"\n",
		"{requests: 10, per: 1s}", "{requests: 1000, per: 1s}")
	hook := started(t, cfg)
	db, err := store.Open(t.Context(), store.Options{DSN: string(cfg.Database)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return crm, db, func(events ...object) {
		t.Helper()
		text, err := json.Marshal(events)
		if err != nil {
			t.Fatal(err)
		}
		body := string(text)
		hook(hubspotSigned("value-of-HUBSPOT_CLIENT_SECRET", "https://sync.example.com/hooks/billing", body, time.Now()), body)
	}
}

// hubspotEvent is an event as HubSpot's documentation has it.
func hubspotEvent(kind string, n int, more object) object {
	e := object{"eventId": 100, "subscriptionId": 55, "portalId": 62515, "appId": 54321, "occurredAt": time.Now().UnixMilli(), "subscriptionType": kind, "attemptNumber": 0, "objectId": n}
	for k, v := range more {
		e[k] = v
	}
	return e
}

func hubspotChange(n int, value string) object {
	return hubspotEvent("contact.propertyChange", n, object{"propertyName": "trueup_status", "propertyValue": value, "changeSource": "CRM_UI", "sourceId": "userId:7"})
}

func TestHundredEventsOfHubSpotInOneRequestAreAllCarried(t *testing.T) {
	t.Parallel()
	s := hubspotShop(t)
	crm, _, send := hubspotDecides(t, s)
	var events []object // all with one eventId, several about each contact
	for i := range 99 {
		n := i%len(s.rows) + 1
		s.change(n, func(r *shopRow) {
			r.status, r.at, r.by = []string{"Active", "Paused", "Churned"}[i%3], time.Now(), "CRM_UI"
		})
		e := hubspotChange(n, s.status(n))
		e["occurredAt"] = time.Now().UnixMilli() - int64(99-i)
		events = append(events, e)
	}
	events = append(events, hubspotEvent("contact.propertyChange", 1, object{"propertyName": "lastname", "propertyValue": "B"}))
	send(events...)
	send(events...) // HubSpot tries again
	for _, r := range s.rows {
		(&live{T: t}).until(fmt.Sprintf("contact %d follows", r.n), func() bool { return crm.Status(fmt.Sprint("ghl", r.n)) == s.status(r.n) })
	}
	if n := len(crm.Effects()); n != len(s.rows) {
		t.Errorf("%d contacts were written %d times", len(s.rows), n)
	}
}

// A contact that was merged away is no one's who left: the deletion that HubSpot
// sends of it, and the merge, lead to the contact that remained.
func TestAMergedContactOfHubSpotDoesNotChurn(t *testing.T) {
	t.Parallel()
	s := hubspotShop(t)
	crm, db, send := hubspotDecides(t, s)
	set := func(n int, value string) {
		s.change(n, func(r *shopRow) { r.status, r.at = value, time.Now() })
		send(hubspotChange(n, value))
		(&live{T: t}).until("the contact follows", func() bool { return crm.Status(fmt.Sprint("ghl", n)) == value })
	}
	set(3, "Active")
	set(4, "Paused")
	s.change(3, func(r *shopRow) { r.into = 4 })
	send(hubspotEvent("contact.merge", 4, object{"primaryObjectId": 4, "mergedObjectIds": []int{3}, "numberOfPropertiesMoved": 1}), hubspotEvent("contact.deletion", 3, nil))
	(&live{T: t}).until("the merge is known", func() bool {
		open, err := db.Exceptions(t.Context(), store.ExceptionFilter{})
		return err == nil && len(open) == 1 && open[0].Kind == status.BrokenLink && open[0].Customer == "3"
	})
	if a, b := crm.Status("ghl3"), crm.Status("ghl4"); a != "Active" || b != "Paused" {
		t.Errorf("after the merge they have %s and %s", a, b)
	}
	set(4, "Churned")
	if a := crm.Status("ghl3"); a != "Active" {
		t.Errorf("the contact of the one that was merged away has %s", a)
	}
}

// The webhook is faster than the copy that HubSpot answers from.
func TestALateAnswerOfHubSpotIsAskedForAgain(t *testing.T) {
	t.Parallel()
	s := hubspotShop(t)
	crm, _, send := hubspotDecides(t, s)
	s.change(5, func(r *shopRow) { r.status = "Active" })
	reads := 0
	s.observed = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/contacts/5") {
			if reads++; reads == 3 {
				s.rows[4].status, s.rows[4].at = "Churned", time.Now()
			}
		}
	}
	send(hubspotChange(5, "Churned"))
	(&live{T: t}).until("the contact follows", func() bool { return crm.Status("ghl5") == "Churned" })
	if all := crm.Effects(); len(all) != 1 {
		t.Errorf("written %v, want the change alone", all)
	}
}
