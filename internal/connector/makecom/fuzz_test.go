package makecom

import (
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/rest"
)

// FuzzAnswer guards that nothing passes for a success but an answer with the
// request's own id, and that whatever else comes ends in a failure that quotes
// none of it.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"ok":true,"request_id":"id-1","id":"rec_1","value_base64":"UGF1c2Vk","changed_at":"","keys":{"email":"a@example.com"}}`,
		`{"ok":true,"request_id":"id-1","count":2,"ids":"a,b"}`,
		`{"ok":false,"request_id":"id-1","error":"not_found"}`,
		`{"ok":false,"request_id":"id-1","error":"tool_error","tool_status":404}`,
		`{"ok":true,"request_id":"id-2"}`, `{"ok":true,"REQUEST_ID":"id-1"}`, `Accepted`, ``,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, write bool) {
		a, err := readAnswer(rest.Response{Status: 200, Body: body}, "id-1", write)
		if err != nil {
			var failed *connector.Failure
			if !errors.As(err, &failed) || failed.Kind == "" || failed.Detail == "" {
				t.Fatalf("%v is no failure", err)
			}
			if !write && failed.Effect != connector.EffectNone {
				t.Fatalf("a read has effect %s", failed.Effect)
			}
			if failed.Effect == connector.EffectNone && write && !strings.Contains(string(body), "request_id") {
				t.Fatalf("an answer without the id proves that nothing was written: %q", body)
			}
			return
		}
		if a["request_id"] != "id-1" || a["ok"] != true {
			t.Fatalf("%q passes for a success", body)
		}
		if ids, err := a.found(); err == nil && len(ids) > maxFound {
			t.Fatalf("%d ids", len(ids))
		}
		if s, err := a.shape("id", "value"); err == nil && (!plausibleID(s.id) || s.hasValue != (s.value != "")) {
			t.Fatalf("read %+v", s)
		}
		if _, err := a.values(); err != nil && strings.Contains(err.Error(), "id-1") {
			t.Fatal(err)
		}
	})
}
