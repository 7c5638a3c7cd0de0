package dialguard

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAddressesThatMayBeCalled(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1",
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12:3456:789a::1",
		"100.64.0.1", "100.100.100.199", "100.100.100.201", // shared: overlay networks assign these
		"169.253.255.255", "169.255.0.0", "168.63.129.15", "223.255.255.255",
		"93.184.216.34", "2606:2800:220:1::1", "fec0::1", "fd00:ec3::254",
		"64:ff9b::5db8:d822", "2002:5db8:d822::1", "::93.184.216.34",
	} {
		if why := Check(netip.MustParseAddr(a)); why != "" {
			t.Errorf("%s is refused: %s", a, why)
		}
	}
}

func TestAddressesThatMayNotBeCalled(t *testing.T) {
	for a, why := range map[string]string{
		"169.254.169.254":           "metadata",
		"169.254.170.2":             "metadata",
		"169.254.170.23":            "metadata",
		"100.100.100.200":           "metadata",
		"168.63.129.16":             "metadata",
		"fd00:ec2::254":             "metadata",
		"fd00:ec2::23":              "metadata",
		"fd20:ce::254":              "metadata",
		"fd00:c1::a9fe:a9fe":        "metadata",
		"fd00:42::42":               "metadata",
		"169.254.0.1":               "link-local",
		"169.254.255.255":           "link-local",
		"fe80::1":                   "link-local",
		"febf:ffff::1":              "link-local",
		"fe80::1%eth0":              "link-local",
		"0.0.0.0":                   "not the address of a machine",
		"0.1.2.3":                   "not the address of a machine",
		"::":                        "not the address of a machine",
		"224.0.0.1":                 "multicast",
		"239.255.255.255":           "multicast",
		"ff02::1":                   "multicast",
		"255.255.255.255":           "broadcast",
		"::ffff:169.254.169.254":    "metadata",
		"::ffff:a9fe:a9fe":          "metadata",
		"::ffff:0.0.0.0":            "not the address of a machine",
		"::169.254.169.254":         "another way to write the address of a cloud's metadata",
		"::ffff:0:a9fe:a9fe":        "another way to write the address of a cloud's metadata",
		"64:ff9b::a9fe:a9fe":        "another way to write the address of a cloud's metadata",
		"64:ff9b::a9fe:1":           "another way to write a link-local",
		"64:ff9b:1::a9fe:a9fe":      "another way to write the address of a cloud's metadata",
		"64:ff9b:1:2:3:4:6464:64c8": "another way to write the address of a cloud's metadata",
		"2002:a9fe:a9fe::1":         "another way to write the address of a cloud's metadata",
	} {
		if got := Check(netip.MustParseAddr(a)); !strings.Contains(got, why) {
			t.Errorf("%s: got %q, want %q", a, got, why)
		}
	}
}

func TestAnAllowedNetworkIsReachedAndNothingElse(t *testing.T) {
	g := guard{connection: "crm", allow: []netip.Prefix{netip.MustParsePrefix("169.254.10.0/24"), netip.MustParsePrefix("fe80::/64")}}
	for a, allowed := range map[string]bool{
		"169.254.10.7": true, "::ffff:169.254.10.7": true, "fe80::7": true, "fe80::7%eth0": true,
		"169.254.11.7": false, "169.254.169.254": false, "fe80:1::7": false, "64:ff9b::a9fe:a07": false,
		"93.184.216.34": true, "127.0.0.1": true, // what is allowed restricts nothing
	} {
		if err := g.check(netip.MustParseAddr(a)); (err == nil) != allowed {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestWhatIsRefusedSaysWhatToWrite(t *testing.T) {
	for _, test := range []struct {
		refused Refused
		want    string
	}{
		{Refused{Connection: "crm", Address: netip.MustParseAddr("169.254.10.7"), Why: linkLocal},
			"169.254.10.7 is not called: it is a link-local address, where clouds serve their machines' credentials; " +
				"correct base_url or the DNS, or if the tool really is there add also_allow: [169.254.10.7/32] to connection crm"},
		{Refused{Address: netip.MustParseAddr("ff02::1"), Why: multicast},
			"ff02::1 is not called: it is a multicast address; " +
				"correct base_url or the DNS, or if the tool really is there add also_allow: [ff02::1/128] to its connection"},
		{Refused{Setting: "notify.slack", Address: netip.MustParseAddr("169.254.10.7"), Why: linkLocal}, // where also_allow is no key
			"169.254.10.7 is not called: it is a link-local address, where clouds serve their machines' credentials; " +
				"correct the address under notify.slack, or the DNS"},
		{Refused{Connection: "crm", Why: "it has no readable address"}, "the tool is not called: it has no readable address"},
	} {
		if got := test.refused.Error(); got != test.want {
			t.Errorf("got %s", got)
		}
	}
}

func FuzzNoSpellingOfAnAddressIsOverlooked(f *testing.F) {
	f.Add([]byte{169, 254, 169, 254})
	f.Add([]byte{10, 0, 0, 1})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		v4 := netip.AddrFrom4([4]byte(b))
		for _, n := range translated {
			raw := n.Addr().As16()
			copy(raw[n.at:], b[:4])
			if v6 := netip.AddrFrom16(raw); !v6.IsLoopback() && Check(v4) != "" && Check(v6) == "" {
				t.Errorf("%s is refused and %s, which means the same, is not", v4, v6)
			}
		}
		if mapped := netip.AddrFrom16(v4.As16()); Check(v4) != Check(mapped) {
			t.Errorf("%s and %s are not judged alike", v4, mapped)
		}
	})
}
