package health

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Hook is where a connection's webhooks are to be sent.
type Hook struct {
	Connection string
	// Former are names that the connection had: webhooks to them are still taken.
	Former []string
	// Public is public_url, "" when it is not set. Then the path alone tells.
	Public string
	// Polled says that changes are also asked for, so that without webhooks they
	// only come later.
	Polled bool
}

// Address is what a person enters in the tool.
func (h Hook) Address() string {
	if h.Public == "" {
		return "the address of this server followed by " + h.path(h.Connection)
	}
	return strings.TrimSuffix(h.Public, "/") + h.path(h.Connection)
}

func (h Hook) path(name string) string { return "/hooks/" + name }

// leadsHere reports whether a registered address is the connection's.
func (h Hook) leadsHere(address string) bool {
	at, err := url.Parse(address)
	if err != nil {
		return false
	}
	public := &url.URL{}
	if h.Public != "" {
		if public, err = url.Parse(h.Public); err != nil || !strings.EqualFold(at.Scheme, public.Scheme) || !strings.EqualFold(hostOf(at), hostOf(public)) {
			return false
		}
	}
	for _, name := range append([]string{h.Connection}, h.Former...) {
		path := h.path(name)
		if h.Public == "" && strings.HasSuffix(at.Path, path) || h.Public != "" && at.Path == strings.TrimSuffix(public.Path, "/")+path {
			return true
		}
	}
	return false
}

// hostOf is the host with its port, without the one that goes without saying.
func hostOf(u *url.URL) string {
	port := u.Port()
	if port == map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)] {
		port = ""
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// NoList is the check of a tool whose API does not tell where it sends webhooks.
func NoList(h Hook) Check {
	return unknown(Webhook, h.Connection, "the tool does not list its webhooks; they belong to "+h.Address())
}

// WebhookOf judges what a tool says of its webhooks. wanted are the types of event
// that the connection needs.
func WebhookOf(h Hook, all []connector.Endpoint, wanted []string, err error) Check {
	if err != nil {
		f := connector.FailureOf(err)
		if f.Kind == connector.Unauthorized {
			return warning(Webhook, h.Connection, "cannot tell whether the tool sends its events here", f.Detail)
		}
		return warning(Webhook, h.Connection, "cannot tell whether the tool sends its events here: "+err.Error(), "run the check again")
	}
	here := slices.DeleteFunc(slices.Clone(all), func(e connector.Endpoint) bool { return !h.leadsHere(e.URL) })
	enabled := slices.DeleteFunc(slices.Clone(here), func(e connector.Endpoint) bool { return e.Disabled })
	switch {
	case len(here) == 0 && h.Polled:
		return warning(Webhook, h.Connection, "no endpoint sends events here, so changes come by poll only", register(h, wanted))
	case len(here) == 0:
		return fault(Webhook, h.Connection, "no endpoint sends events here, so changes are seen at the next comparison only", register(h, wanted))
	case len(enabled) == 0:
		return fault(Webhook, h.Connection, "the endpoint "+shown(here[0])+" is disabled, so nothing is sent", "enable it in the tool")
	}
	var missing []string
	for _, kind := range wanted {
		if !slices.ContainsFunc(enabled, func(e connector.Endpoint) bool { return e.Types == nil || slices.Contains(e.Types, kind) }) {
			missing = append(missing, kind)
		}
	}
	switch {
	case len(missing) > 0:
		return fault(Webhook, h.Connection, fmt.Sprintf("the endpoint %s is not sent %s", shown(enabled[0]), strings.Join(missing, ", ")), "add these event types to it in the tool")
	case len(enabled) > 1:
		return warning(Webhook, h.Connection, fmt.Sprintf("%d endpoints send events here, so each event comes %d times; repeats change nothing", len(enabled), len(enabled)),
			"delete all but one, and keep only its signing secret under webhook_secrets")
	case !strings.HasSuffix(shown(enabled[0]), h.path(h.Connection)):
		return warning(Webhook, h.Connection, "the endpoint "+shown(enabled[0])+" uses a former name of the connection, which still works", "change its address to "+h.Address())
	}
	return pass(Webhook, h.Connection, "the endpoint "+shown(enabled[0])+" is enabled and is sent every event type that is needed")
}

// shown is an address without a user and a query, which may hold secrets.
func shown(e connector.Endpoint) string {
	at, err := url.Parse(e.URL)
	if err != nil {
		return "of another form"
	}
	return (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String()
}

func register(h Hook, wanted []string) string {
	return fmt.Sprintf("add an endpoint for %s with the event types %s", h.Address(), strings.Join(wanted, ", "))
}
