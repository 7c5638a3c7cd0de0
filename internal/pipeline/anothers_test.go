package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestARecordThatShowsAnothersKeyIsNotWritten(t *testing.T) {
	byID := config.MatchRule{Source: "id", Target: "external_id", Confidence: 1}
	for name, tt := range map[string]struct {
		rule config.MatchRule
		keys map[string]string
		by   string // a person who set the link
		held bool
	}{
		"the e-mail address of another":      {keys: keysOf("cus_2"), held: true},
		"another customer's id":              {rule: byID, keys: map[string]string{"external_id": "cus_2"}, held: true},
		"an address that is nobody's":        {keys: map[string]string{"email": "new@example.com"}},
		"no address any more":                {keys: map[string]string{}},
		"its own, in capitals":               {keys: map[string]string{"email": "CUS_1@example.com"}},
		"another's, and a person has linked": {keys: keysOf("cus_2"), by: "ana@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				if tt.rule.Source != "" {
					w.configure = func(s *config.Sync) { s.Match = []config.MatchRule{tt.rule} }
				}
			})
			for _, id := range []string{"cus_1", "cus_2"} {
				w.customer(id, "active", "Active")
				w.crm.records["rec_"+id].keys["external_id"] = id
				w.carry(id, "active")
			}
			if tt.by != "" {
				if err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_cus_1", Rule: "set", Confidence: 1, By: tt.by}); err != nil {
					t.Fatal(err)
				}
				w.finish()
			}
			w.pass(time.Minute)
			w.crm.records["rec_cus_1"].keys = tt.keys
			w.carry("cus_1", "paused")
			if got := w.crm.value("rec_cus_1"); (got == "Active") != tt.held {
				t.Errorf("the record holds %s", got)
			}
			if !tt.held {
				return
			}
			x := w.exception(status.BrokenLink)
			if !strings.Contains(x.Reason.Sentence(), "of customer cus_2, so nothing is written to it") {
				t.Errorf("told %s", x.Reason)
			}
			// The key is given back, and the customer is carried.
			w.crm.records["rec_cus_1"].keys = map[string]string{"email": "cus_1@example.com", "external_id": "cus_1"}
			w.act(store.Act{Exception: x.ID, Verb: store.Retry})
			if w.crm.value("rec_cus_1") != "Paused" || len(w.open()) != 0 {
				t.Errorf("the record holds %s, open are %v", w.crm.value("rec_cus_1"), w.open())
			}
		})
	}
}
