// Package dialguard makes the HTTP clients that call the tools. They do not
// connect to addresses at which no tool is: those of a cloud's metadata
// service, which hands out the credentials of the machine to whoever asks, and
// those that are not one machine's address at all. A base_url that was mistyped,
// or a tool's DNS name that somebody else has taken over, then reaches nothing.
//
// Main functions: Client and Check; SettingClient and SettingDial for what is no
// connection. Main type: Refused.
//
// Invariants:
//
//  1. What is checked is the address that is about to be connected to, after
//     every look-up and for every connection: what a name meant earlier, and
//     where a redirect leads, do not matter.
//  2. A refused connection sends no packet to the address.
//  3. Loopback and private networks are reached: many tools are hosted there.
//  4. What cannot be read as an address is refused.
//
// A proxy of the environment (HTTPS_PROXY) looks names up itself and is then the
// only one who knows the address. It is connected to under the same rules, and
// an address that stands in the URL is checked before the proxy is asked; what a
// name leads to behind it is the proxy's to guard.
//
// It imports nothing of ours.
package dialguard

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// Refused is the error of a call that was kept from an address.
type Refused struct {
	// Connection is the one that called, "" when nobody said.
	Connection string
	// Setting is what called instead, when it was no connection: the key of the
	// configuration that it stands under.
	Setting string
	// Address is what was not called. It is the zero Addr when it could not be
	// read.
	Address netip.Addr
	// Why says what the address is.
	Why string
}

// Error says what was not called, why, and what to write.
func (r *Refused) Error() string {
	if !r.Address.IsValid() {
		return "the tool is not called: " + r.Why
	}
	if r.Setting != "" {
		return fmt.Sprintf("%s is not called: it is %s; correct the address under %s, or the DNS", r.Address, r.Why, r.Setting)
	}
	where := "its connection"
	if r.Connection != "" {
		where = "connection " + r.Connection
	}
	return fmt.Sprintf("%s is not called: it is %s; correct base_url or the DNS, or if the tool really is there add also_allow: [%s] to %s",
		r.Address, r.Why, netip.PrefixFrom(r.Address, r.Address.BitLen()), where)
}

// Client returns a client for the calls of a connection, which may also reach
// the networks in allow. Nobody else shares its idle connections.
func Client(connection string, allow []netip.Prefix) *http.Client {
	return guard{connection: connection, allow: allow, proxy: http.ProxyFromEnvironment}.client()
}

// SettingClient returns a client for what the configuration has under another
// key than connections, where no network can be allowed.
func SettingClient(setting string) *http.Client {
	return guard{setting: setting, proxy: http.ProxyFromEnvironment}.client()
}

// SettingDial returns what connects as SettingClient does, and the proxy it
// does so through, for whoever speaks over a connection himself.
func SettingDial(setting string) (dial func(ctx context.Context, network, address string) (net.Conn, error), proxy func(*http.Request) (*url.URL, error)) {
	g := guard{setting: setting, proxy: http.ProxyFromEnvironment}
	return g.dialer().DialContext, g.proxied
}

// guard is what one client may reach, and how it finds it.
type guard struct {
	connection string
	setting    string
	allow      []netip.Prefix
	proxy      func(*http.Request) (*url.URL, error)
	resolver   *net.Resolver // nil: the system's
}

func (g guard) dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:   30 * time.Second,
		KeepAlive: 30 * time.Second,
		Resolver:  g.resolver,
		Control:   g.control,
	}
}

func (g guard) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 g.proxied,
		DialContext:           g.dialer().DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}}
}

// control sees each address after the look-up and before the first packet
// (invariants 1 and 2).
func (g guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return &Refused{Connection: g.connection, Setting: g.setting, Why: "it has no readable address"} // invariant 4
	}
	return g.check(to.Addr())
}

// proxied checks an address in the URL while it is still to be seen: a proxy is
// connected to in its place.
func (g guard) proxied(r *http.Request) (*url.URL, error) {
	proxy, err := g.proxy(r)
	if proxy == nil || err != nil {
		return proxy, err
	}
	if to, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
		if err := g.check(to); err != nil {
			return nil, err
		}
	}
	return proxy, nil
}

func (g guard) check(to netip.Addr) error {
	to = to.WithZone("").Unmap()
	why := Check(to)
	if why == "" || slices.ContainsFunc(g.allow, func(n netip.Prefix) bool { return n.Contains(to) }) {
		return nil
	}
	return &Refused{Connection: g.connection, Setting: g.setting, Address: to, Why: why}
}
