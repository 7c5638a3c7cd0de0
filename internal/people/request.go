package people

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// The cookies that hold a session's token. A browser keeps the first one over https
// alone; the second is for this machine, where there is no https.
const (
	secureCookie = "__Host-trueup"
	localCookie  = "trueup-local"
	// begunCookie follows each of their names where it holds a sign-in that has begun
	// at the identity provider.
	begunCookie = "-begun"
)

// Here reports whether a request comes from a browser on this machine, without
// encryption and without a proxy between.
func Here(r *http.Request) bool {
	if r.TLS != nil || !Loopback(r.Host) || !Loopback(r.RemoteAddr) {
		return false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	return true
}

// Unprotected reports whether a request came over http from another machine, as far as
// can be seen: the browser will not keep the cookie. url is where people are told to go.
func Unprotected(r *http.Request, url string) bool {
	return r.TLS == nil && !Loopback(r.RemoteAddr) && r.Header.Get("X-Forwarded-Proto") != "https" && !strings.HasPrefix(url, "https://")
}

// Loopback reports whether a host, with or without a port, is this machine.
func Loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return config.Loopback(strings.Trim(host, "[]"))
}

func cookie(r *http.Request, value string, age int) *http.Cookie {
	c := &http.Cookie{Name: secureCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode} // #nosec G124 -- it is secure, but on this machine, where there is no TLS
	if Here(r) {
		c.Name, c.Secure = localCookie, false
	}
	return c
}

// SetBegun gives a browser what it needs to come back from the identity provider with.
func SetBegun(w http.ResponseWriter, r *http.Request, begun string, age time.Duration) {
	c := cookie(r, begun, int(age/time.Second)) // #nosec G124 -- as cookie makes it
	c.Name += begunCookie
	http.SetCookie(w, c)
}

// TakeBegun returns that, "" for none, and takes it back: it is of use once.
func TakeBegun(w http.ResponseWriter, r *http.Request) string {
	gone := cookie(r, "", -1) // #nosec G124 -- as cookie makes it
	gone.Name += begunCookie
	http.SetCookie(w, gone)
	c, err := r.Cookie(gone.Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie gives a browser the token of its session, until it is closed.
func SetCookie(w http.ResponseWriter, r *http.Request, token string) {
	http.SetCookie(w, cookie(r, token, 0))
}

// ClearCookie takes the token back.
func ClearCookie(w http.ResponseWriter, r *http.Request) { http.SetCookie(w, cookie(r, "", -1)) }

// Token returns the token that a browser has sent, "" for none.
func Token(r *http.Request) string {
	c, err := r.Cookie(cookie(r, "", 0).Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// FromRequest returns the session of the browser that sent a request, as FromToken
// does.
func (d *Door) FromRequest(r *http.Request) (store.Session, error) {
	return d.FromToken(r.Context(), Token(r))
}

// FromOpenPage is FromRequest for what a page that is open asks by itself: nobody need be
// there, so the session is not used by it.
func (d *Door) FromOpenPage(r *http.Request) (store.Session, error) {
	return d.open(r.Context(), Token(r), d.Store.Session)
}

// BrowserOf is what is known of the browser that sent a request.
func BrowserOf(r *http.Request) Browser {
	return Browser{Address: address(r), Device: Device(r.UserAgent()), Token: Token(r)}
}

// address is where a request comes from. Behind a proxy on this machine or in a
// private network, it is what that proxy has added. An IPv6 address counts by its
// network: one household has very many.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	a = a.Unmap()
	if a.IsLoopback() || a.IsPrivate() {
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if from, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
			a = from.Unmap()
		}
	}
	const household = 64
	if a.Is6() {
		if network, err := a.WithZone("").Prefix(household); err == nil {
			return network.String()
		}
	}
	return a.String()
}

// devices are words of a user agent and what people call it; the first that is there
// counts.
var (
	browsers = [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systems  = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

// Device says what a user agent is, such as Chrome on macOS.
func Device(agent string) string {
	find := func(words [][2]string) string {
		for _, w := range words {
			if strings.Contains(agent, w[0]) {
				return w[1]
			}
		}
		return ""
	}
	browser, system := find(browsers), find(systems)
	switch {
	case browser == "" && system == "":
		return "an unknown browser"
	case system == "":
		return browser
	case browser == "":
		return system
	}
	return browser + " on " + system
}
