package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// folding is a sync in which customers with one e-mail address are one.
func folding(w *world) {
	w.configure = func(s *config.Sync) { s.Match[0].Several = config.SeveralFold }
}

// onePerson is a world in which customers of the source share an e-mail address and
// a record of the target, which holds Trial.
func onePerson(t *testing.T, values map[string]string) *world {
	w := newWorld(t, folding)
	for id, value := range values {
		w.checkout(id, "ann@example.com", value)
	}
	w.crm.records["rec_ann"] = &record{value: "", editedAt: w.clock.now(), actor: status.ActorUs, keys: map[string]string{"email": "ann@example.com"}}
	return w
}

// checkout makes a customer in the source.
func (w *world) checkout(id, email, value string) {
	w.billing.records[id] = &record{value: value, editedAt: w.clock.now(), keys: map[string]string{"email": email}}
	w.recordOf[id] = "rec_ann"
	w.lastChange[id] = w.clock.now()
}

// tell is an event that says nothing but that a customer has changed, as Stripe's.
func (w *world) tell(id string) store.NewEvent {
	w.events++
	return store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: fmt.Sprintf("evt_%03d", w.events), Customer: id,
		OccurredAt: w.clock.now(), Payload: []byte("{}")}
}

// becomes changes a customer and tells of it.
func (w *world) becomes(id, value string) store.NewEvent {
	w.billing.edit(id, value, status.ActorHuman)
	w.lastChange[id] = w.clock.now()
	return w.tell(id)
}

// holders are the customers who have a link.
func (w *world) holders() (all []string) {
	w.Helper()
	links, err := w.db.Links(context.Background(), syncName)
	if err != nil {
		w.Fatal(err)
	}
	for _, l := range links {
		all = append(all, l.Customer)
	}
	return all
}

func TestTheBestStatusOfAllCustomersWithOneAddressIsWrittenWhicheverIsToldOfFirst(t *testing.T) {
	for _, order := range [][]string{{"cus_old", "cus_new"}, {"cus_new", "cus_old"}} {
		w := onePerson(t, map[string]string{"cus_old": "canceled", "cus_new": "active"})
		for _, id := range order {
			w.deliver(w.tell(id))
			w.finish()
		}
		if got := w.crm.value("rec_ann"); got != "Active" || len(w.crm.writes) != 1 {
			t.Errorf("%v: the record holds %s after %v", order, got, w.crm.writes)
		}
		if got := w.holders(); !slices.Equal(got, order[:1]) || len(w.open()) > 0 {
			t.Errorf("%v: linked are %v, open is %v", order, got, w.open())
		}
		if got := w.ended(order[1]); !slices.Equal(got, []status.Outcome{status.Ignored}) {
			t.Errorf("%v: the event of the second ended as %v", order, got)
		}
	}
}

func TestSeveralCustomersStayAQuestionWithoutTheSetting(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_old": "canceled", "cus_new": "active"})
	w.configure = nil
	w.start()
	for _, id := range []string{"cus_old", "cus_new"} {
		w.deliver(w.tell(id))
		w.finish()
	}
	if got := w.open()["cus_new"]; !slices.Equal(got, []status.Kind{status.DuplicateLink}) || w.crm.value("rec_ann") != "Churned" {
		t.Errorf("open is %v, the record holds %s", w.open(), w.crm.value("rec_ann"))
	}
}

func TestWhenTheBestOneEndsTheOthersDecide(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_old": "past_due", "cus_new": "active"})
	w.deliver(w.tell("cus_old"))
	w.finish()
	w.pass(time.Hour)
	w.deliver(w.becomes("cus_new", "canceled"))
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Paused" {
		t.Errorf("the record holds %s after %v", got, w.crm.writes)
	}
	w.pass(time.Hour)
	w.deliver(w.becomes("cus_old", "canceled"))
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Churned" || len(w.open()) > 0 {
		t.Errorf("the record holds %s after %v; open is %v", got, w.crm.writes, w.open())
	}
}

