package demo

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/status"
)

// The configuration is what a reader copies from, so it has to be right in the
// eyes of the real reader and mean what the two sample tools are.
func TestTheConfigurationJoinsBothTools(t *testing.T) {
	cast, _ := newScript(1)
	j := &journal{}
	hooks := make(chan *http.Request, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		hooks <- r
		w.WriteHeader(http.StatusOK)
	}))
	defer receiver.Close()
	secret, key := newSecret()
	sender := newSender(t.Context(), receiver.Client(), key)
	sender.deliverTo(receiver.URL + "/hooks/billing")
	b := newBilling(cast, "billing-token", "RUN", j, sender)
	c := newCRM(cast, "crm-token", j)
	billingServer := httptest.NewServer(b.handler(nil))
	defer billingServer.Close()
	crmServer := httptest.NewServer(c.handler(nil))
	defer crmServer.Close()

	text, err := configText(joint{Database: t.TempDir() + "/trueup.db", BillingURL: billingServer.URL, BillingToken: "billing-token",
		WebhookSecret: secret, CRMURL: crmServer.URL, CRMToken: "crm-token"})
	must(t, err)
	types := config.Types{httpconn.Type: func() config.Settings { return &httpconn.Settings{} }}
	cfg, err := config.Parse("trueup.yaml", []byte(text), t.TempDir(), types, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("the configuration is refused:\n%v\n%s", err, text)
	}
	open := func(name string) connector.Connection {
		common := cfg.Connections[name]
		conn, err := httpconn.Open(name, common, common.Settings.(*httpconn.Settings), connector.Deps{})
		must(t, err)
		return conn
	}
	source, target := open("billing"), open("crm")

	m := playing(cast, ordinary)
	ev, err := b.change(m.customer, "canceled", byScript)
	must(t, err)
	must(t, b.send(ev, 1))
	hook := <-hooks
	body, _ := io.ReadAll(hook.Body)
	must(t, source.Receiver.Verify(hook.Header, body, time.Now()))
	readings, err := source.Receiver.Events(hook.Header, body)
	must(t, err)
	if len(readings) != 1 {
		t.Fatalf("the body holds %d events, want 1", len(readings))
	}
	got := readings[0].Event
	got.Payload = nil
	if diff := cmp.Diff(status.Event{ID: ev.ID, Customer: m.customer, Value: "canceled", HasValue: true, OccurredAt: ev.OccurredAt, UnchangedAt: ev.OccurredAt}, got); diff != "" {
		t.Errorf("event (-sent +read):\n%s", diff)
	}

	ctx := context.Background()
	record, err := source.Source.Read(ctx, m.customer)
	must(t, err)
	if record.Value != "canceled" || !record.UpdatedAt.Equal(ev.OccurredAt) || record.Keys["customer_id"] != m.customer || record.Keys["email"] != m.email {
		t.Errorf("source record = %+v", record)
	}
	found, err := target.Target.Find(ctx, "external_id", m.customer)
	must(t, err)
	if len(found) != 1 || found[0].ID != m.contact() {
		t.Fatalf("found %+v, want the contact %s", found, m.contact())
	}
	before, err := target.Target.Read(ctx, found[0].ID)
	must(t, err)
	must(t, taken(target.Target.Write(ctx, before, "Churned")))
	if f := connector.FailureOf(taken(target.Target.Write(ctx, before, "Paused"))); f.Kind != connector.Moved {
		t.Errorf("a second write with the same revision: %v, want %v", f.Kind, connector.Moved)
	}
	now, err := target.Target.Read(ctx, m.contact())
	must(t, err)
	if now.Value != "Churned" || now.Actor == status.ActorHuman || now.By != apiTrueup {
		t.Errorf("after Trueup's write the contact is %+v", now)
	}
	must(t, c.edit(m.contact(), "Active", someHuman, byPage))
	now, err = target.Target.Read(ctx, m.contact())
	must(t, err)
	if now.Actor != status.ActorHuman {
		t.Errorf("after a click on the page the editor is %q, want a person", now.Actor)
	}
	twice, err := target.Target.Find(ctx, "email", playing(cast, twofold).email)
	must(t, err)
	if len(twice) != 2 {
		t.Errorf("%d contacts share the e-mail, want 2", len(twice))
	}
}

// taken is the error of a write, whatever its answer shows.
func taken(_ *status.TargetRecord, err error) error { return err }
