package blueprint

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/blueprint/interpreter"
)

// sourceText is a sync from a tool behind Make that can only send events.
const sourceText = `
public_url: ` + public + `/
connections:
  tool:
    type: make
    webhook: {verify: {scheme: standard-webhooks, secrets: [` + whsec + `]}}
  crm:
    type: http
    base_url: http://127.0.0.1:1
    record: {id: record.id, status: record.status}
    read: {get: "/records/{id}"}
    write: {put: "/records/{id}", body: {status: "{value}"}}
syncs:
  back-office:
    source: {connection: tool}
    target: {connection: crm}
    match: [{source: metadata.crm-id, target: id}, {source: id, target: id}]
    statuses: {active: {from: [active], to: Active}}
    mode: live
    sweep: off
`

func TestWhatIsExportedCanBeImported(t *testing.T) {
	both := strings.Replace(targetText, "syncs:", `  shop:
    type: make
    webhook_url: https://hook.eu1.make.com/another`+hookID+`
    api_key: `+hookKey+`
    webhook: {verify: {scheme: standard-webhooks, secrets: [`+whsec+`]}}
syncs:
  two-scenarios:
    mode: watch
    source: {connection: shop}
    target: {connection: tool}
    match: [{source: id, target: id}, {source: phone-number, target: phone number}, {source: email, target: email}]
    statuses: {active: {from: [active], to: Active}, gone: {from: [gone], to: "Gone: 100% <sure>"}}`, 1)
	for name, tt := range map[string]struct {
		config, sync string
		files        []string
	}{
		"a target":                        {targetText, "customer-status", []string{"tool-events.json", "tool-operations.json", Page}},
		"a target without events":         {strings.Replace(targetText, "    webhook: {verify: {scheme: header, name: X-Trueup-Key, secrets: ["+eventKey+"]}}\n", "", 1), "customer-status", []string{"tool-events.json", "tool-operations.json", Page}},
		"a source that tells":             {sourceText, "back-office", []string{"tool-events.json", "tool-operations.json", Page}},
		"both sides":                      {both, "two-scenarios", []string{"shop-events.json", "shop-operations.json", "tool-events.json", "tool-operations.json", Page}},
		"one side, that others use also":  {both, "customer-status", []string{"tool-events.json", "tool-operations.json", Page}},
		"a field that is no name in Make": {strings.Replace(targetText, "{connection: tool}", `{connection: tool, field: "customer status"}`, 1), "customer-status", []string{"tool-events.json", "tool-operations.json", Page}},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := Export(load(t, tt.config), tt.sync)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range files {
				names = append(names, f.Name)
				for _, secret := range []string{hookID, hookKey, eventKey, whsec, strings.TrimPrefix(whsec, "whsec_"), "hook-token"} {
					if strings.Contains(string(f.Body), secret) {
						t.Errorf("%s holds the secret %s", f.Name, secret)
					}
				}
				if f.Name == Page {
					continue
				}
				if err := interpreter.Check(f.Body); err != nil {
					t.Errorf("%s: %v", f.Name, err)
				}
			}
			if !slices.Equal(names, tt.files) {
				t.Errorf("files %q, want %q", names, tt.files)
			}
		})
	}
}

func TestTheFilesAreFilledInFromTheConfiguration(t *testing.T) {
	target := exportOf(t, load(t, targetText), "customer-status")
	for file, wants := range map[string][]string{
		"tool-events.json":     {`"url": "https://sync.example.com/hooks/tool"`, `"authenticationType": "apiKey"`, `key_email`},
		"tool-operations.json": {`"b": "Active"`, `"b": "On \"hold\" \\ {pause}"`, `changed_by_base64`, `{{1.status_json}}`},
		Page:                   {"`" + paused + "`", "`X-Trueup-Key`", "customer-status", "https://sync.example.com/hooks/tool", "- [ ] ", "`email`", "`changed_by` is `person`"},
	} {
		for _, want := range wants {
			if !strings.Contains(string(target[file]), want) {
				t.Errorf("%s does not hold %s", file, want)
			}
		}
	}
	source := exportOf(t, load(t, sourceText), "back-office")
	if strings.Contains(string(source["tool-operations.json"]), `"patch"`) || strings.Contains(string(source["tool-operations.json"]), "write") {
		t.Error("the scenario of a source can write")
	}
	for file, wants := range map[string][]string{
		"tool-events.json": {`webhook-signature`, secretPlaceholder, "{{ifempty(1.metadata.`crm-id`; emptystring)}}"},
		Page:               {"has no `webhook_url` for tool yet", "nothing is ever written", secretPlaceholder},
	} {
		for _, want := range wants {
			if !strings.Contains(string(source[file]), want) {
				t.Errorf("%s does not hold %s", file, want)
			}
		}
	}
}

func TestTheSameConfigurationGivesTheSameFiles(t *testing.T) {
	cfg := load(t, targetText)
	first := exportOf(t, cfg, "customer-status")
	for range 20 {
		for name, body := range exportOf(t, cfg, "customer-status") {
			if string(body) != string(first[name]) {
				t.Fatalf("%s differs", name)
			}
		}
	}
}

func TestWhatCannotBeExportedSaysWhy(t *testing.T) {
	for name, tt := range map[string]struct {
		config string
		is     error
		says   string
	}{
		"no Make": {strings.Replace(sourceText, "type: make\n    webhook: {verify: {scheme: standard-webhooks, secrets: ["+whsec+"]}}",
			"type: http\n    base_url: http://127.0.0.1:2\n    record: {id: record.id, status: record.status}\n    read: {get: \"/r/{id}\"}\n    list: {get: /r}", 1), ErrNotMake, ""},
		"no address":             {strings.Replace(sourceText, "public_url", "# public_url", 1), ErrNoPublicURL, ""},
		"a value with a formula": {strings.Replace(targetText, "to: Active", `to: "{{1.status}}"`, 1), nil, "a formula"},
		"a key with a backtick":  {strings.Replace(targetText, "target: email", "target: \"e`mail\"", 1), nil, "a formula"},
		"two fields": {strings.Replace(targetText, "{connection: tool}", "{connection: tool, field: status}", 1) + `
  other:
    source: {connection: billing}
    target: {connection: tool, field: plan}
    match: [{source: email, target: email}]
    statuses: {active: {from: [active], to: Active}}
    mode: live
    sweep: off
`, nil, "2 fields"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := load(t, tt.config)
			sync := "customer-status"
			if _, ok := cfg.Syncs[sync]; !ok {
				sync = "back-office"
			}
			files, err := Export(cfg, sync)
			if err == nil || files != nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it gives %d files and %v", len(files), err)
			}
		})
	}
}

func TestAddressesThatMakeCannotReach(t *testing.T) {
	for address, want := range map[string]bool{"https://sync.example.com": false, "https://8.8.8.8": false, "http://localhost:8080": true,
		"http://127.0.0.1": true, "http://[::1]:1": true, "http://10.1.2.3": true, "http://192.168.0.9": true} {
		cfg := load(t, strings.Replace(targetText, public, address, 1))
		if got := Unreachable(cfg); got != want {
			t.Errorf("%s is unreachable: %v", address, got)
		}
	}
}

func TestKeysGetVariablesOfTheirOwn(t *testing.T) {
	got := keyVariables([]string{"a.b", "a_b", "a-b", "e-mail ä"})
	slices.Sort(got)
	if len(slices.Compact(got)) != 4 {
		t.Errorf("variables %q", got)
	}
}
