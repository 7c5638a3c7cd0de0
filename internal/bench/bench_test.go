package bench

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestQuantilesAreOfTheCalls(t *testing.T) {
	var calls []time.Duration
	for i := 100; i > 0; i-- {
		calls = append(calls, time.Duration(i)*time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 51 * time.Millisecond, 0.99: 100 * time.Millisecond, 1: 100 * time.Millisecond, 0: time.Millisecond} {
		if got := quantile(calls, q); got != want {
			t.Errorf("%v of the calls took at most %s, not %s", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("no calls took %s", got)
	}
}

// The floor has to do what it says: three calls for each change, and none for what nobody
// has signed.
func TestTheBareProgramCarriesAChangeWithThreeCalls(t *testing.T) {
	tools, err := newTools(3, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tools.close()
	s := newSecret()
	h, err := bareHandler(tools.url, s.text)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	changes := load{urls: []string{server.URL + carry}, key: s.key, senders: 2, n: 3, event: func(i int) (string, []byte) {
		return "msg", tools.change(i, 2, "evt")
	}}
	r, err := changes.send(t.Context())
	if err != nil || r.n != 3 {
		t.Fatalf("%d were answered, %v", r.n, err)
	}
	if err := tools.agreed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if reads, writes, took := tools.counted(); reads != 6 || writes != 3 || len(took) != 3 {
		t.Errorf("%d reads, %d writes, of which %d showed a change", reads, writes, len(took))
	}

	changes.key = newSecret().key
	if _, err := changes.send(t.Context()); err == nil {
		t.Error("a webhook with another signature was answered 200")
	}
	if reads, writes, _ := tools.counted(); reads+writes != 0 {
		t.Errorf("it caused %d reads and %d writes", reads, writes)
	}
}

func contactID(i int) string { return fmt.Sprintf("rec_%08d", i) }

// What is waited for is that every customer is equal, whoever changed in between.
func TestTheToolsAgreeOnlyWhenEverybodyIsEqual(t *testing.T) {
	tools, err := newTools(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tools.close()
	write := func(i int, v value) {
		t.Helper()
		if _, err := call(t.Context(), http.DefaultClient, http.MethodPut, tools.url+"/crm/contacts/"+contactID(i), []byte(`{"status":"`+crmWords[v]+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	agree := func() bool {
		select {
		case <-tools.agree:
			return true
		default:
			return false
		}
	}
	tools.change(0, 2, "evt_1")
	tools.change(1, 3, "evt_2")
	tools.change(1, 2, "evt_3")
	if write(0, 2); agree() {
		t.Error("they agree while one differs")
	}
	if write(1, 2); !agree() {
		t.Error("they do not agree although none differs")
	}
	if tools.change(0, 1, "evt_4"); agree() {
		t.Error("they agree after another change")
	}
}
