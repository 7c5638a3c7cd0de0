package demo

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
)

// vocabulary is how the billing tool's values become the CRM's. The
// configuration is written from it and the final table checks against it.
var vocabulary = []struct {
	status status.Status
	from   []string
	to     string
}{
	{"active", []string{"active", "trialing"}, "Active"},
	{"paused", []string{"paused", "past_due"}, "Paused"},
	{"churned", []string{"canceled"}, "Churned"},
}

// ignored is what the configuration says to leave out.
var ignored = []string{"incomplete"}

// billingValues is the billing tool's whole vocabulary. on_hold is in it and in
// no line of the configuration, as happens when a tool gets a new value.
var billingValues = []string{"active", "trialing", "past_due", "paused", "canceled", "on_hold", "incomplete"}

// crmValues is what the CRM's status field takes.
var crmValues = []string{"Active", "Paused", "Churned"}

// mapped is the CRM's value for a billing value; ok is false for one that is
// ignored or unknown.
func mapped(billing string) (crm string, ok bool) {
	for _, v := range vocabulary {
		if slices.Contains(v.from, billing) {
			return v.to, true
		}
	}
	return "", false
}

// phrase says in plain words what a new billing value means.
func phrase(value string) string {
	switch value {
	case "active":
		return "the subscription is active"
	case "trialing":
		return "a trial begins"
	case "past_due":
		return "a payment is late"
	case "paused":
		return "the subscription is paused"
	case "canceled":
		return "the subscription is canceled"
	case "on_hold":
		return "the account is put on hold"
	case "incomplete":
		return "the first payment is not complete"
	}
	return "the status is " + value
}

func itoa(n int) string { return strconv.Itoa(n) }

// capitalised writes each part of an address's name with a capital.
func capitalised(email string) string {
	name, domain, _ := strings.Cut(email, "@")
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, ".") + "@" + domain
}
