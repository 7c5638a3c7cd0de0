package interpreter

import (
	"testing"
	"time"
)

func TestFormulas(t *testing.T) {
	a := &Account{Now: func() time.Time { return time.Unix(1_700_000_000, 0) }}
	e := newExecution(&Scenario{account: a})
	e.id = "run1"
	e.outputs[1] = map[string]any{"name": `the "best" {{1.id}}`, "id": "7", "n": 1614265330.0, "first-name": "Ana", "none": nil,
		"list": []any{map[string]any{"id": "a"}, map[string]any{"id": 2.0}, map[string]any{}}}
	for in, want := range map[string]string{
		"":                                 "",
		"plain { text }":                   "plain { text }",
		"{{1.name}}":                       `the "best" {{1.id}}`,
		`"{{1.name}}"`:                     `"the "best" {{1.id}}"`,
		"{{1.id}}{{1.id}}":                 "77",
		"{{ 1.id }}":                       "7",
		"{{1.n}}":                          "1614265330",
		"{{1.`first-name`}}":               "Ana",
		"{{1.none}}-{{1.absent.deep}}":     "-",
		"{{1.list}}":                       "[object Object]",
		"{{ifempty(1.none; 1.id)}}":        "7",
		`{{ifempty(1.id; "x")}}`:           "7",
		"{{ifempty(1.none; emptystring)}}": "",
		"{{base64(1.id)}}":                 "Nw==",
		`{{join(map(1.list; "id"); ",")}}`: "a,2,",
		"{{length(1.list)}}":               "3",
		"{{timestamp}}":                    "1700000000",
		"{{executionId}}":                  "run1",
	} {
		if got, err := e.text(in); err != nil || got != want {
			t.Errorf("%s gives %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"{{base64(1.none)}}", `{{length(1.id)}}`, `{{map(1.none; "id")}}`, `{{join(1.id; ",")}}`, `{{sha256(1.id; "hex"; "a"; "text")}}`, "{{2.id}}"} {
		if got, err := e.text(in); err == nil {
			t.Errorf("%s gives %q", in, got)
		}
	}
}

// The example of the Standard Webhooks libraries, signed as a scenario does.
func TestASignatureIsTheStandardsOwn(t *testing.T) {
	e := newExecution(&Scenario{account: &Account{Now: time.Now}})
	e.outputs[1] = map[string]any{"text": `msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`}
	got, err := e.text(`v1,{{sha256(1.text; "base64"; "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"; "base64")}}`)
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("signed %q, %v", got, err)
	}
}

// FuzzTemplate checks that no text makes the parser panic or loop.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{1.a}}", "{{ifempty(1.`x y`; \"z\")}}", "{{", "}}", "{{a(b(c(", "{{1.}}", "{{99999999999999999999.a}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := references(s); err != nil {
			return
		}
		e := newExecution(&Scenario{account: &Account{Now: time.Now}})
		for id := range 3 {
			e.outputs[id] = map[string]any{"a": s}
		}
		_, _ = e.text(s)
	})
}