func TestADeletedCustomerLeavesTheOthersToDecide(t *testing.T) {
	for name, remove := range map[string]func(w *world, id string){
		"the tool shows that it was deleted": func(w *world, id string) { w.billing.records[id] = &record{value: "canceled", editedAt: w.clock.now()} },
		"the tool does not have it any more": func(w *world, id string) { delete(w.billing.records, id) },
	} {
		for _, deleted := range []string{"cus_1", "cus_2"} { // the linked one, and the other
			t.Run(name+", "+deleted, func(t *testing.T) {
				w := onePerson(t, map[string]string{"cus_1": "active", "cus_2": "active"})
				w.deliver(w.tell("cus_1"), w.tell("cus_2"))
				w.finish()
				other := map[string]string{"cus_1": "cus_2", "cus_2": "cus_1"}[deleted]
				w.pass(time.Hour)
				w.deliver(w.becomes(other, "past_due"))
				w.finish()
				if got := w.crm.value("rec_ann"); got != "Active" {
					t.Fatalf("the record holds %s before", got)
				}
				w.pass(time.Hour)
				remove(w, deleted)
				w.deliver(w.tell(deleted))
				w.finish()
				if got := w.crm.value("rec_ann"); got != "Paused" || len(w.open()) > 0 {
					t.Errorf("the record holds %s after %v; open is %v", got, w.crm.writes, w.open())
				}
				w.pass(time.Hour)
				w.deliver(w.becomes(other, "active"))
				w.finish()
				if got := w.crm.value("rec_ann"); got != "Active" || !slices.Equal(w.holders(), []string{"cus_1"}) {
					t.Errorf("the record holds %s later; linked are %v", got, w.holders())
				}
			})
		}
	}
}

func TestWhileOneOfThemCannotBeReadNothingIsWritten(t *testing.T) {
	for call, what := range map[string]string{"read": "cus_new", "find": ""} {
		w := onePerson(t, map[string]string{"cus_old": "canceled", "cus_new": "active"})
		w.billing.fail = func(did, id, _ string) error {
			if did == call && id == what {
				return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "no answer"}
			}
			return nil
		}
		w.deliver(w.tell("cus_old"))
		w.work()
		if len(w.crm.asked) > 0 || w.stored("cus_old").DueAt.IsZero() {
			t.Errorf("%s fails: %v was written, and it is due at %s", call, w.crm.asked, w.stored("cus_old").DueAt)
		}
		w.billing.fail = nil
		w.finish()
		if got := w.crm.value("rec_ann"); got != "Active" || len(w.crm.writes) != 1 {
			t.Errorf("%s works again: the record holds %s after %v", call, got, w.crm.writes)
		}
	}
}

func TestTwoChangesAtOnceComeToTheBestOfBoth(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active"})
	w.deliver(w.tell("cus_1"), w.tell("cus_2"))
	w.finish()
	w.pass(time.Hour)
	// The second ends while the first's attempt has read it already, and the first
	// comes back while the second's attempt is under way.
	w.deliver(w.becomes("cus_1", "past_due"))
	reads := 0
	w.billing.onTheWay = func() {
		reads++
		w.billing.onTheWay = func() { w.deliver(w.becomes("cus_2", "canceled")) } // it has been read by now
	}
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Paused" || reads == 0 || len(w.open()) > 0 {
		t.Errorf("the record holds %s after %v; open is %v", got, w.crm.writes, w.open())
	}
	// Two workers have both of them at the same time.
	w.pass(time.Hour)
	w.deliver(w.becomes("cus_1", "canceled"), w.becomes("cus_2", "active"))
	works, at, err := w.f.claim(t.Context(), 10)
	if err != nil || len(works) != 2 {
		t.Fatalf("%d were claimed, %v", len(works), err)
	}
	done := make(chan struct{}, len(works))
	for i := range works {
		go func() {
			w.f.carry(context.Background(), &works[i], at)
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Active" || !slices.Equal(w.holders(), []string{"cus_1"}) || len(w.open()) > 0 {
		t.Errorf("the record holds %s after %v; linked are %v, open is %v", got, w.crm.writes, w.holders(), w.open())
	}
}

