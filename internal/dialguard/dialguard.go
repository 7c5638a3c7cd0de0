// Package dialguard makes the HTTP clients that call the tools. They do not
// connect to addresses where no tool can be: those of a cloud's metadata
// service, which gives the machine's credentials to every caller, and those
// that are not the address of one machine. A mistyped base_url, or a tool's DNS
// name that an attacker has taken over, then reaches nothing.
//
// Main functions: Client, Dial and Check; SettingClient and SettingDial for settings
// that are not connections. Main type: Refused.
//
// Invariants:
//
//  1. The check sees the address of each connection, after the name is
//     resolved: an earlier answer for a name, or a redirect, cannot get around
//     it.
//  2. A refused connection sends no packet to the address.
//  3. Loopback and private networks are reached: many tools are hosted there.
//  4. An address that cannot be parsed is refused.
//
// A proxy from the environment (HTTPS_PROXY) resolves names itself, so only the
// proxy knows the address. The connection to the proxy follows the same rules,
// and an address in the URL is checked before the proxy is used; the proxy must
// guard the names that it resolves.
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
	// Connection is the one that made the call, "" when it is not known.
	Connection string
	// Setting is the configuration key behind the call, when it was not a
	// connection.
	Setting string
	// Address is the address that was refused, the zero Addr when it could not be
	// parsed.
	Address netip.Addr
	// Why is what kind of address it is.
	Why string
	// Key is the key of the connection that has the address, "" for base_url.
	Key string
}

// Error names the refused address, why, and what to write in the configuration.
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
	key := "base_url"
	if r.Key != "" {
		key = r.Key
	}
	return fmt.Sprintf("%s is not called: it is %s; correct %s or the DNS, or if the tool really is there add also_allow: [%s] to %s",
		r.Address, r.Why, key, netip.PrefixFrom(r.Address, r.Address.BitLen()), where)
}

// Client returns a client for the calls of a connection, which may also reach
// the networks in allow. It shares no idle connections with other clients.
func Client(connection string, allow []netip.Prefix) *http.Client {
	return guard{connection: connection, allow: allow, proxy: http.ProxyFromEnvironment}.client()
}

// Dial returns a dialer for a connection that does not speak HTTP, which follows
// the same rules as Client. No proxy is used.
func Dial(connection string, allow []netip.Prefix) func(ctx context.Context, network, address string) (net.Conn, error) {
	return guard{connection: connection, key: "dsn", allow: allow}.dialer().DialContext
}

// SettingClient returns a client for a setting that is not under connections,
// where no network can be allowed.
func SettingClient(setting string) *http.Client {
	return guard{setting: setting, proxy: http.ProxyFromEnvironment}.client()
}

// SettingDial returns a dialer that follows the same rules as SettingClient,
// and its proxy, for callers that speak their own protocol over a connection.
func SettingDial(setting string) (dial func(ctx context.Context, network, address string) (net.Conn, error), proxy func(*http.Request) (*url.URL, error)) {
	g := guard{setting: setting, proxy: http.ProxyFromEnvironment}
	return g.dialer().DialContext, g.proxied
}

// guard is what one client may reach, and how it resolves names.
type guard struct {
	connection string
	key        string // of the connection
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

// atOnce is how many calls to a tool there may be at a time: as many customers of a sync as
// may be in progress. So many connections are kept, since Go keeps two of a host otherwise and
// a dial costs more than a call.
const atOnce = 256

func (g guard) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 g.proxied,
		DialContext:           g.dialer().DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          2 * atOnce,
		MaxIdleConnsPerHost:   atOnce,
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

// proxied checks an address in the URL before a proxy hides it: after that,
// only the proxy's address is visible.
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
	return &Refused{Connection: g.connection, Key: g.key, Setting: g.setting, Address: to, Why: why}
}
