package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shownText is what people see of a file, line by line.
func shownText(c *Config) string {
	var b strings.Builder
	for _, l := range c.Shown {
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

// around puts lines into a file that is otherwise valid.
func fileWith(billing, crm, rest string) string {
	return "connections:\n  billing:\n    type: stripe\n" + billing + "  crm:\n    type: http\n    base_url: http://127.0.0.1:9002\n" + crm + `syncs:
  a:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active, trialing], to: Active}}
` + rest
}

func TestAFileIsShownWithoutItsSecrets(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	const key, ref = "    api_key: ${STRIPE_API_KEY}\n", "    auth: {bearer: \"${CRM_TOKEN}\"}\n"
	for _, tt := range []struct{ name, text, want string }{
		{"a reference is shown", fileWith(key, ref, ""), "    api_key: ${STRIPE_API_KEY}\n"},
		{"a reference in brackets is shown", fileWith(key+"    webhook_secrets: [${STRIPE_WEBHOOK_SECRET}]\n", ref, ""), "    webhook_secrets: [${STRIPE_WEBHOOK_SECRET}]\n"},
		{"a written secret leaves its key", fileWith("    api_key: canary-in-the-file # of March\n", ref, ""), "    api_key: [hidden]\n  crm:"},
		{"a mapping on one line leaves its key", fileWith(key, "    auth: {bearer: canary-in-the-file}\n", ""), "    auth: [hidden]\nsyncs:"},
		{"a list is hidden item by item", fileWith(key+"    webhook_secrets:\n    - ${STRIPE_WEBHOOK_SECRET}\n    - whsec_canary-in-the-file\n", ref, ""), "    - ${STRIPE_WEBHOOK_SECRET}\n    - [hidden]\n"},
		{"a text of several lines", fileWith("    api_key: |\n      canary-in-the-file\n      # canary-in-the-file-too\n      canary-in-the-end\n", ref, ""), "    api_key: [hidden]\n      [hidden]\n      [hidden]\n      [hidden]\n  crm:"},
		{"a quoted text of several lines", fileWith("    api_key: \"canary-in-\\\n      the\\x2dfile\"\n", ref, ""), "  crm:"},
		{"a value below its key", fileWith("    api_key:\n      canary-in-the-file\n", ref, ""), "  crm:"},
		{"a comment that has one", fileWith(key, ref, "# api_key: canary-in-the-file\n"), "# [hidden]\n"},
		{"a comment with a reference", fileWith(key, ref, "# api_key: ${OLD_KEY}\n"), "# api_key: ${OLD_KEY}\n"},
		{"a comment with a secret's file", fileWith(key, ref, "# api_key_file: secrets/stripe\n"), "# api_key_file: secrets/stripe\n"},
		{"a comment of several lines", fileWith(key, ref, "# signing_secrets:\n#   - canary-in-the-file\n#   - canary-in-the-end\n# ordinary: words\n"), "# signing_secrets:\n# [hidden]\n# [hidden]\n# ordinary: words\n"},
		{"a comment behind a setting", fileWith(key, ref, "listen: 127.0.0.1:8080 # password=canary-in-the-file\n"), "listen: 127.0.0.1:8080 # [hidden]\n"},
		{"a comment with what only a program writes", fileWith(key, ref, "# was canAry0in1the2file3and4the5end\n"), "# [hidden]\n"},
		{"a comment with an address that has a password", fileWith(key, ref, "# postgres://trueup:canary-in@db/trueup\n"), "# [hidden]\n"},
		{"a comment that repeats what the environment has", fileWith(key, ref, "# it was sk-env-value-1 until May\n"), "\n[hidden]\n"},
		{"ordinary comments and values", fileWith(key, ref, "# Owners get one reminder.\nretention: off # for now\n"), "# Owners get one reminder.\nretention: off # for now\n"},
		{"lines that end as on Windows", strings.ReplaceAll(fileWith("    api_key: \"canary-in\n      the-file\"\n", ref, ""), "\n", "\r\n"), "  crm:\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := shownText(parsed(t, tt.text))
			if !strings.Contains(got, tt.want) {
				t.Errorf("no %q in\n%s", tt.want, got)
			}
			for _, secret := range []string{"canary", "canAry", "the-file", "the\\x2dfile", "sk-env-value-1"} {
				if strings.Contains(got, secret) {
					t.Errorf("it shows %s:\n%s", secret, got)
				}
			}
			if n, all := strings.Count(got, "\n"), strings.Count(tt.text, "\n"); n != all {
				t.Errorf("%d lines of %d", n, all)
			}
		})
	}
}

func TestASecretOfAFileOfItsOwnIsNotShownWhereTheFileRepeatsIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "stripe"), []byte("canary-in-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("trueup.yaml", []byte(fileWith("    api_key_file: stripe # canary-in-a-file\n", "    auth: {bearer: \"${CRM_TOKEN}\"}\n", "")), dir, fakeTypes, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if got := shownText(c); strings.Contains(got, "canary") {
		t.Error(got)
	}
}

