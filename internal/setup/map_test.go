package setup

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
)

// A map is made of what the look at each tool has found: an open page makes it once a
// second.
func TestAMapThatIsShownAsksNoTool(t *testing.T) {
	w := newWorld(t)
	w.crm.Instead(func(out http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/options" {
			return false
		}
		out.Header().Set("Content-Type", "application/json")
		fmt.Fprint(out, `{"options":["Customer","Former customer"]}`)
		return true
	})
	from, to := w.tools()
	to["description"] += "\noptions: {get: /options, values: body.options}"
	w.must(w.SetTool(Source, from))
	w.must(w.SetTool(Target, to))
	for _, side := range []Side{Source, Target} {
		_, err := w.Check(t.Context(), side)
		w.must(err)
		w.counted(side)
	}
	for _, tool := range []*resttest.Tool{w.billing, w.crm} {
		tool.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
			t.Error("a tool is asked:", r.URL)
			return false
		})
	}
	if diff := cmp.Diff([]string{"Customer", "Former customer"}, w.Suggest().Options); diff != "" {
		t.Error("the values of the target's field (-want +got):\n", diff)
	}
	err := w.SetMap(MapAnswer{Means: map[string]status.Status{"past_due": Ignored, "canceled": Ignored}, To: map[status.Status]string{"active": "Active"}})
	if err == nil || err.Error() != "“Active” is not one of the field’s options." {
		t.Error("a value that the field cannot hold:", err)
	}
}

func TestAProposalBecomesAMeaningOnlyWhenAPersonAcceptsIt(t *testing.T) {
	suggested := func(t *testing.T) world {
		w := newWorld(t)
		for i, value := range []string{"frozen", "paused", "VIP", "VIP"} {
			w.billing.Set(resttest.Record{ID: fmt.Sprintf("cus_%d", i), Status: value})
			w.crm.Set(resttest.Record{ID: fmt.Sprintf("rec_%d", i), Status: []string{"On hold", "Active", "VIP", "VIP"}[i]})
		}
		w.connect()
		return w
	}
	of := func(all []Value, value string) Value {
		for _, v := range all {
			if v.Value == value {
				return v
			}
		}
		return Value{}
	}
	t.Run("it is shown as one", func(t *testing.T) {
		w := suggested(t)
		got := w.Suggest()
		if diff := cmp.Diff(Value{Value: "frozen", Proposed: "paused", Customers: 1}, of(got.Values, "frozen")); diff != "" {
			t.Error("frozen (-want +got):\n", diff)
		}
		if diff := cmp.Diff(Value{Value: "paused", Means: "paused", Customers: 1}, of(got.Values, "paused")); diff != "" {
			t.Error("paused (-want +got):\n", diff)
		}
		if got.To["paused"] != "On hold" {
			t.Errorf("for paused %q is proposed", got.To["paused"])
		}
	})
	t.Run("a page that was made before the value was counted does not decide it", func(t *testing.T) {
		w := suggested(t)
		w.must(w.SetMap(MapAnswer{To: map[status.Status]string{"active": "Active", "paused": "On hold", "churned": "Churned"}}))
		if v := of(w.Draft().Values, "frozen"); v.Means != "" {
			t.Errorf("frozen means %q", v.Means)
		}
	})
	t.Run("without a person it stays a gap", func(t *testing.T) {
		w := suggested(t)
		w.must(w.SetStatuses(MapAnswer{}))
		d := w.Draft()
		if frozen, paused := of(d.Values, "frozen"), of(d.Values, "paused"); frozen.Means != "" || paused.Means != "paused" {
			t.Errorf("frozen means %q and paused means %q", frozen.Means, paused.Means)
		}
		if got := d.Unwritten(); len(got) != 1 || got[0] != "paused" {
			t.Errorf("without a value of the target: %q, want paused", got)
		}
	})
	t.Run("what was said before stays", func(t *testing.T) {
		w := suggested(t)
		said := MapAnswer{Means: map[string]status.Status{"frozen": "churned"}, To: map[status.Status]string{"paused": "On hold"}}
		w.must(w.SetStatuses(said))
		w.must(w.SetStatuses(MapAnswer{}))
		d := w.Draft()
		if v := of(d.Values, "frozen"); v.Means != "churned" || d.To["paused"] != "On hold" {
			t.Errorf("frozen means %q, and paused is written as %q", v.Means, d.To["paused"])
		}
	})
}
