package docs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
)

// Whoever starts with the README is told of all that is on without being written.
func TestTheREADMENamesWhatTrueupCheckSaysIsOn(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, step, _ := strings.Cut(string(text), "\n4. Run it.")
	step, _, found := strings.Cut(step, "\n5. ")
	if !found {
		t.Fatal("the README has no step 4")
	}
	secrets := map[string]string{"STRIPE_API_KEY": "rk_test_key", "STRIPE_WEBHOOK_SECRET": "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAx", "CRM_TOKEN": "token"}
	env := func(name string) (string, bool) { value, ok := secrets[name]; return value, ok }
	cfg, err := config.Parse("trueup.yaml", []byte(docs.Examples["stripe"]), ".", app.Types(), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range cfg.Notices() {
		if key := n.Path[strings.LastIndex(n.Path, ".")+1:]; !strings.Contains(step, "`"+key+"`") {
			t.Errorf("step 4 does not name %s", key)
		}
	}
}
