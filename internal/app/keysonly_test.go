package app

import "testing"

func TestARefusedFileIsRememberedByItsKeysAndNotByWhatMayBeASecret(t *testing.T) {
	for path, want := range map[string]string{
		"":                                       "",
		"syncs.customer-status.match[0].target":  "syncs.customer-status.match[0].target",
		"connections.billing.api_key sk_live_51": "connections.billing.…",
		"connections.a0123456789012345678901234567890": "connections.…",
		"connections.ana@example.com":                  "connections.….com",
	} {
		if got := keysOnly(path); got != want {
			t.Errorf("%q is shown as %q, not %q", path, got, want)
		}
	}
}
