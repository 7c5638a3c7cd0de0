package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestSeveralExceptionsAreActedOnWithACountOfWhatWasDoneAndWhatNot(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1", "cus_2", "cus_3")
		w.ask(store.Operator, "POST", "/exceptions/2/actions", `{"verb":"acknowledge","as":"ana"}`)
		var got api.ActedOnEach
		answer := w.ask(store.Operator, "POST", "/exceptions/actions", `{"ids":[1,2,99,1],"verb":"acknowledge"}`, "Idempotency-Key", "k")
		w.must(json.Unmarshal(answer.text, &got))
		if got.Changed != 1 || got.Already != 1 || got.Refused != 1 || len(got.Done) != 3 {
			w.Fatalf("%s", answer.text)
		}
		if first := got.Done[1].First; first == nil || !strings.HasPrefix(first.Who, "ana") || first.At == nil {
			w.Errorf("who had done it before is %+v", first)
		}
		if r := got.Done[2].Refused; r == nil || !strings.Contains(r.Detail, "none with this number") || r.Hint == "" {
			w.Errorf("the unknown one comes to %+v", got.Done[2])
		}
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"resolve"}`)
		w.ask(store.Operator, "POST", "/exceptions/actions", `{"ids":[1,2,99,1],"verb":"acknowledge"}`, "Idempotency-Key", "k")
		if x, err := w.db.Exception(w.Context(), 1); err != nil || x.State != status.Resolved {
			w.Errorf("a repeat has acted: %s, %v", x.State, err)
		}
		ids := make([]string, 201)
		for i := range ids {
			ids[i] = fmt.Sprint(i + 1)
		}
		w.ask(store.Operator, "POST", "/exceptions/actions", `{"ids":[`+strings.Join(ids, ",")+`],"verb":"retry"}`).refused(422)
		w.ask(store.Operator, "POST", "/exceptions/actions", `{"ids":[3],"verb":"apply"}`).refused(422)
		w.ask(store.Operator, "POST", "/exceptions/actions", `{"ids":[3],"verb":"retry","owner":"ana"}`).refused(422)
	})
}

func TestTheSecondOfTwoPeopleIsToldWhoWasFirst(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1")
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"ignore","as":"ana","saw_history":0}`)
		p := w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"resolve","as":"ben","saw_history":0}`).refused(409)
		if p.First == nil || !strings.HasPrefix(p.First.Who, "ana") || p.First.Verb != "ignore" || p.First.At == nil || !strings.Contains(p.Detail, "ana via api:the-operator was first, at 2") || p.Hint == "" {
			w.Errorf("%+v %+v", p, p.First)
		}
		w.ask(store.Operator, "POST", "/exceptions/1/actions", fmt.Sprintf(`{"verb":"resolve","as":"ben","saw_history":%d}`, p.First.ID))
		if x, err := w.db.Exception(w.Context(), 1); err != nil || x.State != status.Resolved {
			w.Errorf("it is %s, %v", x.State, err)
		}
	})
}

func TestAMeaningIsNotSavedOverAFileThatWasEdited(t *testing.T) {
	onBothEngines(t, func(w *world) {
		p := w.ask(store.Operator, "PUT", "/syncs/"+flow+"/map", `{"value":"grace","meaning":"paused","digest":"d0"}`).refused(409)
		if len(p.Changes) != 1 || p.Changes[0].To != "[active, trialing]" {
			w.Errorf("%+v", p)
		}
		if p := w.ask(store.Operator, "POST", "/syncs/"+flow+"/map/preview", `{"value":"grace","meaning":"nonsense"}`).refused(422); !strings.Contains(p.Hint, "paused") {
			w.Errorf("%+v", p)
		}
		w.ask(store.Operator, "PUT", "/syncs/none/map", `{"value":"grace","meaning":"paused","digest":"d1"}`).refused(404)
		w.ask(store.Operator, "GET", "/exceptions/77/compare", "").refused(404)
	})
}

func TestExceptionsAreListedByOwnerAndAge(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1", "cus_2")
		w.ask(store.Operator, "POST", "/exceptions/1/actions", `{"verb":"assign","owner":"zoe"}`)
		for query, want := range map[string]int{"owner=zoe": 1, "owner=-": 0, "age=day": 0, "age=week": 0, "age=overdue": 0, "state=acknowledged": 0, "state=open": 2} {
			var got api.List[struct{}]
			w.must(json.Unmarshal(w.ask(store.Viewer, "GET", "/exceptions?"+query, "").text, &got))
			if len(got.Items) != want {
				w.Errorf("%s has %d, not %d", query, len(got.Items), want)
			}
		}
		w.ask(store.Viewer, "GET", "/exceptions?age=old", "").refused(422)
		for query, want := range map[string]int{"": 3, "owner=zoe": 2, "state=resolved": 1} {
			got := w.ask(store.Viewer, "GET", "/exceptions.csv?"+query, "")
			if lines := strings.Count(string(got.text), "\n"); lines != want || !strings.HasPrefix(string(got.text), "id,sync,customer,") {
				w.Errorf("%s as CSV: %s", query, got.text)
			}
		}
		w.ask(store.Viewer, "GET", "/exceptions.csv?sync=none", "").refused(422)
		w.ask(store.Operator, "POST", "/exceptions/2/actions", `{"verb":"assign","owner":"ana@example.com"}`)
		for _, path := range []string{"/exceptions?owner=ANA@example.com", "/exceptions/2"} {
			if got := string(w.ask(store.Viewer, "GET", path, "").text); !strings.Contains(got, `"owner":"ana@example.com","owner_name":"Ana"`) {
				w.Errorf("%s does not name the owner: %s", path, got)
			}
		}
		if got := string(w.ask(store.Viewer, "GET", "/exceptions.csv?owner=ana@example.com", "").text); !strings.Contains(got, ",Ana\n") {
			w.Errorf("the CSV does not name the owner: %s", got)
		}
	})
}