func TestTwoCustomersWhoAreNewAtOnceGetOneLink(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active"})
	w.deliver(w.tell("cus_1"), w.tell("cus_2"))
	works, at, err := w.f.claim(t.Context(), 10)
	if err != nil || len(works) != 2 {
		t.Fatalf("%d were claimed, %v", len(works), err)
	}
	done := make(chan struct{}, len(works))
	for i := range works {
		go func() {
			w.f.carry(context.Background(), &works[i], at)
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Active" || len(w.crm.writes) != 1 || len(w.holders()) != 1 || len(w.open()) > 0 {
		t.Errorf("the record holds %s after %v; linked are %v, open is %v", got, w.crm.writes, w.holders(), w.open())
	}
}

func TestAPersonsNewerEditStaysWhateverIsToldOfTheOthers(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_old": "past_due", "cus_new": "active"})
	w.deliver(w.tell("cus_old"))
	w.finish()
	w.pass(time.Hour)
	w.crm.edit("rec_ann", "Churned", status.ActorHuman)
	w.pass(time.Hour)
	w.deliver(w.change("cus_old", "canceled")) // the best status is what it was
	w.finish()
	w.pass(time.Hour)
	w.deliver(w.tell("cus_new"))
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Churned" || !slices.Equal(w.open()["cus_old"], []status.Kind{status.Conflict}) {
		t.Errorf("the record holds %s after %v; open is %v", got, w.crm.writes, w.open())
	}
	w.pass(time.Hour)
	w.deliver(w.becomes("cus_new", "past_due")) // which changes it, later than the edit
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Paused" || len(w.open()) > 0 {
		t.Errorf("the record holds %s after %v; open is %v", got, w.crm.writes, w.open())
	}
}

func TestTheHistorySaysWhoseStatusDecided(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_old": "canceled", "cus_new": "active"})
	for _, id := range []string{"cus_old", "cus_new"} {
		w.deliver(w.tell(id))
		w.finish()
	}
	for customer, want := range map[string]string{"cus_old": "; the status is customer cus_new's, the best of 2",
		"cus_new": "it is synced together with customer cus_old, who has the same key in billing"} {
		all, err := w.db.History(t.Context(), syncName, customer, 10)
		if err != nil || len(all) == 0 || !strings.Contains(all[0].Reason.Sentence(), want) {
			t.Errorf("of %s it says %v, %v", customer, all, err)
		}
		if got := w.stored(customer).Reason.Sentence(); !strings.Contains(got, want) {
			t.Errorf("%s stands with %q", customer, got)
		}
	}
}

func TestWhoGetsAnotherAddressLeavesTheOthersToDecide(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active"})
	w.deliver(w.tell("cus_1"), w.tell("cus_2"))
	w.finish()
	w.checkout("cus_3", "bea@example.com", "canceled")
	w.crm.records["rec_bea"] = &record{editedAt: w.clock.now(), keys: map[string]string{"email": "bea@example.com"}}
	w.deliver(w.tell("cus_3"))
	w.finish()
	w.pass(time.Hour)
	w.billing.records["cus_2"].keys = map[string]string{"email": "bea@example.com"}
	w.deliver(w.tell("cus_2"))
	w.finish()
	if ann, bea := w.crm.value("rec_ann"), w.crm.value("rec_bea"); ann != "Churned" || bea != "Active" || len(w.open()) > 0 {
		t.Errorf("the records hold %s and %s; open is %v", ann, bea, w.open())
	}
}

