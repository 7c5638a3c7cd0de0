package setup

import (
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestADescriptionNamesTheSecretOfItsWebhooks(t *testing.T) {
	const own = "other-secret"
	for _, c := range []struct {
		name, verify string
		want         []string // the secrets of the webhooks
	}{
		{"as the name of a file", "verify: {scheme: standard-webhooks, secrets_file: WEBHOOK_SECRET}", []string{hookSecret}},
		{"as the name of a file in quotes", `verify: {scheme: standard-webhooks, secrets_file: "WEBHOOK_SECRET"}`, []string{hookSecret}},
		{"as the documentation writes a variable", `verify: {scheme: standard-webhooks, secrets: ["${WEBHOOK_SECRET}"]}`, []string{hookSecret}},
		{"as a variable without quotes", "verify: {scheme: standard-webhooks, secrets: [ ${WEBHOOK_SECRET} ]}", []string{hookSecret}},
		{"as a variable on a line of its own", "verify:\n    scheme: standard-webhooks\n    secrets:   # from the tool\n      - '${WEBHOOK_SECRET}'   # the newest", []string{hookSecret}},
		{"as a variable of another name, which stays one", `verify: {scheme: header, name: X-Key, secrets: ["${CRM_WEBHOOK_SECRET}"]}`, []string{own}},
		{"as one of two variables, which stay both", "verify:\n    scheme: header\n    name: X-Key\n    secrets:\n      - ${WEBHOOK_SECRET}\n      - ${CRM_WEBHOOK_SECRET}", []string{"of-the-environment", own}},
		{"as one of two with a line between", "verify:\n    scheme: header\n    name: X-Key\n    secrets:\n      - ${WEBHOOK_SECRET}\n\n      # the older one\n      - ${CRM_WEBHOOK_SECRET}", []string{"of-the-environment", own}},
		{"beside a header and a comment of its name", "verify:\n    scheme: header   # WEBHOOK_SECRET of the tool\n    name: X-WEBHOOK_SECRET\n    secrets_file: WEBHOOK_SECRET", []string{hookSecret}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			env := func(name string) (string, bool) {
				value, ok := map[string]string{"CRM_WEBHOOK_SECRET": own, "WEBHOOK_SECRET": "of-the-environment"}[name]
				return value, ok
			}
			w.options.Env = env
			from, to := w.tools()
			from["description"] = strings.Replace(sourceText, "verify: {scheme: standard-webhooks, secrets_file: WEBHOOK_SECRET}", c.verify, 1)
			w.must(w.SetTool(Source, from))
			w.must(w.SetTool(Target, to))
			w.must(w.SetStatuses(MapAnswer{Means: map[string]status.Status{"active": "active"}, To: map[status.Status]string{"active": "Active"}}))
			w.must(w.SetMatch([]Rule{{"email", "email", 0.9}}, 0.8, true))
			faults, err := w.Put(false)
			w.must(err)
			cfg, err := config.Load(w.Path(), registry.Types(), env) // as check does
			if err != nil || len(faults) > 0 {
				t.Fatalf("check refuses the file: %v %v\n%s", faults, err, w.Draft().Text())
			}
			var got []string
			for _, secret := range cfg.Connections["billing"].Settings.(*httpconn.Settings).Webhook.Verify.Secrets {
				got = append(got, secret.Reveal())
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("the secrets of the webhooks are %q, want %q", got, c.want)
			}
		})
	}
}
