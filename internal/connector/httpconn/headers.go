package httpconn

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// ownHeaders are headers that a file cannot set, with what to do instead.
var ownHeaders = map[string]string{
	"Host": hostRemedy, "Content-Length": removeRemedy, "Content-Encoding": removeRemedy, "Accept-Encoding": removeRemedy,
	"Connection": removeRemedy, "Keep-Alive": removeRemedy, "Proxy-Connection": removeRemedy, "Proxy-Authenticate": removeRemedy,
	"Proxy-Authorization": removeRemedy, "Te": removeRemedy, "Trailer": removeRemedy, "Transfer-Encoding": removeRemedy,
	"Upgrade": removeRemedy, "Expect": removeRemedy, "Range": removeRemedy,
	"If-Match": conditionRemedy, "If-Unmodified-Since": conditionRemedy, "If-None-Match": conditionRemedy,
	"If-Modified-Since": conditionRemedy, "If-Range": conditionRemedy,
	"Cookie": "write a credential under auth, such as header: {name: Cookie, value: ...}; a session that a browser began ends without notice",
}

const (
	hostRemedy      = "remove it: base_url names the host"
	removeRemedy    = "remove it: it belongs to each single request and is set there"
	conditionRemedy = "remove it: a condition belongs to one record; write write.if_match"
)

// headers checks the headers that go with every call.
func (c *compiler) headers() {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.s.Headers)) {
		path := "headers." + name
		canonical := http.CanonicalHeaderKey(name)
		remedy, own := ownHeaders[canonical]
		switch {
		case !isHeaderName(name):
			c.fault(path, "is not the name of a header", "write a name such as Api-Version")
		case own:
			c.fault(path, "cannot be set here", remedy)
		case canonical == c.s.Auth.header():
			c.fault(path, "is the header that auth sets", "write it in one place")
		case seen[canonical]:
			c.fault(path, "is written twice, in different letter case", "keep one: the names of headers have no case")
		}
		seen[canonical] = true
		value := c.s.Headers[name]
		c.secret(path, value)
		if text := strings.ToLower(value.Reveal()); canonical == "Content-Type" && !strings.Contains(text, "json") {
			c.fault(path, "is not a type of JSON, and bodies are JSON", "write one such as application/vnd.api+json, or remove it")
		}
	}
}

// header is the one that auth sets, "" without auth.
func (a *Auth) header() string {
	switch {
	case a == nil:
		return ""
	case a.Header != nil:
		return http.CanonicalHeaderKey(a.Header.Name)
	}
	return "Authorization"
}

// dress adds the headers of the file and then the credentials to a call. The
// type of a body goes only with one.
func (s *Settings) dress(r *http.Request) {
	for name, value := range s.Headers {
		if http.CanonicalHeaderKey(name) == "Content-Type" && (r.Body == nil || r.Header.Get("Content-Type") == contentForm) {
			continue
		}
		r.Header.Set(name, value.Reveal())
	}
	s.Auth.authorize(r)
}

// credential is in the name of a header that proves who calls; others say which
// version of an API is meant.
var credential = regexp.MustCompile(`(?i)key|token|secret|auth|password`)

// headerCredentials are those headers of the file that prove who calls: some
// tools want two keys.
func (s *Settings) headerCredentials() (all []config.Credential) {
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		if credential.MatchString(name) {
			all = append(all, config.Credential{Key: "headers." + name, Secret: s.Headers[name]})
		}
	}
	return all
}

var headerNames = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func isHeaderName(name string) bool { return headerNames.MatchString(name) }
