package api_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// The schemas are half of what a service at rest would hold.
func TestTheAPICostsNextToNothingUntilItIsAsked(t *testing.T) {
	if n := testing.AllocsPerRun(1, func() { api.New(api.Options{}) }); n > 20 {
		t.Errorf("it allocates %.0f times before the first request", n)
	}
}

func TestTheDocumentIsOpenAPI31AndNamesARoleForEachOperation(t *testing.T) {
	doc := document(t)
	if err := doc.Validate(t.Context(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
	operations := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			operations++
			if op.Security == nil || len(*op.Security) != 1 || len((*op.Security)[0]["token"]) != 1 || !store.Admin.Covers(store.Role((*op.Security)[0]["token"][0])) {
				t.Errorf("%s %s: the security is %v", method, path, op.Security)
			}
			if op.Summary == "" || op.OperationID == "" || op.Responses.Value("401") == nil {
				t.Errorf("%s %s is not fully described", method, path)
			}
			if strings.Contains(path, "openapi") {
				t.Errorf("%s describes itself", path)
			}
		}
	}
	if operations != 46 {
		t.Errorf("there are %d operations", operations)
	}
}

// What docs has is what a binary of today serves.
func TestTheDocumentInDocsIsTheOneThatIsServedWithoutAToken(t *testing.T) {
	w := newWorld(t, storetest.File(t))
	resp, err := http.Get(w.url + "/api/v1/openapi.json")
	w.must(err)
	defer resp.Body.Close()
	served, err := io.ReadAll(resp.Body)
	w.must(err)
	kept, err := os.ReadFile(filepath.Join("..", "..", "docs", "openapi.json"))
	w.must(err)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || !bytes.Equal(served, kept) {
		t.Errorf("%d %s; the documents are equal: %t (bash scripts/generate.sh writes it)", resp.StatusCode, resp.Header.Get("Content-Type"), bytes.Equal(served, kept))
	}
}

func TestATokenIsLongRandomAndRecognisable(t *testing.T) {
	a, b := api.NewToken(), api.NewToken()
	if a == b || len(a) != len("tu_")+43 || !strings.HasPrefix(a, "tu_") || api.Hash(a) == api.Hash(b) || len(api.Hash(a)) != 64 {
		t.Errorf("%q and %q", a, b)
	}
}
