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
