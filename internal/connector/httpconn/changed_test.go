package httpconn

import (
	"net/http"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
)

// An event that says that the status changed with it tells until when it had not.
func TestAnEventSaysWhetherTheStatusChangedWithIt(t *testing.T) {
	conn, err := Open("billing", config.Connection{Name: "billing", BaseURL: "http://127.0.0.1:1"}, &Settings{
		Webhook: &Webhook{Verify: Verify{None: true}, ID: "event.id", Customer: "event.customer", Status: "event.status", OccurredAt: "event.at",
			Changed: "event.type == 'status_changed'"},
		Read:   &Read{Get: "/customers/{id}", Record: "body"},
		Record: Record{ID: "record.id", Status: "record.status"},
	}, connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]bool{"status_changed": true, "phone_changed": false} {
		got, err := conn.Receiver.Events(http.Header{}, []byte(`{"id":"1","customer":"c","status":"paused","at":"2026-03-02T09:00:00Z","type":"`+kind+`"}`))
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if e := got[0].Event; e.UnchangedAt.Equal(e.OccurredAt) != want || e.UnchangedAt.IsZero() == want {
			t.Errorf("%s: unchanged until %s, happened at %s", kind, e.UnchangedAt, e.OccurredAt)
		}
	}
}

// A source that is told by events only has events that tell no status.
func TestAnEventWithoutAStatusIsIgnoredWhereNobodyCanBeAsked(t *testing.T) {
	conn, err := Open("billing", config.Connection{Name: "billing", BaseURL: "http://127.0.0.1:1"}, &Settings{
		Webhook: &Webhook{Verify: Verify{None: true}, ID: "event.id", Customer: "event.customer", Status: "event.status"},
	}, connector.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	for body, ignored := range map[string]bool{`{"id":"1","customer":"c","status":"paused"}`: false, `{"id":"2","customer":"c","type":"note_added"}`: true,
		`{"id":"3","customer":"c","status":""}`: false} {
		got, err := conn.Receiver.Events(http.Header{}, []byte(body))
		if err != nil || len(got) != 1 || (got[0].Skip != "") != ignored {
			t.Errorf("%s reads as %+v, %v", body, got, err)
		}
	}
}
