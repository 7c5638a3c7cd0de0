package inbox

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// branch is one of several accounts whose events arrive at one address. It
// accepts bodies that begin with its name, and a secret in the address.
type branch string

func (b branch) Verify(h http.Header, body []byte, _ time.Time) error {
	if strings.HasPrefix(string(body), string(b)+":") || h.Get(connector.PathSecret) == "secret of "+string(b) {
		return nil
	}
	return errors.New("not for me")
}

func (b branch) Signed() bool { return true }

func (b branch) Events(_ http.Header, body []byte) ([]connector.Reading, error) {
	return []connector.Reading{{Event: status.Event{ID: "evt " + string(b), Customer: "c1", Payload: body}}}, nil
}

func branches(t *testing.T) *fixture {
	f := newFixture(t)
	to := func(body []byte) string {
		name, _, _ := strings.Cut(string(body), ":")
		return map[string]string{"south": "south", "closed": "closed", "lone": "lone"}[name]
	}
	route := func(sync string) []Route { return []Route{{Sync: sync, Side: store.SourceSide}} }
	f.inbox.Connections = map[string]Endpoint{
		"north":  {Receiver: branch("north"), Routes: route("of north"), Recipient: to},
		"south":  {Receiver: branch("south"), Routes: route("of south")},
		"lone":   {Receiver: branch("lone")},
		"closed": {Routes: route("of closed")},
	}
	f.mux.Handle("POST /hooks/{connection}/{secret}", f.inbox)
	return f
}

func (f *fixture) knock(path, body string, header http.Header) int {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, r)
	return w.Code
}

func TestABodyIsVerifiedAndStoredByWhoeverItIsFor(t *testing.T) {
	f := branches(t)
	for body, want := range map[string]int{"north: a": 200, "south: a": 200, "east: a": 401, "": 401, "closed: a": 404, "lone: a": 404} {
		if got := f.knock("/hooks/north", body, nil); got != want {
			t.Errorf("%q is answered %d, want %d", body, got, want)
		}
	}
	if got := f.knock("/hooks/south", "north: a", nil); got != 401 {
		t.Errorf("an address of its own takes another's body: %d", got)
	}
	events, err := f.db.Events(t.Context(), store.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for _, e := range events {
		stored[e.Connection] = e.Sync
	}
	if len(events) != 2 || stored["north"] != "of north" || stored["south"] != "of south" {
		t.Errorf("stored %v", stored)
	}
	if text := f.log.String(); !strings.Contains(text, `"connection":"south"`) {
		t.Errorf("the log does not say who received it: %s", text)
	}
}

func TestASecretInTheAddressReachesTheReceiverAndNothingElse(t *testing.T) {
	f := branches(t)
	if got := f.knock("/hooks/north/secret%20of%20north", "x", nil); got != 200 {
		t.Errorf("the right one is answered %d", got)
	}
	if got := f.knock("/hooks/north/other", "x", nil); got != 401 {
		t.Errorf("a wrong one is answered %d", got)
	}
	forged := http.Header{connector.PathSecret: {"secret of north"}}
	if got := f.knock("/hooks/north", "x", forged); got != 401 {
		t.Errorf("one in a header of the sender's is answered %d", got)
	}
	if strings.Contains(f.log.String(), "secret of") {
		t.Error("the secret is in the log")
	}
}