// spelled are the ways in which a file may have a secret, below a key at an indentation of four.
var spelled = []func(key, s string) string{
	func(key, s string) string { return "    " + key + ": " + s + "\n" },
	func(key, s string) string { return "    " + key + ": '" + s + "'\n" },
	func(key, s string) string { return "    \"" + key + "\": \"" + s + "\" # " + s + "\n" },
	func(key, s string) string { return "    " + key + ":\n        " + s + "\n" },
	func(key, s string) string { return "    " + key + ": |\n      " + s + "\n" },
	func(key, s string) string { return "    " + key + ": >-\n\n      " + s[:4] + "\n      " + s[4:] + "\n" },
	func(key, s string) string { return "    " + key + ": |4\n        " + s + "\n\n        " + s + "\n" },
	func(key, s string) string { return "    " + key + ": \"" + s[:4] + "\n\n      " + s[4:] + "\"\n" },
	func(key, s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
		return "    " + key + ": \"" + b.String() + "\"\n"
	},
}

// said are comments that repeat a secret.
var repeated = []string{"", "# api_key: %s\n", "    # the token = '%s'\n", "# bearer:\n#   %s\n", "# secrets:\n# - x\n#\n# - %s\n", "# %s\n", "# https://x/?token=%s\n", "#password:%s\n", "  # {type: stripe, api_key: %s, account: x}\n"}

// TestNoSecretOfAFileIsEverShown writes secrets in every way, beside comments that
// repeat them or hold others that are in no setting.
func TestNoSecretOfAFileIsEverShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-z]{4}[A-Z0-9]{2}[a-z0-9]{4,20}`)
		comment := func(words string) string {
			text := rapid.SampledFrom(repeated).Draw(t, "comment")
			if !strings.Contains(text, "%s") {
				return text
			}
			return fmt.Sprintf(text, words)
		}
		a, b, list, gone := secret.Draw(t, "api key"), secret.Draw(t, "bearer"), "whsec_"+secret.Draw(t, "list"), secret.Draw(t, "gone")
		way := func() func(key, s string) string { return rapid.SampledFrom(spelled).Draw(t, "way") }
		indent := func(text string) string {
			return strings.ReplaceAll("  "+strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
		}
		lists := rapid.SampledFrom([]string{
			"    webhook_secrets: [${STRIPE_WEBHOOK_SECRET}, %s]\n", "    webhook_secrets:\n    - %s\n    - ${STRIPE_WEBHOOK_SECRET}\n",
			"    webhook_secrets:\n      # one\n      - '%s'\n", "    webhook_secrets: [\n      \"%s\"\n    ]\n", "    webhook_secrets:\n      - |\n        %s\n      - x\n",
		}).Draw(t, "list way")
		known := comment(gone)
		if strings.HasPrefix(known, "# "+gone) { // nothing tells it from a word
			known = ""
		}
		text := comment(a) + fileWith(way()("api_key", a)+comment(list)+fmt.Sprintf(lists, list)+known, "    auth:\n"+indent(way()("bearer", b))+comment(b), known)
		if rapid.Bool().Draw(t, "windows") {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		c, err := Parse("trueup.yaml", []byte(text), ".", fakeTypes, lookup)
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		got := shownText(c)
		for _, s := range []string{a, b, list, gone, a[4:], b[4:], fmt.Sprintf(`\x%02x\x%02x`, a[0], a[1])} {
			if strings.Contains(got, s) {
				t.Fatalf("it shows %q of\n%s\nin\n%s", s, text, got)
			}
		}
		if !strings.Contains(got, "statuses: {active: {from: [active, trialing], to: Active}}") {
			t.Fatalf("it hides what is no secret:\n%s", got)
		}
	})
}

// FuzzShown reads any file: whatever of it is secret is not among what is shown.
func FuzzShown(f *testing.F) {
	for _, text := range []string{writtenFile, fileWith("    api_key: |\n      canary-in-the-file\n", "    auth: {basic: {user: a, password: canary12}}\n", "# token: abc\n")} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("trueup.yaml", []byte(text), ".", fakeTypes, lookup)
		if err != nil {
			return
		}
		got := strings.ReplaceAll(shownText(c), HiddenText, "")
		for _, s := range c.Written {
			for word := range strings.FieldsSeq(strings.ReplaceAll(s.Secret.Reveal(), "\x00", " ")) {
				if len(word) >= leastPart && strings.Contains(got, word) {
					t.Fatalf("it shows %q of %s:\n%s", word, s.Path, got)
				}
			}
		}
	})
}

func TestAPartOfAFileIsItsLines(t *testing.T) {
	c := parsed(t, fileWith("    api_key: ${STRIPE_API_KEY}\n", "    auth: {bearer: \"${CRM_TOKEN}\"}\n", "\n# kept for good\nretention: off\n"))
	if first, last := c.Part("syncs.a"); first != 10 || last != 14 {
		t.Errorf("lines %d to %d", first, last)
	}
	if first, last := c.Part("syncs.b"); first != 0 || last != 0 {
		t.Errorf("what is not there: lines %d to %d", first, last)
	}
}
