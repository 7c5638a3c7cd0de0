package gohighlevel

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

func receives(t *testing.T, a *ghltest.Account, w Webhook) connector.Receiver {
	t.Helper()
	w.PublicKeys = []string{a.PublicKey()}
	s := settings()
	s.Webhook = &w
	return open(t, a, s, connector.Use{}).Receiver
}

func appHook() Webhook { return Webhook{AppID: ghltest.AppID} }

func TestADeliveryIsBoundToItsAppAndLocation(t *testing.T) {
	a := ghltest.New(t)
	r := receives(t, a, appHook())
	for name, c := range map[string]struct {
		change func(map[string]any)
		ok     bool
	}{
		"ours":                             {func(map[string]any) {}, true},
		"of another location":              {func(b map[string]any) { b["locationId"] = ghltest.OtherLocation }, false},
		"of another app":                   {func(b map[string]any) { b["appId"] = "66aa00000000000000000002" }, false},
		"of no app":                        {func(b map[string]any) { delete(b, "appId") }, false},
		"of no location":                   {func(b map[string]any) { delete(b, "locationId") }, false},
		"of the app as another key":        {func(b map[string]any) { delete(b, "appId"); b["AppID"] = ghltest.AppID }, false},
		"with a location that is a list":   {func(b map[string]any) { b["locationId"] = []string{ghltest.LocationID} }, false},
		"an agency's installation":         {func(b map[string]any) { delete(b, "locationId"); b["type"] = "UNINSTALL" }, true},
		"an installation in another place": {func(b map[string]any) { b["locationId"] = ghltest.OtherLocation; b["type"] = "INSTALL" }, false},
	} {
		body := delivery(c.change)
		if err := r.Verify(a.Sign(body), body, testNow); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	body := []byte(`not json`)
	if err := r.Verify(a.Sign(body), body, testNow); err == nil {
		t.Error("a signed body that says nothing of its location was taken")
	}
}

func TestTheOrderOfSignatures(t *testing.T) {
	a := ghltest.New(t)
	body := delivery(nil)
	good := a.Sign(body)
	none := func(h http.Header) http.Header { h = h.Clone(); h.Set(signed, notSigned); return h }
	secret := func(h http.Header) http.Header { h = h.Clone(); h.Set(defaultHeader, canarySecret); return h }
	wrong := good.Clone()
	wrong.Set(signed, base64.StdEncoding.EncodeToString(make([]byte, 64)))
	both := appHook()
	both.Workflow = &Workflow{Secrets: []config.Secret{canarySecret}}
	flow := []byte(workflowBody)
	for name, c := range map[string]struct {
		hook   Webhook
		header http.Header
		body   []byte
		ok     bool
	}{
		"a good one":                                {appHook(), good, body, true},
		"the words of no signature":                 {appHook(), none(good), body, false},
		"no header":                                 {appHook(), http.Header{}, body, false},
		"a wrong one beside a good secret":          {both, secret(wrong), body, false},
		"the words of no signature beside a secret": {both, secret(none(good)), flow, true},
		"a secret":                                  {both, secret(http.Header{}), flow, true},
		"a secret with another location":            {both, secret(http.Header{}), []byte(strings.Replace(workflowBody, ghltest.LocationID, ghltest.OtherLocation, 1)), false},
		"a secret without a location":               {both, secret(http.Header{}), []byte(`{"contact_id":"c1"}`), true},
		"a signature where no app is configured":    {Webhook{Workflow: both.Workflow}, good, body, false},
		"a secret in the address":                   {both, http.Header{connector.PathSecret: {canarySecret}}, flow, true},
		"a wrong one in the address":                {both, http.Header{connector.PathSecret: {"x" + canarySecret}}, flow, false},
		"a wrong one in the header, a right one in the address": {both,
			http.Header{connector.PathSecret: {canarySecret}, defaultHeader: {"wrong"}}, flow, false},
	} {
		err := receives(t, a, c.hook).Verify(c.header, c.body, testNow)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), canarySecret) {
			t.Errorf("%s: the error quotes the secret", name)
		}
	}
}

func TestTheRetiredSignatureIsTakenOnRequestOnly(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := ghltest.New(t)
	body := delivery(nil)
	sum := sha256.Sum256(body)
	text, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set(legacy, base64.StdEncoding.EncodeToString(text))
	if err := receives(t, a, appHook()).Verify(h, body, testNow); err == nil {
		t.Error("taken without being asked for")
	}
	hook := appHook()
	hook.LegacyRSA = true
	r := receives(t, a, hook).(receiver)
	if err := r.Verify(h, body, testNow); err == nil {
		t.Error("taken although the key is not HighLevel's")
	}
	r.legacy = &key.PublicKey
	if err := r.Verify(h, body, testNow); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(http.Header){
		"twice":                   func(h http.Header) { h.Add(legacy, h.Get(legacy)) },
		"no base64":               func(h http.Header) { h.Set(legacy, "?") },
		"beside a wrong new one":  func(h http.Header) { h.Set(signed, "x") },
		"beside an empty new one": func(h http.Header) { h.Set(signed, "") },
		"not signed":              func(h http.Header) { h.Set(legacy, notSigned) },
	} {
		bad := h.Clone()
		change(bad)
		if err := r.Verify(bad, body, testNow); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	other := delivery(func(b map[string]any) { b["locationId"] = ghltest.OtherLocation })
	sum = sha256.Sum256(other)
	if text, err = rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]); err != nil {
		t.Fatal(err)
	}
	h.Set(legacy, base64.StdEncoding.EncodeToString(text))
	if err := r.Verify(h, other, testNow); err == nil {
		t.Error("taken for another location")
	}
}

