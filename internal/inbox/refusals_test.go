package inbox

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestRefusedWebhooksAreCountedByConnectionAndReason(t *testing.T) {
	f := newFixture(t)
	f.inbox.Refused = f.db
	old := f.inbox.Connections["two"]
	old.Name = "billing"
	f.inbox.Connections["two"] = old // as billing was called before
	forged := request("billing", []byte(eventBody("evt_1", "cus_1")))
	forged.Body = request("billing", []byte(eventBody("evt_2", "cus_2"))).Body
	for range 2 {
		f.send(forged)
	}
	forged.URL.Path = "/hooks/two"
	f.send(forged)
	f.send(request("open", []byte("no JSON")))
	f.send(request("open", bytes.Repeat([]byte("x"), MaxBody+1)))
	f.send(request("mute", []byte("{}")))
	f.send(request("unused", []byte("{}")))
	f.send(request("nobody", []byte("{}")))                            // anyone may invent names
	f.send(request("billing", []byte(eventBody("evt_3", "cus_3"))))    // accepted
	f.send(request("billing", []byte(eventBody("", "")+"is no JSON"))) // accepted: signed, and stored as unreadable
	zipped := request("billing", []byte("{}"))
	zipped.Header.Set("Content-Encoding", "gzip")
	f.send(zipped)
	f.inbox.storeRefused()
	f.inbox.storeRefused() // which has nothing left to store

	got, err := f.db.Refused(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Refused{{Connection: "billing", Refusal: status.BadSignature, Count: 3}, {Connection: "billing", Refusal: status.Compressed, Count: 1},
		{Connection: "mute", Refusal: status.NoWebhook, Count: 1}, {Connection: "open", Refusal: status.Malformed, Count: 1},
		{Connection: "open", Refusal: status.TooLarge, Count: 1}, {Connection: "unused", Refusal: status.NoSync, Count: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, strings.TrimSpace(f.log.String()))
	}
}
