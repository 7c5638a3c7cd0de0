package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// FuzzSecret prints a secret in every way a line of code or a log can: with any
// verb and flag, alone, in a struct, a list and a map, as JSON, YAML and as a
// log line. Only %p and %w are left out: fmt asks no method of a value about
// them, and go vet refuses both for a text.
func FuzzSecret(f *testing.F) {
	for _, verb := range "vsqxXdtbcoOUeEfFgGT%" {
		f.Add("sk_live_1", string(verb))
	}
	for _, format := range []string{"+v", "#v", "#x", " x", "010.3s", "+q", "-20d", "[1]*d", "é", "\x00", ""} {
		f.Add("whsec_\xff\xfe\x00", format)
	}
	const canary = "canary"
	forms := []string{canary, strings.ToUpper(canary), fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary),
		fmt.Sprint([]byte(canary)[1:4]), "Y2FuYXJ5"}
	f.Fuzz(func(t *testing.T, text, format string) {
		if strings.ContainsAny(format, "pwcC") {
			return // what is left out, and the canary itself
		}
		s := Secret(canary + text)
		if s.Reveal() != canary+text {
			t.Fatal("the secret is another one")
		}
		held := struct {
			Key  Secret            `yaml:"key"`
			List []Secret          `yaml:"list"`
			Map  map[string]Secret `yaml:"map"`
			Any  any               `yaml:"any"`
		}{s, []Secret{s}, map[string]Secret{"a": s}, s}
		var out bytes.Buffer
		fmt.Fprintf(&out, "%"+format, s)
		fmt.Fprintf(&out, "%"+format, held)
		fmt.Fprint(&out, s, held, []any{s})
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
			document, err := marshal(held)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(document)
		}
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("opened", "key", s, "settings", held, slog.Group("in", "key", s))
		}
		for _, form := range forms {
			if strings.Contains(out.String(), form) {
				t.Fatalf("with %%%s it prints as %q", format, out.String())
			}
		}
	})
}
