package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// matched fills in the steps up to the one that tries a customer; target describes the CRM.
func (b *plainBrowser) matched(target string) {
	b.Helper()
	b.connected()
	b.fill("/setup/connect/target", "base_url", b.crm.URL, "token", resttest.Token, "description", target)
	b.sees("/setup/connect", "Sees 4 records")
	b.fill("/setup/connect")
	b.fill("/setup/map", "value", "grace", "means-0", "ignore", "value", "active", "means-1", "active", "value", "past_due", "means-2", "active", "value", "canceled", "means-3", "churned",
		"to_active", "Active", "to_churned", "Churned")
	b.sees("/setup/match", "4 of 5 found")
	b.fill("/setup/match", "do", "continue")
	b.fill("/setup/event")
}

func TestAComparisonOfASetUpThatFailedCanBeMadeAgain(t *testing.T) {
	w := newSetUp(t)
	b := w.plain()
	b.matched(setUpTarget)
	w.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	b.sees("/setup/try", "Both tools could not be compared.")
	w.crm.Instead(nil)
	b.open("/setup/try")
	b.says("Both tools could not be compared.") // a visit alone begins nothing
	b.fill("/setup/try", "do", "again")
	b.sees("/setup/try", "CRM shows Paused, Billing wants Active")
}

func TestATrialSaysWhatWasSeenOfIt(t *testing.T) {
	for _, c := range []struct {
		name, target string
		says         []string
		never        []string
	}{
		{"the target shows what was written", setUpTarget, []string{"CRM after", "CRM showed it,", "It works. The token can write.", "Put Paused back"}, []string{"accepted"}},
		{"the target cannot show what was written", strings.Replace(setUpTarget, "if_match: record.etag", "if_match: record.etag, read_back: false", 1),
			[]string{"Sent to CRM", "CRM accepted it,", "CRM accepted the write and cannot show what it holds."}, []string{"showed it", "It works.", "CRM after", "Put Paused back"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newSetUp(t)
			b := w.plain()
			b.matched(c.target)
			b.sees("/setup/try", "CRM shows Paused, Billing wants Active")
			b.fill("/setup/try", "do", "write", "customer", "cus_1")
			b.says(c.says...)
			b.fill("/setup/try", "do", "write", "customer", "cus_3") // the field was empty: it cannot be put back
			if w.crm.Status("rec_3") != "Churned" || strings.Contains(b.text, `value="back"`) {
				t.Errorf("it is not written, or can be put back:\n%s", b.words())
			}
			b.open("/setup/try?customer=cus_1")
			for _, text := range c.never {
				if strings.Contains(b.words(), text) {
					t.Errorf("it says %q:\n%s", text, b.words())
				}
			}
		})
	}
}
