package stripetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// configFile is a sync from Stripe to any tool with a REST API.
const configFile = `
listen: 127.0.0.1:0
database: %q
connections:
  billing:
    type: stripe
    base_url: %s
    api_key: ` + Key + `
    webhook_secrets: [` + secret + `]
  crm: %s
syncs:
  customer-status:
    source: {connection: billing}
    target: {connection: crm}
    match:
      - {source: metadata.crm_id, target: id}
      - {source: id, target: external_id}
    statuses:
      active:  {from: [active, trialing, past_due], to: Active}
      paused:  {from: [paused, unpaid], to: Paused}
      churned: {from: [canceled], to: Churned}
    ignore: [incomplete, incomplete_expired]
    mode: live
    sweep: off
    limits: off
`

// run is a Stripe account, a CRM, and Trueup between them on a database.
type run struct {
	*testing.T
	stripe *Stripe
	crm    *resttest.Tool
	dsn    string
	config *config.Config
	app    *app.App
}

func newRun(t *testing.T, dsn string) *run {
	r := &run{T: t, stripe: New(t), crm: resttest.New(t), dsn: dsn}
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	text := fmt.Sprintf(configFile, dsn, r.stripe.URL, resttest.TargetYAML(r.crm.URL))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	r.config = cfg
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *run) start() {
	r.Helper()
	a, err := app.Start(r.Context(), app.Options{Config: r.config, Version: "test", Log: slog.New(slog.NewTextHandler(r.Output(), nil))})
	if err != nil {
		r.Fatal(err)
	}
	r.app = a
}

func (r *run) stop() {
	r.Helper()
	if r.app == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.app.Stop(ctx); err != nil {
		r.Error(err)
	}
	r.app = nil
}

// add makes a contact in the CRM that belongs to a customer and has no status
// yet.
func (r *run) add(customer string) {
	r.crm.Set(resttest.Record{ID: "con_" + customer, ExternalID: customer, UpdatedBy: "human:ana", UpdatedAt: time.Now().Add(-time.Hour)})
}

// statuses returns what each contact holds, by customer.
func (r *run) statuses() map[string]string {
	all := map[string]string{}
	for id, value := range r.crm.Statuses() {
		all[strings.TrimPrefix(id, "con_")] = value
	}
	return all
}

// post sends a body to the webhook as Stripe would, and returns the answer.
func (r *run) post(header http.Header, body []byte) (int, string) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.app.URL()+"/hooks/billing", bytes.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.Fatal(err)
	}
	return resp.StatusCode, string(bytes.TrimSpace(text))
}

// tell sends the webhook of an event, which must be answered so.
func (r *run) tell(kind, id, want string) {
	r.Helper()
	body := r.stripe.Event(kind, id)
	for _, want := range []string{want, `{"accepted":0,"duplicates":1}`} { // Stripe sends again
		code, got := r.post(Sign(body, secret, time.Now()), body)
		if code != http.StatusOK || got != want {
			r.Errorf("%s of %s: %d %s, not 200 %s", kind, id, code, got, want)
		}
	}
}

// settled waits until the database holds n events and each has an outcome, and
// returns how they ended.
func (r *run) settled(n int) map[status.Outcome]int {
	r.Helper()
	db, err := store.Open(r.Context(), store.Options{DSN: r.dsn})
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		outcomes, err := db.Outcomes(ctx, "customer-status")
		if err != nil {
			r.Fatal(err)
		}
		total := 0
		for _, k := range outcomes {
			total += k
		}
		if total >= n {
			return outcomes
		}
		select {
		case <-ctx.Done():
			r.Fatalf("%d of %d events have an outcome: %v", total, n, outcomes)
		case <-ticker.C:
		}
	}
}

// exceptions returns the open ones, by customer.
func (r *run) exceptions() map[string]status.Kind {
	r.Helper()
	db, err := store.Open(r.Context(), store.Options{DSN: r.dsn})
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	found, err := db.Exceptions(r.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		r.Fatal(err)
	}
	open := map[string]status.Kind{}
	for _, x := range found {
		open[x.Customer] = x.Kind
	}
	return open
}

// Stripe's objects come in by signed webhooks, a CRM ends with the right value
// for each.
func TestStripesCustomersAreCarriedToACRM(t *testing.T) {
	for engine, dsn := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "trueup.db") },
		"postgres": func(t *testing.T) string { return storetest.Schema(t) },
	} {
		t.Run(engine, func(t *testing.T) { carryAll(newRun(t, dsn(t))) })
	}
}