func TestThePublishedKeysCanBeRead(t *testing.T) {
	keys, err := (&Webhook{}).keys()
	if err != nil || len(keys) != 1 {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(mustDecode(t, publishedKey)); hexOf(sum[:]) != "5a2c1b2749d3efcc233fb27d4ab43d56b8d20818c42cd226f6c9a3ff20d3097c" {
		t.Error("the Ed25519 key is not the published one")
	}
	key, err := legacyKey()
	if err != nil || key.Size() != 512 {
		t.Errorf("the RSA key: %v", err)
	}
}

// The official examples lack the envelope that live deliveries have.
func TestTheOfficialExamplesAreRead(t *testing.T) {
	text, err := os.ReadFile("testdata/webhook-events.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples map[string][]map[string]any
	if err := json.Unmarshal(text, &examples); err != nil {
		t.Fatal(err)
	}
	carried := map[string]bool{"ContactCreate": true, "ContactUpdate": true, "ContactTagUpdate": true, "ContactDelete": true, "OpportunityCreate": true,
		"OpportunityUpdate": true, "OpportunityStatusUpdate": true, "OpportunityStageUpdate": true, "OpportunityDelete": true}
	a := ghltest.New(t)
	r := receives(t, a, appHook())
	seen := map[string]bool{}
	for name, all := range examples {
		for _, e := range all {
			if _, typed := e["type"]; !typed {
				e["type"] = name
			}
			e["webhookId"], e["appId"], e["locationId"] = "11111111-2222-4333-8444-555555555555", ghltest.AppID, ghltest.LocationID
			body, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Verify(a.Sign(body), body, testNow); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got, err := r.Events(a.Sign(body), body)
			if err != nil || len(got) != 1 || (got[0].Skip == "") != carried[name] || got[0].Event.HasValue || !got[0].Event.OccurredAt.IsZero() {
				t.Errorf("%s: %+v, %v", name, got, err)
				continue
			}
			want := e["id"]
			if strings.HasPrefix(name, "Opportunity") {
				want = e["contactId"]
			}
			if carried[name] && got[0].Event.Customer != want {
				t.Errorf("%s: the customer is %q", name, got[0].Event.Customer)
			}
			seen[name] = true
		}
	}
	for name := range carried {
		if !seen[name] {
			t.Errorf("there is no example of %s", name)
		}
	}
}

func TestADeliveryThatNamesNoContactIsUnreadable(t *testing.T) {
	a := ghltest.New(t)
	r := receives(t, a, appHook())
	for name, change := range map[string]func(map[string]any){
		"no id":                    func(b map[string]any) { delete(b, "id") },
		"an id that is none":       func(b map[string]any) { b["id"] = "../x" },
		"no webhookId":             func(b map[string]any) { delete(b, "webhookId") },
		"no type":                  func(b map[string]any) { delete(b, "type") },
		"a type that is none":      func(b map[string]any) { b["type"] = "Contact Update <b>" },
		"an opportunity of x/y":    func(b map[string]any) { b["type"] = "OpportunityUpdate"; b["contactId"] = "x/y" },
		"an id that is a number":   func(b map[string]any) { b["id"] = 7 },
		"the id under another key": func(b map[string]any) { b["ID"] = b["id"]; delete(b, "id") },
	} {
		body := delivery(change)
		if got, err := r.Events(a.Sign(body), body); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
	for name, change := range map[string]func(map[string]any){
		"an opportunity without a contact": func(b map[string]any) { b["type"] = "OpportunityUpdate" },
		"an app that is removed":           func(b map[string]any) { b["type"] = "UNINSTALL" },
		"a type that is none of ours":      func(b map[string]any) { b["type"] = "InvoicePaid" },
	} {
		body := delivery(change)
		if got, err := r.Events(a.Sign(body), body); err != nil || got[0].Skip == "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// The same body twice is two events: a customer can be paused twice, and an
// event too many costs a look.
func TestAWorkflowsDeliveriesAreToldApartByTheirMoment(t *testing.T) {
	a := ghltest.New(t)
	s := settings()
	s.Webhook = &Webhook{Workflow: &Workflow{Secrets: []config.Secret{canarySecret}}}
	now := testNow
	r := open(t, a, s, connector.Use{}, func(d *connector.Deps) { d.Now = func() time.Time { return now } }).Receiver
	first, err := r.Events(nil, []byte(workflowBody))
	if err != nil || first[0].Event.Customer != "c1" {
		t.Fatalf("%+v, %v", first, err)
	}
	now = now.Add(time.Second)
	second, err := r.Events(nil, []byte(workflowBody))
	if err != nil || first[0].Event.ID == second[0].Event.ID {
		t.Errorf("both are called %s, %v", first[0].Event.ID, err)
	}
	if _, err := r.Events(nil, []byte(`{"email":"ada@example.com"}`)); err == nil || !strings.Contains(err.Error(), "{{contact.id}}") {
		t.Errorf("without a contact: %v", err)
	}
}

func mustDecode(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
