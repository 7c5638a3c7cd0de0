package gohighlevel

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

// Each thing that can be wrong with an account is named in one sentence with
// what to do, and nothing is written.
func TestCheckLiveNamesWhatIsWrong(t *testing.T) {
	tests := map[string]struct {
		account  func(*ghltest.Account)
		settings func(*Settings)
		use      connector.Use
		says     []string
	}{
		"all is well": {use: following("customer_status"), says: nil},
		"a token that was rotated": {settings: func(s *Settings) { s.Token = "pit-old" }, use: following("customer_status"),
			says: []string{"does not accept the token", "Settings, Private Integrations"}},
		"no scope for contacts": {account: func(a *ghltest.Account) { a.Grant("contacts.write") }, use: following("customer_status"),
			says: []string{"lacks the scope contacts.readonly", "add it to the private integration"}},
		"no scope for custom fields": {account: func(a *ghltest.Account) { a.Grant("contacts.readonly", "contacts.write") }, use: following("customer_status"),
			says: []string{"lacks the scope locations/customFields.readonly"}},
		"no scope for opportunities": {account: func(a *ghltest.Account) { a.Grant("contacts.readonly", "locations/customFields.readonly") },
			use: following("opportunity.status", "open"), says: []string{"lacks the scope opportunities.readonly"}},
		"another location": {settings: func(s *Settings) { s.LocationID = ghltest.OtherLocation }, use: following("customer_status"),
			says: []string{"the token is not for the location " + ghltest.OtherLocation, "correct location_id"}},
		"a missing field":         {use: following("customer_state"), says: []string{`no contact field "customer_state"`, "Settings, Custom Fields"}},
		"a field of another type": {use: following("notes"), says: []string{"of the type LARGE_TEXT", "Dropdown"}},
		"an option that is missing": {use: following("customer_status", "Active", "On hold", "paused"),
			says: []string{`"On hold", "paused" are each no option of the field "Customer Status"`, `its options are "Active", "Paused", "Churned"`, "case matters"}},
		"a field without options": {account: func(a *ghltest.Account) {
			a.SetFields(func(all []ghltest.Field) []ghltest.Field { all[0].Options = nil; return all })
		}, use: following("customer_status"), says: []string{"it has none"}},
		"a missing pipeline": {settings: func(s *Settings) { s.Pipeline = "Retention" }, use: following("opportunity.status", "open"), says: []string{`no pipeline "Retention"`}},
		"a page in the way": {account: func(a *ghltest.Account) {
			a.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte("<html>sign in</html>"))
				return true
			})
		}, use: following("customer_status"), says: []string{"a web page instead of data"}},
		"a wrong address": {account: func(a *ghltest.Account) {
			a.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(`{"message":"Cannot POST /contacts/search","error":"Not Found","statusCode":404}`))
				return true
			})
		}, use: following("customer_status"), says: []string{"not the address of HighLevel's API", "base_url"}},
		"a proxy that drops headers": {account: func(a *ghltest.Account) {
			a.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(`{"message":"version header was not found.","statusCode":401}`))
				return true
			})
		}, use: following("customer_status"), says: []string{"removes the header Version"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := account(t)
			if tt.account != nil {
				tt.account(a)
			}
			s := settings()
			if tt.settings != nil {
				tt.settings(s)
			}
			_, err := open(t, a, s, tt.use).Probe.Probe(t.Context())
			if (err != nil) != (tt.says != nil) {
				t.Fatalf("it says %v", err)
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("it does not say %q: %v", part, err)
				}
			}
			if got := a.Effects(); len(got) > 0 {
				t.Errorf("it wrote %v", got)
			}
			for _, r := range a.Requests() {
				if !strings.HasPrefix(r, "GET ") && r != "POST /contacts/search" {
					t.Errorf("it called %s", r)
				}
			}
		})
	}
}

func TestCheckLiveSaysWhatCannotBeKnown(t *testing.T) {
	a := account(t)
	said, err := open(t, a, settings(), following("customer_status")).Probe.Probe(t.Context())
	all := strings.Join(said, "\n")
	if err != nil || !strings.Contains(all, "does not report who edited a contact") || !strings.Contains(all, `the field "Customer Status" (customer_status)`) {
		t.Errorf("%v\n%s", err, all)
	}
	said, err = open(t, a, settings(), deciding("notes")).Probe.Probe(t.Context())
	all = strings.Join(said, "\n")
	if err != nil || !strings.Contains(all, "holds any text") || !strings.Contains(all, "found by poll only") {
		t.Errorf("%v\n%s", err, all)
	}
	said, err = open(t, a, settings(), following("tags")).Probe.Probe(t.Context())
	if err != nil || !strings.Contains(strings.Join(said, "\n"), "one of the tags active, churned, paused") {
		t.Errorf("%v\n%v", err, said)
	}
}

func TestTheConnectionKnowsWhatItCanTell(t *testing.T) {
	a := account(t)
	for field, want := range map[string]connector.Knowledge{
		"customer_status":    {Order: true, OptionList: true},
		"tags":               {Order: true},
		"opportunity.status": {Order: true, OptionList: true, FieldTime: true},
	} {
		if got := open(t, a, settings(), following(field)).Knows; got != want {
			t.Errorf("%s: %+v, want %+v", field, got, want)
		}
	}
	s := settings()
	hook := appHook()
	s.Webhook = &hook
	if !open(t, a, s, following("tags")).Knows.DeleteNotice {
		t.Error("an app's webhooks announce deletions")
	}
}

// The options are asked for again, so that a renamed one shows.
func TestTheOptionsOfADropdownAreAskedForAgain(t *testing.T) {
	a := account(t)
	conn := open(t, a, settings(), following("customer_status"))
	if known, err := conn.Options.Options(t.Context()); err != nil || !slices.Equal(known, []string{"Active", "Paused", "Churned"}) {
		t.Errorf("it lists %v, %v", known, err)
	}
	if known, err := open(t, a, settings(), deciding("customer_status")).Options.Options(t.Context()); err != nil || len(known) != 3 {
		t.Errorf("for a source it lists %v, %v", known, err)
	}
	a.SetFields(func(all []ghltest.Field) []ghltest.Field { all[0].Options = nil; return all })
	if known, err := open(t, a, settings(), following("customer_status")).Options.Options(t.Context()); err != nil || len(known) != 0 {
		t.Errorf("without any it lists %v, %v", known, err)
	}
	if _, err := open(t, a, settings(), following("notes")).Options.Options(t.Context()); err == nil {
		t.Error("a field of text has options")
	}
	for _, use := range []connector.Use{following("tags"), following("opportunity.status", "open")} {
		if open(t, a, settings(), use).Options != nil {
			t.Errorf("%+v has options", use)
		}
	}
}