func carryAll(r *run) {
	const one = `{"accepted":1,"duplicates":0}`
	type sub struct {
		status string
		paused bool
	}
	cases := map[string]struct {
		subs []sub
		want string
	}{
		"cus_active":            {[]sub{{"active", false}}, "Active"},
		"cus_trialing":          {[]sub{{"trialing", false}}, "Active"},
		"cus_paused_collection": {[]sub{{"active", true}}, "Paused"},
		"cus_paused_status":     {[]sub{{"paused", false}}, "Paused"},
		"cus_past_due":          {[]sub{{"past_due", false}}, "Active"},
		"cus_unpaid":            {[]sub{{"unpaid", false}}, "Paused"},
		"cus_canceled":          {[]sub{{"canceled", false}}, "Churned"},
		"cus_came_back":         {[]sub{{"canceled", false}, {"active", false}}, "Active"},
		"cus_half_paused":       {[]sub{{"active", true}, {"canceled", false}, {"trialing", false}}, "Active"},
		"cus_incomplete":        {[]sub{{"incomplete", false}}, ""},
		"cus_new_word":          {[]sub{{"hibernating", false}}, ""},
	}
	told := 0
	want := map[string]string{}
	for id, c := range cases {
		r.stripe.SetCustomer(id, id+"@example.com", nil)
		r.add(id)
		want[id] = c.want
		for i, s := range c.subs {
			r.stripe.SetSubscription(id, fmt.Sprintf("sub_%s_%d", id, i), s.status, s.paused)
		}
		for i := range c.subs {
			r.tell("customer.subscription.updated", fmt.Sprintf("sub_%s_%d", id, i), one)
			told++
		}
	}
	// Linked by metadata, to a contact of another's external id.
	r.stripe.SetCustomer("cus_linked", "", map[string]string{"crm_id": "con_elsewhere"})
	r.add("elsewhere")
	want["elsewhere"] = "Active"
	r.stripe.SetSubscription("cus_linked", "sub_linked", "active", false)
	r.tell("customer.subscription.created", "sub_linked", one)
	// In Stripe and not in the CRM; and without any subscription.
	r.stripe.SetCustomer("cus_stranger", "", nil)
	r.stripe.SetSubscription("cus_stranger", "sub_stranger", "active", false)
	r.tell("customer.subscription.created", "sub_stranger", one)
	r.stripe.SetCustomer("cus_none", "", nil)
	r.tell("customer.created", "cus_none", one)
	told += 3

	r.settled(told)
	if diff := cmp.Diff(want, r.statuses()); diff != "" {
		r.Errorf("the CRM holds: %s", diff)
	}
	if diff := cmp.Diff(map[string]status.Kind{"cus_stranger": status.Unmatched, "cus_new_word": status.UnmappedStatus}, r.exceptions()); diff != "" {
		r.Errorf("open exceptions: %s", diff)
	}
	if n := r.crm.Written(); len(n) != 10 {
		r.Errorf("%d writes for 10 contacts: %v", len(n), n)
	}

	r.refusesWhatIsNotStripes()
	told++ // the signed body that cannot be read

	// A deletion, the end of a subscription, and a change of mind.
	r.stripe.SetSubscription("cus_active", "sub_cus_active_0", "canceled", false)
	r.tell("customer.subscription.deleted", "sub_cus_active_0", one)
	r.stripe.DeleteCustomer("cus_trialing")
	r.tell("customer.deleted", "cus_trialing", one)
	r.stripe.SetSubscription("cus_paused_collection", "sub_cus_paused_collection_0", "active", false)
	r.tell("customer.subscription.updated", "sub_cus_paused_collection_0", one)
	told += 3
	want["cus_active"], want["cus_trialing"], want["cus_paused_collection"] = "Churned", "Churned", "Active"
	r.settled(told)
	if diff := cmp.Diff(want, r.statuses()); diff != "" {
		r.Errorf("the CRM holds: %s", diff)
	}

	// What happens while it is down is asked for at the next start.
	r.stop()
	r.stripe.SetSubscription("cus_past_due", "sub_cus_past_due_0", "paused", false)
	r.stripe.Event("customer.subscription.paused", "sub_cus_past_due_0")
	r.start()
	told += 2 // with the one that came with forged signatures only
	want["cus_past_due"] = "Paused"
	r.settled(told)
	if diff := cmp.Diff(want, r.statuses()); diff != "" {
		r.Errorf("after the start the CRM holds: %s", diff)
	}
}

// refusesWhatIsNotStripes sends what Stripe would not.
func (r *run) refusesWhatIsNotStripes() {
	r.Helper()
	r.stripe.SetCustomer("cus_forged", "", nil)
	body := r.stripe.Event("customer.created", "cus_forged")
	for name, header := range map[string]http.Header{
		"another secret": Sign(body, "whsec_other", time.Now()),
		"an old one":     Sign(body, secret, time.Now().Add(-time.Hour)),
		"none":           {},
	} {
		if code, _ := r.post(header, body); code != http.StatusUnauthorized {
			r.Errorf("a signature that is %s is answered %d", name, code)
		}
	}
	garbled := []byte(`{"id": "evt_1", "id": "evt_2"}`)
	if code, text := r.post(Sign(garbled, secret, time.Now()), garbled); code != http.StatusOK {
		r.Errorf("a signed body that cannot be read is answered %d %s", code, text)
	}
	if r.exceptions()[""] != status.UnreadableEvent {
		r.Errorf("it opens no exception: %v", r.exceptions())
	}
	var big bytes.Buffer
	if err := json.NewEncoder(&big).Encode(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
		r.Fatal(err)
	}
	if code, _ := r.post(Sign(big.Bytes(), secret, time.Now()), big.Bytes()); code != http.StatusRequestEntityTooLarge {
		r.Errorf("a body over 1 MiB is answered %d", code)
	}
}
