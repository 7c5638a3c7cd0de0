package health

import (
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

func TestAWebhookIsRegisteredOnceEnabledAndForTheRightTypes(t *testing.T) {
	const here = "https://sync.example.com/hooks/billing"
	wanted := []string{"customer.subscription.updated", "customer.deleted"}
	one := func(e connector.Endpoint) []connector.Endpoint { return []connector.Endpoint{e} }
	tests := map[string]struct {
		hook   Hook
		all    []connector.Endpoint
		err    error
		result Result
		says   string
	}{
		"all types":                        {all: one(connector.Endpoint{URL: here}), result: Pass, says: here},
		"just the right types":             {all: one(connector.Endpoint{URL: here, Types: wanted}), result: Pass},
		"a host in capitals and its port":  {all: one(connector.Endpoint{URL: "https://SYNC.example.com:443/hooks/billing"}), result: Pass},
		"none":                             {result: Fault, says: "add an endpoint for " + here + " with the event types customer.subscription.updated, customer.deleted"},
		"none, but changes are asked for":  {hook: Hook{Polled: true}, result: Warning, says: "by poll only"},
		"those of others":                  {all: []connector.Endpoint{{URL: "https://sync.example.com/hooks/billing2"}, {URL: "https://old.example.com/hooks/billing"}, {URL: "http://sync.example.com/hooks/billing"}, {URL: "https://sync.example.com:8443/hooks/billing"}, {URL: "::"}}, result: Fault, says: "no endpoint"},
		"one that is disabled":             {all: one(connector.Endpoint{URL: here, Disabled: true}), result: Fault, says: "is disabled"},
		"one more that is disabled":        {all: []connector.Endpoint{{URL: here}, {URL: here, Disabled: true}}, result: Pass},
		"a missing type":                   {all: one(connector.Endpoint{URL: here, Types: wanted[:1]}), result: Fault, says: "is not sent customer.deleted;"},
		"two that share the types":         {all: []connector.Endpoint{{URL: here, Types: wanted[:1]}, {URL: here, Types: wanted[1:]}}, result: Warning},
		"two":                              {all: []connector.Endpoint{{URL: here}, {URL: here}}, result: Warning, says: "each event comes 2 times"},
		"a former name":                    {hook: Hook{Former: []string{"stripe"}}, all: one(connector.Endpoint{URL: "https://sync.example.com/hooks/stripe"}), result: Warning, says: "change its address to " + here},
		"below a path":                     {hook: Hook{Public: "https://sync.example.com/trueup/"}, all: one(connector.Endpoint{URL: "https://sync.example.com/trueup/hooks/billing"}), result: Pass},
		"above the path":                   {hook: Hook{Public: "https://sync.example.com/trueup/"}, all: one(connector.Endpoint{URL: here}), result: Fault, says: "https://sync.example.com/trueup/hooks/billing"},
		"no public_url, and one that fits": {hook: Hook{Public: "-"}, all: one(connector.Endpoint{URL: here}), result: Pass},
		"no public_url, and none":          {hook: Hook{Public: "-"}, all: one(connector.Endpoint{URL: "https://x.example.com/"}), result: Fault, says: "followed by /hooks/billing"},
		"a key that may not ask":           {err: &connector.Failure{Kind: connector.Unauthorized, Detail: "give it the permission Read on Webhook Endpoints"}, result: Warning, says: "Read on Webhook Endpoints"},
		"a tool that does not answer":      {err: errors.New("connection refused"), result: Warning, says: "connection refused"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := tt.hook
			h.Connection = "billing"
			switch h.Public {
			case "":
				h.Public = "https://sync.example.com"
			case "-":
				h.Public = ""
			}
			got := WebhookOf(h, tt.all, wanted, tt.err)
			if got.Result != tt.result || !strings.Contains(got.Sentence()+";", tt.says) || (got.Remedy == "") != (got.Result == Pass) {
				t.Errorf("%s: %s", got.Result, got.Sentence())
			}
		})
	}
}

func TestAnAddressIsShownWithoutItsSecrets(t *testing.T) {
	h := Hook{Connection: "billing", Public: "https://sync.example.com"}
	got := WebhookOf(h, []connector.Endpoint{{URL: "https://user:hidden@sync.example.com/hooks/billing?key=hidden", Disabled: true}}, nil, nil)
	if strings.Contains(got.Sentence(), "hidden") || got.Result != Fault {
		t.Error(got)
	}
}
