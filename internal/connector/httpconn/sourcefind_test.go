package httpconn

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// Customers of a source are found by a key, and a row of the search needs nothing but
// the customer's id.
func TestCustomersOfASourceAreFoundByAKey(t *testing.T) {
	for name, c := range map[string]struct {
		rows []any
		fold *Fold
	}{
		"a customer a row":         {[]any{map[string]any{"id": "c1"}, map[string]any{"id": "c2"}}, nil},
		"a subscription a row":     {[]any{map[string]any{"id": "s1", "customer_id": "c1"}, map[string]any{"id": "s2", "customer_id": "c2"}}, &Fold{By: "record.customer_id", Precedence: []string{"active"}}},
		"nobody, as an empty list": {[]any{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.RequestURI()
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(map[string]any{"customers": c.rows})
			}))
			defer server.Close()
			s := &Settings{Record: Record{ID: "record.id", Status: "record.status", Keys: map[string]string{"email": "record.email"}}, Read: &Read{Get: "/customers/{id}"},
				Find: &Find{By: map[string]Search{"email": {Get: "/customers?email={value}", Records: "body.customers"}}}, Fold: c.fold}
			conn := openAt(t, server.URL, s)
			got, err := conn.SourceFind.Find(context.Background(), "email", "ann+x@example.com")
			want := []string{"c1", "c2"}
			if len(c.rows) == 0 {
				want = nil
			}
			if err != nil || !slices.Equal(got, want) || asked != "/customers?email=ann%2Bx%40example.com" {
				t.Errorf("%v, %v; asked was %s", got, err, asked)
			}
			if _, err := conn.SourceFind.Find(context.Background(), "phone", "1"); connector.FailureOf(err).Kind != connector.Misconfigured {
				t.Errorf("by a key that has no search: %v", err)
			}
		})
	}
}

func TestASearchThatAnswersNotFoundFindsNobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	s := &Settings{Record: Record{ID: "record.id", Status: "record.status", Keys: map[string]string{"email": "record.email"}}, Read: &Read{Get: "/customers/{id}"},
		Find: &Find{Search: Search{Get: "/customers?{key}={value}"}}}
	if got, err := openAt(t, server.URL, s).SourceFind.Find(context.Background(), "email", "a@example.com"); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func openAt(t *testing.T, base string, s *Settings) connector.Connection {
	t.Helper()
	conn, err := Open("billing", config.Connection{Name: "billing", Type: Type, BaseURL: base, Timeout: 5 * time.Second}, s, connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
