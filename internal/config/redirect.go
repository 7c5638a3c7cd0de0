package config

import (
	"net/url"
	"strings"
)

// DefaultRedirect is where trueup connect listens unless the file says another
// address.
const DefaultRedirect = "http://127.0.0.1:8765/callback"

// ReturnAddress is where the running service takes the person who comes back
// from a tool's consent, "" when no public_url with https leads to it.
func (c Connection) ReturnAddress() string {
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicURL, "/") + "/oauth/" + c.Name + "/back"
}

// RedirectProblem says what is wrong with an address that a person comes back to
// from a consent, "" when nothing is. A code that goes elsewhere is given away.
func (c Connection) RedirectProblem(redirect string) (problem, remedy string) {
	switch service := c.ReturnAddress(); {
	case redirect == service && service != "" || isLoopbackURL(redirect):
		return "", ""
	case service != "":
		return "is an address where nobody waits for the code", "write " + service + ", or an address of this machine such as " + DefaultRedirect + ", and the same in the app"
	case strings.HasPrefix(redirect, "https:"):
		return "is an https address, and public_url does not lead to this service with https", "set public_url and write <public_url>/oauth/" + c.Name + "/back, or write an address of this machine such as " + DefaultRedirect + ", and the same in the app"
	}
	return "is not an address of this machine that trueup connect can listen on", "write one such as " + DefaultRedirect + ", and the same in the app"
}

// isLoopbackURL reports whether an address is one of this machine only.
func isLoopbackURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Port() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return Loopback(u.Hostname())
}
