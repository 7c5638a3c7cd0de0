package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// deed is what a person does about an exception.
type deed struct {
	verb     store.Verb
	targetID string
}

// round is how one exception comes about and is done away with. The customer it
// is about is cus_1.
type round struct {
	kind status.Kind
	// begin brings events that end in the exception.
	begin func(*live)
	// repair is what somebody does elsewhere before the deed, after is what
	// happens behind it; nil is nothing.
	repair, after func(*live)
	deed          deed
	// want is what the target's records hold in the end.
	want map[string]string
}

var rounds = map[string]round{
	"nobody is found, and a person links": {kind: status.Unmatched, deed: deed{store.LinkTo, "rec_9"}, want: map[string]string{"rec_9": "Paused"},
		begin: func(l *live) {
			l.crm.Set(resttest.Record{ID: "rec_9", Email: "somebody.else@example.com"})
			l.change(1, "evt_1", "paused")
		}},
	"two are found, and a person links": {kind: status.AmbiguousMatch, deed: deed{store.LinkTo, "rec_2"}, want: map[string]string{"rec_1": "", "rec_2": "Paused"},
		begin: func(l *live) {
			l.customer(1)
			l.crm.Set(resttest.Record{ID: "rec_2", Email: mail(1)})
			l.change(1, "evt_1", "paused")
		}},
	"the rule is not sure enough, and a person links": {kind: status.LowConfidence, deed: deed{store.LinkTo, "rec_1"}, want: map[string]string{"rec_1": "Paused"},
		begin: func(l *live) {
			l.must(l.reload("target: email}]", "target: email, confidence: 0.5}]"))
			l.customer(1)
			l.change(1, "evt_1", "paused")
		}},
	"a value means nothing, and the map is changed": {kind: status.UnmappedStatus, deed: deed{verb: store.Acknowledge}, want: map[string]string{"rec_1": "Paused"},
		begin: func(l *live) {
			l.customer(1)
			l.change(1, "evt_1", "on_hold")
		},
		after: func(l *live) { l.must(l.reload("from: [paused]", "from: [paused, on_hold]")) }},
	"a person edited, and ours is applied": {kind: status.Conflict, deed: deed{verb: store.UseSource}, want: map[string]string{"rec_1": "Active"}, begin: conflict},
	"a person edited, and theirs is kept":  {kind: status.Conflict, deed: deed{verb: store.KeepTarget}, want: map[string]string{"rec_1": "Churned"}, begin: conflict},
	"the target differs at first sight, and ours is applied": {kind: status.FirstContact, deed: deed{verb: store.UseSource}, want: map[string]string{"rec_1": "Paused"},
		begin: func(l *live) {
			l.customer(1)
			l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), Status: "Churned", UpdatedBy: "human:ben"})
			l.change(1, "evt_1", "paused")
		}},
	"a change asks, and a person confirms it": {kind: status.ConfirmChange, deed: deed{verb: store.UseSource}, want: map[string]string{"rec_1": "Paused"},
		begin: func(l *live) {
			l.must(l.reload("match: [", "transitions: {paused: ask}\n    match: ["))
			l.customer(1)
			l.change(1, "evt_1", "paused")
		}},
	"the record is gone, and is looked for anew": {kind: status.BrokenLink, deed: deed{verb: store.Rematch}, want: map[string]string{"rec_1": "Paused", "rec_2": "Active"},
		begin: func(l *live) {
			l.carried(1)
			l.crm.Set(resttest.Record{ID: "rec_1", Email: "gone@example.com", Status: "Paused"})
			l.crm.Set(resttest.Record{ID: "rec_2", Email: mail(1)})
			l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				gone := r.URL.Path == "/records/rec_1"
				if gone {
					code(http.StatusNotFound)(w, r)
				}
				return gone
			})
			l.change(1, "evt_2", "active")
		}},
	"the record belongs to another, and a person links": {kind: status.DuplicateLink, deed: deed{store.LinkTo, "rec_9"}, want: map[string]string{"rec_1": "Paused", "rec_9": "Active"},
		begin: func(l *live) {
			l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1)})
			l.crm.Set(resttest.Record{ID: "rec_9", Email: "somebody.else@example.com"})
			l.changeOf("cus_2", mail(1), "evt_1", "paused")
			l.quiet()
			l.change(1, "evt_2", "active")
		}},
	"the target refuses the write, and it is tried again": {kind: status.WriteFailed, deed: deed{verb: store.Retry}, want: map[string]string{"rec_1": "Paused"},
		begin:  refusing(http.MethodPut, http.StatusUnprocessableEntity),
		repair: func(l *live) { l.crm.Instead(nil) }},
	"the target lets us in no more, and it is tried again": {kind: status.ConnectionFailed, deed: deed{verb: store.Retry}, want: map[string]string{"rec_1": "Paused"},
		begin:  refusing(http.MethodGet, http.StatusUnauthorized),
		repair: func(l *live) { l.crm.Instead(nil) }},
	"the target sets it back each time, and a person has ended that": {kind: status.NeverSticks, deed: deed{verb: store.Retry}, want: map[string]string{"rec_1": "Paused"},
		begin: func(l *live) {
			l.carried(1)
			for n := range 3 {
				l.crm.Edit("rec_1", "Active", "api:zapier")
				l.change(1, fmt.Sprint("evt_again_", n), "paused")
				l.quiet()
			}
		}},
	"a customer is written too often, and a person has ended that": {kind: status.LoopSuspected, deed: deed{verb: store.Retry}, want: map[string]string{"rec_1": "Paused"},
		begin: func(l *live) {
			l.must(l.limit("{writes_per_customer: {count: 2, within: 1h}}"))
			l.carried(1)
			for n, value := range []string{"active", "paused"} {
				l.change(1, fmt.Sprint("evt_again_", n), value)
				l.quiet()
			}
			l.crm.Edit("rec_1", "Active", "api:zapier")
			l.change(1, "evt_last", "paused")
			l.quiet() // a retry in the middle of this attempt ends it, and waits out its lease
		}},
	"too many customers move, and a person lets them": {kind: status.MassChange, deed: deed{verb: store.ResumeSync},
		want: map[string]string{"rec_1": "Paused", "rec_2": "Paused", "rec_3": "Paused"},
		begin: func(l *live) {
			l.must(l.limit("{mass_change: {to: [paused], customers: 1, within: 1h}}"))
			for n := range 3 {
				l.customer(n + 1)
				l.change(n+1, fmt.Sprint("evt_", n), "paused")
				l.quiet()
			}
		}},
	"an event cannot be read, and a person has seen it": {kind: status.UnreadableEvent, deed: deed{verb: store.Resolve},
		begin: func(l *live) { l.hook("hello") }},
}

