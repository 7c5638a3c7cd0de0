package app_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

// matched fills in the steps up to the rules; target describes the CRM.
func (b *plainBrowser) matched(target string) {
	b.Helper()
	b.connected()
	b.fill("/setup/connect/target", "base_url", b.crm.URL, "token", resttest.Token, "description", target)
	b.sees("/setup/connect", "Sees 4 records")
	b.fill("/setup/connect")
	b.fill("/setup/map", "value", "grace", "means-0", "ignore", "value", "active", "means-1", "active", "value", "past_due", "means-2", "active", "value", "canceled", "means-3", "churned",
		"to_active", "Active", "to_churned", "Churned")
	b.sees("/setup/match", "4 of 5 found")
}

// begun lets the service begin, and goes on to the step that tries a customer.
func (b *plainBrowser) begun() {
	b.Helper()
	b.fill("/setup/match", "do", "continue")
	b.open("/setup/try")
}

func TestAComparisonOfASetUpThatFailedCanBeMadeAgain(t *testing.T) {
	w := newSetUp(t)
	b := w.plain()
	b.matched(setUpTarget)
	b.begun()
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

// The service makes its own first comparison about then.
func TestATrialWaitsForAnotherComparison(t *testing.T) {
	w := newSetUp(t)
	b := w.plain()
	b.matched(setUpTarget)
	asked, on := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("all") {
			once.Do(func() { close(asked) })
			select {
			case <-on:
			case <-r.Context().Done():
			}
		}
		return false
	})
	b.fill("/setup/match", "do", "continue")
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Fatal("the service compares nothing")
	}
	b.sees("/setup/try", "Another comparison of both is in progress; this one waits for it.")
	close(on)
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
			b.begun()
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
