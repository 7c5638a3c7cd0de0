package dialguard

import "net/netip"

// network is a range of refused addresses and what they are.
type network struct {
	netip.Prefix
	why string
}

// What the addresses are.
const (
	metadata  = "the address of a cloud's metadata service, which hands out the machine's credentials"
	linkLocal = "a link-local address, where clouds serve their machines' credentials"
	multicast = "a multicast address"
)

// refused is searched in order, the more specific reason first. Most clouds
// serve their metadata inside 169.254.0.0/16; these are the others.
var refused = []network{
	{netip.MustParsePrefix("169.254.169.254/32"), metadata},     // AWS, Azure, Google, Oracle, OpenStack and more
	{netip.MustParsePrefix("169.254.170.2/32"), metadata},       // AWS, of containers
	{netip.MustParsePrefix("169.254.170.23/32"), metadata},      // AWS, of pods
	{netip.MustParsePrefix("100.100.100.200/32"), metadata},     // Alibaba
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},       // Azure, of its agent
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},          // AWS: fd00:ec2::254, and ::23 of pods
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},       // Google
	{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), metadata}, // Oracle
	{netip.MustParsePrefix("fd00:42::42/128"), metadata},        // Scaleway

	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
	{netip.MustParsePrefix("fe80::/10"), linkLocal},
	// Linux connects 0.0.0.0 to the machine itself.
	{netip.MustParsePrefix("0.0.0.0/8"), "not the address of a machine (RFC 1122)"},
	{netip.MustParsePrefix("::/128"), "not the address of a machine (RFC 4291)"},
	{netip.MustParsePrefix("224.0.0.0/4"), multicast},
	{netip.MustParsePrefix("ff00::/8"), multicast},
	{netip.MustParsePrefix("255.255.255.255/32"), "the broadcast address"},
}

// translated is IPv6 networks whose addresses carry an IPv4 address, from the
// byte at. A gateway, sometimes the machine's own, forwards packets for them to
// that address. A network's own NAT64 prefix cannot be known here.
var translated = []struct {
	netip.Prefix
	at int
}{
	{netip.MustParsePrefix("::/96"), 12},           // compatible, RFC 4291
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12}, // translated, RFC 2765
	{netip.MustParsePrefix("64:ff9b::/96"), 12},    // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12},  // local NAT64, RFC 8215
	{netip.MustParsePrefix("2002::/16"), 2},        // 6to4, RFC 3056
}

// Check returns why an address is refused unless it was allowed, "" when it may
// be called.
func Check(to netip.Addr) (why string) {
	to = to.WithZone("").Unmap()
	for _, n := range refused {
		if n.Contains(to) {
			return n.why
		}
	}
	if !to.Is6() || to.IsLoopback() {
		return ""
	}
	for _, n := range translated {
		if n.Contains(to) {
			b := to.As16()
			if why := Check(netip.AddrFrom4([4]byte(b[n.at : n.at+4]))); why != "" {
				return "another way to write " + why
			}
		}
	}
	return ""
}