// refusing is a customer at whom one kind of call is refused.
func refusing(method string, answer int) func(*live) {
	return func(l *live) {
		l.customer(1)
		l.crm.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == method {
				code(answer)(w, r)
			}
			return r.Method == method
		})
		l.change(1, "evt_1", "paused")
	}
}

// conflict is a change of the source just after a person's edit: nobody can
// tell which is newer.
func conflict(l *live) {
	l.carried(1)
	l.crm.Edit("rec_1", "Churned", "human:ben")
	l.change(1, "evt_2", "active")
}

// Each kind of exception that events end in, from the event to its end, by the
// command line and by the API.
func TestEachKindOfExceptionGoesFullRound(t *testing.T) {
	t.Parallel()
	for _, k := range status.Kinds {
		found := false
		for _, r := range rounds {
			found = found || r.kind == k
		}
		if !found {
			t.Errorf("no round for %s", k)
		}
	}
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for engine, dsn := range engines {
		for name, r := range rounds {
			for _, way := range []string{"command line", "API"} {
				t.Run(strings.Join([]string{engine, name, way}, "/"), func(t *testing.T) {
					t.Parallel()
					l := newLive(t, dsn(t))
					h := hand(byAPI{l.token(store.Operator)})
					if way == "command line" {
						h = byCommand{program, l.configFile()}
					}
					r.run(l, h)
				})
			}
		}
	}
}

func (r round) run(l *live, h hand) {
	r.begin(l)
	var x store.Exception
	l.until("the exception is open", func() bool {
		found := l.exceptions(r.kind)
		if len(found) == 1 {
			x = found[0]
		}
		return len(found) == 1
	})
	if r.repair != nil {
		r.repair(l)
	}
	h.deed(l, x.ID, r.deed, "once")
	h.deed(l, x.ID, r.deed, "once")
	if r.after != nil {
		r.after(l)
	}
	l.until("it is resolved", func() bool { return h.show(l, x.ID).State == status.Resolved })
	l.quiet()
	for id, want := range r.want {
		l.until(id+" holds "+want, func() bool { return l.crm.Status(id) == want })
	}
	did := 0
	for _, a := range h.show(l, x.ID).History {
		if a.Who == h.ana() && a.Verb == string(r.deed.verb) {
			did++
		}
	}
	if did != 1 {
		l.Errorf("%s stands %d times in the history: %+v", r.deed.verb, did, h.show(l, x.ID).History)
	}
}
