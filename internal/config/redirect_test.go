package config

import "testing"

func TestAPersonComesBackToThisMachineOrToTheService(t *testing.T) {
	for name, c := range map[string]struct {
		public, redirect string
		ok               bool
	}{
		"this machine":                           {"", DefaultRedirect, true},
		"this machine by its other address":      {"", "http://[::1]:9000/", true},
		"this machine without a port":            {"", "http://127.0.0.1/callback", false},
		"this machine with a query":              {"", "http://127.0.0.1:8765/callback?a=b", false},
		"this machine with https":                {"", "https://127.0.0.1:8765/callback", false},
		"a name that only begins so":             {"", "http://localhost.example.com:80/", false},
		"the service":                            {"https://a.example.com", "https://a.example.com/oauth/crm/back", true},
		"the service below a path":               {"https://a.example.com/t/", "https://a.example.com/t/oauth/crm/back", true},
		"the service without https":              {"http://a.example.com", "http://a.example.com/oauth/crm/back", false},
		"the service of no public_url":           {"", "https://a.example.com/oauth/crm/back", false},
		"another path of the service":            {"https://a.example.com", "https://a.example.com/callback", false},
		"the service of another connection":      {"https://a.example.com", "https://a.example.com/oauth/shop/back", false},
		"elsewhere":                              {"https://a.example.com", "https://b.example.com/oauth/crm/back", false},
		"the service, and a name in front of it": {"https://a.example.com", "https://b@a.example.com/oauth/crm/back", false},
	} {
		problem, remedy := Connection{Name: "crm", PublicURL: c.public}.RedirectProblem(c.redirect)
		if (problem == "") != c.ok || (remedy == "") != c.ok {
			t.Errorf("%s: %q, %q", name, problem, remedy)
		}
	}
}

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true, "::1%lo": true,
		"": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "127.1": false, "10.0.0.1": false, "0.0.0.0": false, "::": false, "127.0.0.1:80": false, "[::1]": false,
	} {
		if Loopback(host) != want {
			t.Errorf("Loopback(%q) is %v", host, !want)
		}
	}
}
