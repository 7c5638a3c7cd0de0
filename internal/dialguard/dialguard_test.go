package dialguard

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tool answers every call and counts the connections it was asked for.
type tool struct {
	*httptest.Server
	connections atomic.Int64
}

func newTool(t *testing.T, h http.HandlerFunc) *tool {
	tl := &tool{}
	tl.Server = httptest.NewUnstartedServer(h)
	tl.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			tl.connections.Add(1)
		}
	}
	tl.Start()
	t.Cleanup(tl.Close)
	return tl
}

func ok(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }

// at is the tool's URL with another host. Linux connects 0.0.0.0 to the machine
// itself, so it is a refused address at which something answers.
func (tl *tool) at(host string) string {
	_, port, _ := net.SplitHostPort(tl.Listener.Addr().String())
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// direct uses no proxy, even if the environment of the test names one.
func direct(*http.Request) (*url.URL, error) { return nil, nil }

func call(t *testing.T, c *http.Client, address string) error {
	t.Helper()
	t.Cleanup(c.CloseIdleConnections)
	resp, err := c.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "ok" {
		t.Fatalf("it is answered %d %q, %v", resp.StatusCode, body, err)
	}
	return nil
}

func wantRefused(t *testing.T, err error, address string) {
	t.Helper()
	var refused *Refused
	if !errors.As(err, &refused) {
		t.Fatalf("it is not refused: %v", err)
	}
	if refused.Address.String() != address || refused.Connection != "crm" {
		t.Errorf("refused is %s of connection %q, not %s", refused.Address, refused.Connection, address)
	}
}

func TestTheMetadataServiceIsNotCalled(t *testing.T) {
	c := guard{connection: "crm", proxy: direct}.client()
	wantRefused(t, call(t, c, "http://169.254.169.254/latest/meta-data/"), "169.254.169.254")
	wantRefused(t, call(t, c, "http://[::ffff:a9fe:a9fe]/"), "169.254.169.254")
	wantRefused(t, call(t, c, "http://[fe80::1%25lo]/"), "fe80::1")
}

func TestARefusedConnectionIsNeverOpened(t *testing.T) {
	tl := newTool(t, ok)
	wantRefused(t, call(t, guard{connection: "crm", proxy: direct}.client(), tl.at("0.0.0.0")), "0.0.0.0")
	if n := tl.connections.Load(); n != 0 {
		t.Fatalf("%d connections reached it", n)
	}
	allowed := guard{connection: "crm", proxy: direct, allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/32")}}.client()
	if err := call(t, allowed, tl.at("0.0.0.0")); err != nil || tl.connections.Load() != 1 {
		t.Errorf("allowed, it is not reached: %v", err)
	}
}

func TestToolsOnThisMachineAreCalled(t *testing.T) {
	tl := newTool(t, ok)
	if err := call(t, Client("crm", nil), tl.URL); err != nil {
		t.Error(err)
	}
}

func TestARedirectLeadsNowhereElse(t *testing.T) {
	hidden := newTool(t, ok)
	tl := newTool(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, hidden.at("0.0.0.0"), http.StatusFound)
	})
	wantRefused(t, call(t, guard{connection: "crm", proxy: direct}.client(), tl.URL), "0.0.0.0")
	if n := hidden.connections.Load(); n != 0 {
		t.Errorf("%d connections reached it", n)
	}
}

func TestANameThatComesToMeanAnotherAddressIsRefusedFromThenOn(t *testing.T) {
	tl := newTool(t, ok)
	names := &dns{t: t}
	names.means("127.0.0.1")
	c := guard{connection: "crm", proxy: direct, resolver: names.resolver()}.client()
	if err := call(t, c, tl.at("crm.example.com")); err != nil {
		t.Fatal(err)
	}
	c.CloseIdleConnections()
	names.means("169.254.169.254")
	wantRefused(t, call(t, c, tl.at("crm.example.com")), "169.254.169.254")
}

// A proxy is connected to in place of the tool.
func TestAProxyIsNoWayAround(t *testing.T) {
	proxy := newTool(t, ok)
	through := func(host string) *http.Client {
		at, err := url.Parse(proxy.at(host))
		if err != nil {
			t.Fatal(err)
		}
		return guard{connection: "crm", proxy: http.ProxyURL(at)}.client()
	}
	wantRefused(t, call(t, through("127.0.0.1"), "http://169.254.169.254/"), "169.254.169.254")
	wantRefused(t, call(t, through("127.0.0.1"), "https://[64:ff9b::a9fe:a9fe]/"), "64:ff9b::a9fe:a9fe")
	wantRefused(t, call(t, through("0.0.0.0"), "http://crm.example.com/"), "0.0.0.0")
	if n := proxy.connections.Load(); n != 0 {
		t.Errorf("the proxy was asked %d times", n)
	}
	if err := call(t, through("127.0.0.1"), "http://crm.example.com/"); err != nil || proxy.connections.Load() != 1 {
		t.Errorf("a name does not go through the proxy: %v", err)
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	for _, address := range []string{"", "crm.example.com:80", "169.254.169.254", "/run/tool.sock"} {
		var refused *Refused
		if err := (guard{connection: "crm"}).control("tcp", address, nil); !errors.As(err, &refused) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// dns is a name server for which every name means one address.
type dns struct {
	t       *testing.T
	address atomic.Pointer[netip.Addr]
}

func (d *dns) means(address string) {
	a := netip.MustParseAddr(address)
	d.address.Store(&a)
}

// resolver asks over a pipe: a connection that is not a packet connection is
// used like TCP.
func (d *dns) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asker, server := net.Pipe()
		go func() {
			defer server.Close()
			for d.answer(server) == nil {
			}
		}()
		return asker, nil
	}}
}

// answer answers one question (RFC 1035, section 4): A with the address,
// everything else with nothing.
func (d *dns) answer(c io.ReadWriter) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return err
	}
	const header, typeA = 12, 1
	end := header + strings.IndexByte(string(query[header:]), 0) + 5
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[header:end]...)
	if binary.BigEndian.Uint16(query[end-4:]) == typeA {
		reply[7] = 1
		ip := d.address.Load().As4()
		reply = append(reply, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, ip[0], ip[1], ip[2], ip[3])
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}

// Calls at the same time keep their connections for the calls after them.
func TestConnectionsAreKeptForTheNextCalls(t *testing.T) {
	const calls = 32
	var arrived sync.WaitGroup
	tl := newTool(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // all are on their way
		ok(w, r)
	})
	c := guard{connection: "crm", key: "connections.crm", allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, proxy: direct}.client()
	for range 3 {
		arrived.Add(calls)
		var all sync.WaitGroup
		for range calls {
			all.Go(func() {
				if err := call(t, c, tl.at("127.0.0.1")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	// One may be needed a moment before its last call has given it back.
	if n := tl.connections.Load(); n >= 2*calls {
		t.Errorf("%d calls at a time, three times, made %d connections", calls, n)
	}
}
