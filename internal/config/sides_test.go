package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keeping is a type that keeps tokens, knows its tool's limit, and wants to
// know in which field of which side it is.
type keeping struct {
	seen *[]Side
}

func (k *keeping) Check(*Checker, Connection)  {}
func (k *keeping) KeepsTokens() bool           { return true }
func (k *keeping) DefaultRateLimit() RateLimit { return RateLimit{Requests: 1, Per: time.Second} }
func (k *keeping) CheckSide(c *Checker, s Side) {
	*k.seen = append(*k.seen, s)
	if s.Field == "" {
		c.Fault("field", "is missing", "write one")
	}
}

func parseKeeping(t *testing.T, key, field string) (faults string, cfg *Config, seen []Side) {
	t.Helper()
	types := Types{"keeping": func() Settings { return &keeping{seen: &seen} }}
	text := fmt.Sprintf(`
%s
connections:
  a: {type: keeping}
  b: {type: keeping}
syncs:
  s:
    source: {connection: a, field: x}
    target: {connection: b%s}
    match: [{source: id, target: id}]
    statuses: {active: {from: [on, trial], to: Active}, over: {from: [off], to: Over}}
    ignore: [new]
`, key, field)
	cfg, err := Parse("trueup.yaml", []byte(text), ".", types, func(string) (string, bool) { return "", false })
	if err != nil {
		return err.Error(), nil, seen
	}
	return "", cfg, seen
}

func TestATypeChecksTheSidesOfItsSyncs(t *testing.T) {
	key := "encryption_key: " + base64.StdEncoding.EncodeToString(make([]byte, 32))
	faults, _, seen := parseKeeping(t, key, "")
	if faults != "trueup.yaml:9: syncs.s.target.field: is missing; write one" {
		t.Error(faults)
	}
	want := []Side{{Field: "x", Values: []string{"on", "trial", "off", "new"}}, {Values: []string{"Active", "Over"}, Target: true}}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestStoredTokensNeedAKey(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789abcdef")
	for name, text := range map[string]string{"base64": base64.StdEncoding.EncodeToString(raw), "base64 without its end": base64.RawStdEncoding.EncodeToString(raw),
		"base64 for addresses": base64.URLEncoding.EncodeToString(raw), "hex": hex.EncodeToString(raw)} {
		faults, cfg, _ := parseKeeping(t, "encryption_key: "+text, ", field: y")
		if faults != "" || !slices.Equal(cfg.Key(), raw) {
			t.Errorf("%s: %s", name, faults)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg.EncryptionKey), text) {
			t.Errorf("%s: it prints", name)
		}
	}
	for name, line := range map[string]string{"none": "", "a short one": "encryption_key: " + base64.StdEncoding.EncodeToString(raw[:16]), "a password": "encryption_key: canary-password"} {
		faults, _, _ := parseKeeping(t, line, ", field: y")
		if !strings.Contains(faults, "encryption_key: it is") || !strings.Contains(faults, "openssl rand -base64 32") || strings.Contains(faults, "canary") {
			t.Errorf("%s: %s", name, faults)
		}
	}
}
