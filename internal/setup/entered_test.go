package setup

import (
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestWhatIsEnteredWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w world) error
		want string // field: text
	}{
		{"a tool that cannot decide", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "hubspot", Target: "http", Sync: "s"})
		}, `source: "hubspot" is not a tool that decides. Choose one of `},
		{"Stripe as the tool that follows", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "http", Target: "stripe", Sync: "s"})
		}, `target: "stripe" is not a tool that follows. Choose one of `},
		{"a name with a space", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", Sync: "my sync"})
		}, "name: The name of the sync needs 1 to 63 of the characters a-z, 0-9, - and _."},
		{"a tool that decides with a name in capitals", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", SourceName: "Billing", Sync: "s"})
		}, "source_name: The name of the tool that decides needs 1 to 63"},
		{"a tool that follows with a name in capitals", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", TargetName: "CRM", Sync: "s"})
		}, "target_name: The name of the tool that follows needs 1 to 63"},
		{"two tools of one name", func(w world) error {
			return w.SetDirection(DirectionAnswer{Source: "stripe", Target: "http", TargetName: "billing", Sync: "s"})
		}, "target_name: Both tools have the same name."},
		{"no token", func(w world) error {
			_, to := w.tools()
			delete(to, "token")
			return w.SetTool(Target, to)
		}, "token: This is missing."},
		{"a token of two lines", func(w world) error {
			_, to := w.tools()
			to["token"] = "one\ntwo"
			return w.SetTool(Target, to)
		}, "token: It holds a line break."},
		{"a token as a guide writes it", func(w world) error {
			_, to := w.tools()
			to["token"] = "rk_…"
			return w.SetTool(Target, to)
		}, "token: It is a placeholder, with … in it."},
		{"a description that is no YAML", func(w world) error {
			_, to := w.tools()
			to["description"] = "record: {id: ["
			return w.SetTool(Target, to)
		}, "description: "},
		{"a description with a wrong expression", func(w world) error {
			_, to := w.tools()
			to["description"] = strings.Replace(targetText, "id: record.id", "id: record.", 1)
			return w.SetTool(Target, to)
		}, "description: Record.id"},
		{"a description with an unknown key", func(w world) error {
			_, to := w.tools()
			to["description"] = targetText + "\nwebook: {}"
			return w.SetTool(Target, to)
		}, "description: Webook"},
		{"a description that breaks out of the connection", func(w world) error {
			_, to := w.tools()
			to["description"] = targetText + "\nx\nsyncs: {}"
			return w.SetTool(Target, to)
		}, "description: "},
		{"a secret in the description", func(w world) error {
			from, _ := w.tools()
			from["description"] = strings.Replace(sourceText, "secrets_file: WEBHOOK_SECRET", "secrets: ["+hookSecret+"]", 1)
			return w.SetTool(Source, from)
		}, "description: The description holds a secret."},
		{"an address that is none", func(w world) error {
			_, to := w.tools()
			to["base_url"] = "crm"
			return w.SetTool(Target, to)
		}, "base_url: "},
		{"a meaning that is none", func(w world) error {
			w.connect()
			return w.SetMap(MapAnswer{Means: map[string]status.Status{"grace": "golden"}, To: map[status.Status]string{"active": "Active", "churned": "Churned"}})
		}, `means: "golden" is not a meaning. Choose active, paused, churned or ignore.`},
		{"no value for a status", func(w world) error {
			w.connect()
			return w.SetMap(MapAnswer{To: map[status.Status]string{"active": "Active"}})
		}, "to_churned: Choose what is written for Churned."},
		{"one value for two statuses", func(w world) error {
			w.connect()
			return w.SetMap(MapAnswer{To: map[status.Status]string{"active": "Active", "churned": "Active"}})
		}, "to_churned: Active and Churned would both be written"},
		{"no rules", func(w world) error { return w.SetMatch(nil, 0.8, true) }, "rules: Keep at least one rule."},
		{"half a rule", func(w world) error { return w.SetMatch([]Rule{{Source: "email", Confidence: 1}}, 0.8, true) }, "rules: A rule needs"},
		{"a confidence above 1", func(w world) error { return w.SetMatch([]Rule{{"email", "email", 2}}, 0.8, true) }, "rules: A rule's confidence"},
		{"an address without a scheme", func(w world) error { return w.SetPublicURL("sync.example.com") }, "public_url: Write an address"},
		{"a step too early", func(w world) error { return w.Finish(Try) }, ": Finish the steps"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			err := c.do(w)
			var wrong Problems
			if !errors.As(err, &wrong) {
				t.Fatalf("want problems, got %v", err)
			}
			if got := wrong[0].Field + ": " + wrong[0].Text; !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if strings.Contains(wrong.Error(), hookSecret) || strings.Contains(wrong.Error(), resttest.Token) {
				t.Error("a secret is quoted:", wrong)
			}
		})
	}
}