func TestWhoIsLinkedToARecordOfItsOwnIsOneOfItsOwn(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active"})
	w.crm.records["rec_other"] = &record{editedAt: w.clock.now(), keys: map[string]string{}}
	w.deliver(w.tell("cus_2"))
	w.finish()
	if err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_other", Confidence: 1, By: "ops"}); err != nil {
		t.Fatal(err)
	}
	w.deliver(w.tell("cus_1"))
	w.finish()
	w.deliver(w.tell("cus_2"))
	w.finish()
	if ann, other := w.crm.value("rec_ann"), w.crm.value("rec_other"); ann != "Active" || other != "Churned" {
		t.Errorf("the records hold %s and %s; open is %v", ann, other, w.open())
	}
}

func TestCustomersWhoseAddressIsSpelledDifferentlyAreOneAsSoonAsBothAreKnown(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled"})
	w.checkout("cus_2", "ANN@Example.com", "active")
	w.deliver(w.tell("cus_1"))
	w.finish()
	w.deliver(w.tell("cus_2"))
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Active" || len(w.open()) > 0 {
		t.Errorf("the record holds %s; open is %v", got, w.open())
	}
	w.pass(time.Hour)
	w.deliver(w.becomes("cus_2", "past_due"))
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Paused" || len(w.open()) > 0 {
		t.Errorf("the record holds %s later; open is %v", got, w.open())
	}
}

func TestAWordWithoutAPlaceIsAskedAboutUnlessSomebodyHasTheBestOne(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "trialing", "cus_2": "abroad"})
	w.deliver(w.tell("cus_1"))
	w.finish()
	if got := w.open()["cus_1"]; !slices.Equal(got, []status.Kind{status.UnmappedStatus}) || len(w.crm.asked) > 0 {
		t.Errorf("open is %v; %v was written", w.open(), w.crm.asked)
	}
	w.pass(time.Hour)
	w.deliver(w.becomes("cus_1", "active"))
	w.finish()
	if got := w.crm.value("rec_ann"); got != "Active" || len(w.open()) > 0 {
		t.Errorf("the record holds %s; open is %v", got, w.open())
	}
}

func TestAnAddressThatTooManyHaveIsNobodys(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_0": "active"})
	for i := range mostSharing + 1 {
		w.checkout(fmt.Sprintf("cus_%d", i+1), "ann@example.com", "canceled")
	}
	w.deliver(w.tell("cus_0"))
	w.finish()
	if len(w.open()["cus_0"]) != 1 || len(w.crm.asked) > 0 {
		t.Errorf("open is %v; %v was written", w.open(), w.crm.asked)
	}
}

func TestAComparisonSeesThemAsOneToo(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active"})
	preview := NewPreview(w.f.Sync, w.db)
	for customer, want := range map[string]string{"cus_1": "Active", "cus_2": "Active"} {
		o := preview.Of(t.Context(), Subject{Work: &store.Work{Sync: syncName, Customer: customer}, Source: source{w.billing}, Target: w.crm, SourceAt: w.clock.now(),
			Owner: func(context.Context, string) (string, error) { return "", nil }})
		if o.Desired.Value != want || o.Action != "write" {
			t.Errorf("%s: it would %s %q (%s)", customer, o.Action, o.Desired.Value, o.Reason)
		}
	}
	o := preview.Of(t.Context(), Subject{Work: &store.Work{Sync: syncName, Customer: "cus_2"}, Source: source{w.billing}, Target: w.crm, SourceAt: w.clock.now(),
		Owner: func(context.Context, string) (string, error) { return "cus_1", nil }})
	if o.Action != "none" || o.Kind != "" {
		t.Errorf("it would %s (%s)", o.Action, o.Reason)
	}
}

