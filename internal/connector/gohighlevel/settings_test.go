package gohighlevel

import (
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/gohighlevel/ghltest"
)

// faults returns what a check reports, as "path: problem".
func faults(t *testing.T, check func(*config.Checker)) []string {
	t.Helper()
	var all []string
	check(config.NewChecker(func(path, problem, remedy string) {
		if remedy == "" || strings.Contains(problem+remedy, "hunter2") {
			t.Errorf("%s has no remedy or quotes a secret: %s; %s", path, problem, remedy)
		}
		all = append(all, strings.TrimPrefix(path, "connection.")+": "+problem)
	}))
	slices.Sort(all)
	return all
}

func TestEveryFaultOfTheSettingsIsReported(t *testing.T) {
	goodHook := Webhook{AppID: app, Workflow: &Workflow{Secrets: []config.Secret{canarySecret}}}
	goodApp := OAuth{ClientID: app + "-abc", ClientSecret: "hunter2"}
	for name, c := range map[string]struct {
		s    Settings
		want []string
	}{
		"a token":   {Settings{LocationID: location, Token: "pit-hunter2"}, nil},
		"an app":    {Settings{LocationID: location, OAuth: &goodApp, Webhook: &goodHook, Pipeline: "Renewals"}, nil},
		"nothing":   {Settings{}, []string{"location_id: is required", "token: is required"}},
		"both ways": {Settings{LocationID: location, Token: "pit-hunter2", OAuth: &goodApp}, []string{"oauth: is set beside token"}},
		"a location that is an address, and a torn token": {Settings{LocationID: "https://app/v2", Token: "hunter2\n"},
			[]string{"location_id: is not the id of a sub-account, which is made of letters and digits", "token: contains a space or a line break"}},
		"an empty app": {Settings{LocationID: location, OAuth: &OAuth{RedirectURL: "https://x", ConsentURL: "here", CompanyID: "a/b"}},
			[]string{"oauth.client_id: is required", "oauth.client_secret: is required", "oauth.company_id: is not the id of an agency, which is made of letters and digits",
				"oauth.consent_url: is not an absolute http or https address", "oauth.redirect_url: is an https address, and public_url does not lead to this service with https"}},
		"a client id without its dash": {Settings{LocationID: location, OAuth: &OAuth{ClientID: app, ClientSecret: "hunter2"}},
			[]string{"oauth.client_id: is not a client id, which is the app's id, a dash and more"}},
		"an empty webhook": {Settings{LocationID: location, Token: "t", Webhook: &Webhook{}}, []string{"webhook: names neither an app nor a workflow"}},
		"another app": {Settings{LocationID: location, OAuth: &goodApp, Webhook: &Webhook{AppID: "66bb"}},
			[]string{"webhook.app_id: is not the app of oauth.client_id"}},
		"keys without an app": {Settings{LocationID: location, Token: "t", Webhook: &Webhook{PublicKeys: []string{"hunter2"}, Workflow: goodHook.Workflow}},
			[]string{"webhook.app_id: is missing; without it no signed webhook is accepted", "webhook.public_keys[0]: is not an Ed25519 public key"}},
		"weak secrets": {Settings{LocationID: location, Token: "t", Webhook: &Webhook{Workflow: &Workflow{Header: "X Y", Secrets: []config.Secret{"hunter2", "hunter2/hunter2/hunter2"}}}},
			[]string{"webhook.workflow.header: is not the name of a header", "webhook.workflow.secrets[0]: has fewer than 20 characters",
				"webhook.workflow.secrets[1]: has characters that cannot be used in an address"}},
		"no secrets": {Settings{LocationID: location, Token: "t", Webhook: &Webhook{AppID: "a-b", Workflow: &Workflow{}}},
			[]string{"webhook.app_id: is not the id of an app, which is made of letters and digits", "webhook.workflow.secrets: is required: a workflow's webhooks are not signed"}},
	} {
		if got := faults(t, func(check *config.Checker) { c.s.Check(check, config.Connection{}) }); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestEveryFaultOfASyncsSideIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		side config.Side
		want []string
	}{
		"a custom field": {config.Side{Field: "customer_status", Values: words, Target: true}, nil},
		"tags":           {config.Side{Field: "tags", Values: words, Target: true}, nil},
		"an opportunity": {config.Side{Field: "opportunity.status", Values: opportunityWords()}, nil},
		"no field":       {config.Side{Values: words}, []string{"field: is required: HighLevel has no field of its own for a customer's status"}},
		"a tag twice":    {config.Side{Field: "tags", Values: []string{"Paused", "paused"}}, []string{`field: the words "Paused" and "paused" of a sync with the field tags are the same tag: HighLevel stores tags in lower case`}},
		"an empty tag":   {config.Side{Field: "tags", Values: []string{""}, Target: true}, []string{"field: an empty text is not a tag"}},
	} {
		if got := faults(t, func(check *config.Checker) { settings().CheckSide(check, c.side) }); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestTheStatusesOfAnOpportunityAreAllThereAre(t *testing.T) {
	for _, target := range []bool{true, false} {
		set := settings().ClosedSet(config.Side{Field: "opportunity.status", Target: target})
		if !slices.Equal(set.Values, []string{"open", "won", "lost", "abandoned"}) || !slices.Equal(set.Also, []string{""}) || set.Grows {
			t.Errorf("target %v: %+v", target, set)
		}
	}
	for _, field := range []string{"tags", "customer_status"} {
		if set := settings().ClosedSet(config.Side{Field: field}); set.Values != nil {
			t.Errorf("%s holds what people made: %+v", field, set)
		}
	}
}

func TestWhatCannotBeOpenedIsSaid(t *testing.T) {
	if _, err := Open("crm", config.Connection{}, settings(), connector.Deps{Use: following("")}); err == nil || !strings.Contains(err.Error(), "field: customer_status") {
		t.Errorf("without a field: %v", err)
	}
	if _, err := Open("crm", config.Connection{BaseURL: "ftp://x"}, settings(), connector.Deps{}); err == nil {
		t.Error("an address that is none was taken")
	}
	if a, b := settings(), (&Settings{LocationID: ghltest.OtherLocation}); a.Account(config.Connection{}) == b.Account(config.Connection{}) {
		t.Error("two locations are one account")
	}
}
