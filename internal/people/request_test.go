package people

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(host, from string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host, r.RemoteAddr = host, from
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestTheCookieIsSecureButOnThisMachine(t *testing.T) {
	encrypted := request("localhost:8080", "127.0.0.1:5000")
	encrypted.TLS = &tls.ConnectionState{}
	for name, tc := range map[string]struct {
		r    *http.Request
		want string
	}{
		"a browser on this machine":  {request("127.0.0.1:8080", "127.0.0.1:5000"), "trueup-local=token; Path=/; HttpOnly; SameSite=Lax"},
		"by its name":                {request("localhost:8080", "[::1]:5000"), "trueup-local=token; Path=/; HttpOnly; SameSite=Lax"},
		"encrypted":                  {encrypted, "__Host-trueup=token; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"a public name":              {request("sync.example.com", "127.0.0.1:5000"), "__Host-trueup=token; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"a proxy that keeps no name": {request("127.0.0.1:8080", "127.0.0.1:5000", "X-Forwarded-For", "192.0.2.1"), "__Host-trueup=token; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"a name of this machine that comes from another": {request("localhost", "192.0.2.1:5000"), "__Host-trueup=token; Path=/; HttpOnly; Secure; SameSite=Lax"},
		"a name that only begins like it":                {request("localhost.evil.example", "127.0.0.1:5000"), "__Host-trueup=token; Path=/; HttpOnly; Secure; SameSite=Lax"},
	} {
		w := httptest.NewRecorder()
		SetCookie(w, tc.r, "token")
		if got := w.Header().Get("Set-Cookie"); got != tc.want {
			t.Errorf("%s: %s", name, got)
		}
		tc.r.Header.Set("Cookie", "trueup-local=local; __Host-trueup=secure")
		if got, local := Token(tc.r), strings.HasPrefix(tc.want, "trueup-local"); (got == "local") != local || got == "" {
			t.Errorf("%s: the token that is read is %q", name, got)
		}
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		r    *http.Request
		want string
	}{
		"directly":                          {request("x", "192.0.2.1:5000"), "192.0.2.1"},
		"directly, with a forged header":    {request("x", "192.0.2.1:5000", "X-Forwarded-For", "198.51.100.7"), "192.0.2.1"},
		"by a proxy":                        {request("x", "10.0.0.2:5000", "X-Forwarded-For", "198.51.100.7"), "198.51.100.7"},
		"by a proxy, with a forged header":  {request("x", "127.0.0.1:5000", "X-Forwarded-For", "203.0.113.9, 198.51.100.7"), "198.51.100.7"},
		"with two headers":                  {request("x", "127.0.0.1:5000", "X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "198.51.100.7"), "198.51.100.7"},
		"by a proxy that says nothing":      {request("x", "127.0.0.1:5000", "X-Forwarded-For", "unknown"), "127.0.0.1"},
		"an IPv6 address, by its network":   {request("x", "[2001:db8:1:2:3:4:5:6]:5000"), "2001:db8:1:2::/64"},
		"an IPv4 address in IPv6 notation":  {request("x", "[::ffff:192.0.2.1]:5000"), "192.0.2.1"},
		"an address that cannot be read":    {request("x", "@"), "@"},
		"an IPv6 address of this link only": {request("x", "[fe80::1%eth0]:5000"), "fe80::/64"},
	} {
		if got := address(tc.r); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":            "Chrome on macOS",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":            "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": "Safari on iPhone",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                           "Firefox on Linux",
		"curl/8": "an unknown browser", "": "an unknown browser",
	} {
		if got := Device(agent); got != want {
			t.Errorf("%s: %s", agent, got)
		}
	}
}