// Whatever happens to the customers of one person, in the end the record holds the
// best of what they have.
func TestAnyHistoryOfSeveralCustomersEndsWithTheBestStatus(t *testing.T) {
	words := []string{"active", "past_due", "canceled"}
	shown := map[string]string{"active": "Active", "past_due": "Paused", "canceled": "Churned"}
	random := rand.New(rand.NewPCG(7, 7))
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active", "cus_3": "past_due"})
	w.quiet = true
	w.start()
	for step := range 60 {
		w.pass(time.Duration(1+random.IntN(90)) * time.Minute)
		for range 1 + random.IntN(3) {
			w.deliver(w.becomes(fmt.Sprintf("cus_%d", 1+random.IntN(3)), words[random.IntN(3)]))
		}
		failing := random.IntN(3) == 0
		if failing {
			w.billing.fail = func(string, string, string) error {
				if random.IntN(2) == 0 {
					return errors.New("no answer")
				}
				return nil
			}
			w.work()
		}
		w.billing.fail = nil
		w.finish()
		best := len(words)
		for _, r := range w.billing.records {
			best = min(best, slices.Index(words, r.value))
		}
		if got := w.crm.value("rec_ann"); got != shown[words[best]] {
			t.Fatalf("step %d: the record holds %s, and the best is %s; open is %v", step, got, words[best], w.open())
		}
	}
	if len(w.holders()) != 1 || len(w.open()) > 0 {
		t.Errorf("linked are %v, open is %v", w.holders(), w.open())
	}
}

func TestWhatOnlyAsksPeopleMakesNobodysHistoryNew(t *testing.T) {
	w := onePerson(t, map[string]string{"cus_1": "canceled", "cus_2": "active"})
	w.deliver(w.tell("cus_1"))
	w.finish()
	w.deliver(w.tell("cus_2"))
	works, at, err := w.f.claim(t.Context(), 10)
	if err != nil || len(works) != 1 {
		t.Fatalf("%d were claimed, %v", len(works), err)
	}
	works[0].Unheard = true
	w.f.carry(t.Context(), &works[0], at)
	if due := w.stored("cus_1").DueAt; !due.IsZero() {
		t.Errorf("the linked customer is due at %s", due)
	}
}

func TestTheBestStatusIsDatedOnlyWhereNobodyCanHaveHadABetterOneLater(t *testing.T) {
	at := func(hour int) time.Time { return began.Add(time.Duration(hour) * time.Hour) }
	best := status.SourceRecord{ID: "cus_1", Value: "active", ValueAt: at(3)}
	for name, c := range map[string]struct {
		other status.SourceRecord
		want  time.Time
	}{
		"the other ended before":         {status.SourceRecord{ID: "cus_2", Value: "canceled", ValueAt: at(2)}, at(3)},
		"the other ended later":          {status.SourceRecord{ID: "cus_2", Value: "canceled", ValueAt: at(4)}, time.Time{}},
		"the other has no time":          {status.SourceRecord{ID: "cus_2", Value: "canceled"}, time.Time{}},
		"the other has the same status":  {status.SourceRecord{ID: "cus_2", Value: "active", ValueAt: at(2)}, time.Time{}},
		"the other has no status at all": {status.SourceRecord{ID: "cus_2", NoStatus: true, ValueAt: at(2)}, time.Time{}},
	} {
		if got := bestSince(best, []status.SourceRecord{best, c.other}); !got.Equal(c.want) {
			t.Errorf("%s: since %s, want %s", name, got, c.want)
		}
	}
}

func TestTheLatestChangeOfAnyOfThemDatesTheRecord(t *testing.T) {
	w := newWorld(t, folding)
	a := &attempt{flow: w.f, work: &store.Work{Customer: "cus_1"}, source: status.SourceRecord{ID: "cus_1", Value: "active", UpdatedAt: began}}
	a.foldBest([]shared{{SourceRecord: status.SourceRecord{ID: "cus_2", Value: "canceled", UpdatedAt: began.Add(time.Hour)}}}, nil)
	if !a.source.UpdatedAt.Equal(began.Add(time.Hour)) || a.source.Value != "active" {
		t.Errorf("%+v", a.source)
	}
}
