package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func unescaped(segment string) string {
	text, err := url.PathUnescape(segment)
	if err != nil {
		panic(err)
	}
	return text
}

// routes are all operations, with the role that each needs.
var routes = []struct {
	method, path, body string
	need               store.Role
	status             int
}{
	{"GET", "/status", "", store.Viewer, 200},
	{"GET", "/syncs", "", store.Viewer, 200},
	{"GET", "/syncs/" + flow, "", store.Viewer, 200},
	{"GET", "/syncs/" + flow + "/details", "", store.Viewer, 200},
	{"GET", "/syncs/" + flow + "/watched", "", store.Viewer, 200},
	{"GET", "/syncs/" + flow + "/mode?mode=watch", "", store.Viewer, 200},
	{"PUT", "/syncs/" + flow + "/mode", `{"mode":"watch","reason":"the CRM is being rebuilt","digest":"73"}`, store.Operator, 200},
	{"POST", "/syncs/" + flow + "/pause", `{"reason":"importing contacts"}`, store.Operator, 200},
	{"POST", "/syncs/" + flow + "/resume", `{"reason":"so it is"}`, store.Operator, 200},
	{"GET", "/customers", "", store.Viewer, 200},
	{"GET", "/customers/" + flow + "/" + url.PathEscape(odd), "", store.Viewer, 200},
	{"PUT", "/customers/" + flow + "/" + url.PathEscape(odd) + "/pin", `{"reason":"the contract is disputed"}`, store.Operator, 200},
	{"GET", "/customers/" + flow + "/" + url.PathEscape(odd) + "/pin", "", store.Viewer, 200},
	{"GET", "/pins?sync=" + flow, "", store.Viewer, 200},
	{"DELETE", "/customers/" + flow + "/" + url.PathEscape(odd) + "/pin", "", store.Operator, 200},
	{"GET", "/events", "", store.Viewer, 200},
	{"GET", "/events/1", "", store.Viewer, 200},
	{"POST", "/events/1/replay", `{"as":"ana"}`, store.Operator, 200},
	{"GET", "/links", "", store.Viewer, 200},
	{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"rec_1"}`, store.Operator, 200},
	{"GET", "/links/" + flow + "/cus_1", "", store.Viewer, 200},
	{"GET", "/links/" + flow + "/cus_1/history", "", store.Viewer, 200},
	{"DELETE", "/links/" + flow + "/cus_1", "", store.Operator, 204},
	{"GET", "/plans", "", store.Viewer, 200},
	{"GET", "/plans/" + hashOf(1), "", store.Viewer, 200},
	{"GET", "/plans/" + hashOf(1) + "/changes", "", store.Viewer, 200},
	{"POST", "/plans/" + hashOf(1) + "/apply", `{"as":"ana"}`, store.Operator, 202},
	{"GET", "/jobs", "", store.Viewer, 200},
	{"GET", "/jobs/1", "", store.Viewer, 200},
	{"POST", "/jobs/1/stop", `{}`, store.Operator, 200},
	{"POST", "/syncs/" + flow + "/plans", `{}`, store.Operator, 202},
	{"POST", "/customers/" + flow + "/" + url.PathEscape(odd) + "/undo", `{}`, store.Operator, 200},
	{"GET", "/exceptions", "", store.Viewer, 200},
	{"GET", "/exceptions/groups", "", store.Viewer, 200},
	{"GET", "/exceptions/1", "", store.Viewer, 200},
	{"POST", "/exceptions/1/actions", `{"verb":"acknowledge"}`, store.Operator, 200},
	{"GET", "/activity", "", store.Viewer, 200},
	{"POST", "/exceptions/actions", `{"ids":[1,2],"verb":"retry"}`, store.Operator, 200},
	{"GET", "/exceptions.csv", "", store.Viewer, 200},
	{"GET", "/exceptions/1/compare", "", store.Operator, 200},
	{"GET", "/customers/" + flow + "/" + url.PathEscape(odd) + "/compare", "", store.Operator, 200},
	{"POST", "/syncs/" + flow + "/map/preview", `{"value":"grace","meaning":"paused"}`, store.Operator, 200},
	{"PUT", "/syncs/" + flow + "/map", `{"value":"grace","meaning":"paused","digest":"d1"}`, store.Operator, 200},
	{"GET", "/tokens", "", store.Admin, 200},
	{"POST", "/tokens", `{"name":"new","role":"viewer"}`, store.Admin, 201},
	{"DELETE", "/tokens/new", "", store.Admin, 204},
}

func TestEachRouteIsForItsRoleAndThoseAbove(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1", odd)
		w.plan(1, "cus_1", odd)
		if len(routes) != operations(w) {
			w.Errorf("%d routes are tried, the document has %d", len(routes), operations(w))
		}
		for _, r := range routes {
			for _, token := range []string{"", "tu_wrong", w.tokens[store.Viewer] + "x", " "} {
				if got := w.send(token, r.method, r.path, r.body); got.refused(401).Hint == "" || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
					w.Errorf("%s: %s", got.what, got.text)
				}
			}
			for _, role := range store.Roles {
				if role.Covers(r.need) {
					continue
				}
				if p := w.ask(role, r.method, r.path, r.body).refused(403); !strings.Contains(p.Detail, "needs the role "+string(r.need)) {
					w.Errorf("%s %s by %s: %s", r.method, r.path, role, p.Detail)
				}
			}
			if got := w.ask(r.need, r.method, r.path, r.body); got.status != r.status {
				w.Errorf("%s by %s: %d %s", got.what, r.need, got.status, got.text)
			}
		}
	})
}

func operations(w *world) int {
	n := 0
	for _, item := range w.doc.Paths.Map() {
		n += len(item.Operations())
	}
	return n
}

func TestAnOpenedTokenWorksUntilItIsRevoked(t *testing.T) {
	onBothEngines(t, func(w *world) {
		var made contract.NewToken
		w.ask(store.Admin, "POST", "/tokens", `{"name":"bot","role":"operator"}`).ok(&made)
		if made.CreatedBy != "api:the-admin" || made.Role != store.Operator {
			w.Errorf("it is %+v", made)
		}
		w.send(made.Text, "GET", "/syncs", "").ok(nil)
		w.send("  "+made.Text, "GET", "/syncs", "").ok(nil)
		if p := w.ask(store.Admin, "POST", "/tokens", `{"name":"bot","role":"admin"}`).refused(409); p.Hint == "" {
			w.Errorf("%+v", p)
		}
		w.ask(store.Admin, "DELETE", "/tokens/bot", "").ok(nil)
		w.send(made.Text, "GET", "/syncs", "").refused(401)
		w.ask(store.Admin, "DELETE", "/tokens/nobody", "").refused(404)
		var all api.List[contract.Token]
		w.ask(store.Admin, "GET", "/tokens", "").ok(&all)
		if len(all.Items) != 4 || all.Items[0].Name != "bot" || all.Items[0].RevokedAt == nil || all.Items[0].LastUsedAt == nil {
			w.Errorf("the tokens are %+v", all.Items)
		}
		for _, text := range append([]string{made.Text}, w.tokens[store.Admin]) {
			if strings.Contains(w.log.String(), text) {
				w.Error("a token stands in the log")
			}
		}
	})
}

// What is asked wrongly is refused with where it is wrong.
func TestWhatIsWrongWithARequestIsSaid(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Conflict, "cus_1")
		long := strings.Repeat("x", 70<<10)
		for _, tt := range []struct {
			method, path, body string
			status             int
			at                 string // a part of the problem
		}{
			{"GET", "/events?limit=0", "", 422, "query.limit"},
			{"GET", "/events?limit=201", "", 422, "query.limit"},
			{"GET", "/events?limit=many", "", 422, "query.limit"},
			{"GET", "/events?cursor=nonsense", "", 422, "query.cursor"},
			{"GET", "/links?cursor=NQ", "", 422, "query.cursor"}, // a cursor of /events
			{"GET", "/events?outcome=lost", "", 422, "query.outcome"},
			{"GET", "/events?sync=nope", "", 422, "query.sync"},
			{"GET", "/events?limt=5", "", 422, "query.limt"},
			{"GET", "/exceptions?state=open,closed", "", 422, "query.state"},
			{"GET", "/exceptions?kind=lost", "", 422, "query.kind"},
			{"GET", "/exceptions/x", "", 422, "path.id"},
			{"GET", "/exceptions/99", "", 404, "not found"},
			{"GET", "/events/99", "", 404, "not found"},
			{"GET", "/syncs/nope", "", 404, "no sync"},
			{"GET", "/customers/" + flow + "/nobody", "", 404, "not found"},
			{"GET", "/links/" + flow + "/nobody", "", 404, "not found"},
			{"DELETE", "/links/" + flow + "/nobody", "", 404, "not found"},
			{"PUT", "/links/nope/cus_1", `{"target_id":"rec_1"}`, 404, "no sync"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":""}`, 422, "body.target_id"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"rec_gone"}`, 422, "crm has no record rec_gone"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"rec_anas"}`, 409, "the email of customer cus_ana"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"a","rule":"mine"}`, 422, "body.rule"},
			{"PUT", "/links/" + flow + "/cus_1", `{"Target_ID":"a"}`, 422, "body.Target_ID"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"a"`, 400, "body"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"a","target_id":"b"}`, 400, "body"},
			{"PUT", "/links/" + flow + "/cus_1", ``, 400, "required"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"` + long + `"}`, 413, "too large"},
			{"PUT", "/links/" + flow + "/cus_1", `{"target_id":"a","as":"ana\nben"}`, 422, "body.as"},
			{"POST", "/exceptions/1/actions", `{"verb":"delete"}`, 422, "body.verb"},
			{"POST", "/exceptions/1/actions", `{}`, 422, "verb"},
			{"POST", "/exceptions/1/actions", `{"verb":"retry","owner":"ana"}`, 422, "body.owner"},
			{"POST", "/exceptions/1/actions", `{"verb":"keep","until":"2020-01-01T00:00:00Z"}`, 422, "body.until"},
			{"POST", "/exceptions/1/actions", `{"verb":"keep","until":"tomorrow"}`, 422, "body.until"},
			{"POST", "/exceptions/1/actions", `{"verb":"link","target_id":"rec_1"}`, 409, "not offered"},
			{"POST", "/exceptions/1/actions", `{"verb":"assign"}`, 409, "no owner"},
			{"POST", "/exceptions/1/actions", `{"verb":"apply","saw":"Paused"}`, 409, "changed since"},
			{"POST", "/exceptions/99/actions", `{"verb":"resolve"}`, 404, "not found"},
			{"POST", "/tokens", `{"name":"a b","role":"viewer"}`, 422, "body.name"},
			{"POST", "/tokens", `{"name":"a","role":"root"}`, 422, "body.role"},
			{"GET", "/nothing", "", 404, "no such route"},
			{"PATCH", "/syncs", "", 405, "takes GET"},
		} {
			p := w.ask(store.Admin, tt.method, tt.path, tt.body).refused(tt.status)
			text := p.Detail + " " + p.Hint
			for _, f := range p.Errors {
				text += " " + f.Location + " " + f.Message
			}
			if !strings.Contains(text, tt.at) {
				w.Errorf("%s %s %.60s is answered %q, which has no %q", tt.method, tt.path, tt.body, text, tt.at)
			}
			if tt.status == 409 && p.Hint == "" {
				w.Errorf("%s %s %s is refused without a hint", tt.method, tt.path, tt.body)
			}
		}
		w.ask(store.Admin, "PUT", "/links/"+flow+"/cus_1", "a: b", "Content-Type", "application/yaml").refused(415)
		if p := w.ask(store.Admin, "PUT", "/links/"+flow+"/cus_1", `{"target_id":"a"}`, "Content-Type", "application/x-www-form-urlencoded").refused(415); p.Hint == "" {
			w.Errorf("what curl sends with -d alone is refused without a hint: %+v", p)
		}
		if x, err := w.db.Exception(w.Context(), 1); err != nil || x.State != status.Open {
			w.Errorf("what was refused changed the exception: %s, %v", x.State, err)
		}
	})
}

func TestAPageOfAnotherSiteIsRefused(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_1", `{"target_id":"rec_1"}`, "Sec-Fetch-Site", "cross-site").refused(403)
		w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_1", `{"target_id":"rec_1"}`, "Origin", "https://evil.example").refused(403)
		w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_1", `{"target_id":"rec_1"}`, "Sec-Fetch-Site", "same-origin").ok(nil)
	})
}

func TestASyncIsListedWithWhatWaits(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1", "cus_2")
		w.receive(event("evt_3", "cus_3"))
		var all api.List[contract.Sync]
		w.ask(store.Viewer, "GET", "/syncs", "").ok(&all)
		if len(all.Items) != 2 || all.Next != nil || all.Items[0].OldestWaiting == nil {
			w.Fatalf("%+v", all)
		}
		if all.Items[0].LastEvent == nil {
			w.Error("nobody says when the last event came")
		}
		all.Items[0].OldestWaiting, all.Items[0].LastEvent = nil, nil
		want := contract.Sync{Sync: flow, Mode: "live", Ladder: contract.Ladder{Rung: contract.RungLive}, Source: contract.SyncSide{Connection: "billing"}, Target: contract.SyncSide{Connection: "crm", Field: "customer_status"},
			Statuses: []status.Status{"active", "paused"}, WaitingCustomers: 1, WaitingEvents: 1, OpenExceptions: map[status.Kind]int{status.Unmatched: 2}, CustomersNeedPerson: 2, OverdueExceptions: map[status.Kind]int{},
			Agreement: contract.Agreement{Share: new(float64), Customers: 3, Carried: 2, Remapped: 2}, Sweeps: []contract.Sweep{},
			AgreementCurve: []contract.CurvePoint{}, EventsByHour: append(make([]int, 23), 3)}
		if diff := cmp.Diff(want, all.Items[0]); diff != "" {
			w.Error(diff)
		}
		var one contract.Sync
		w.ask(store.Viewer, "GET", "/syncs/other", "").ok(&one)
		if one.OpenExceptions == nil || len(one.OpenExceptions) != 0 {
			w.Errorf("%+v", one)
		}
	})
}

func TestACustomerIsFoundByWhatAPersonMayCallIt(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1")
		w.must(w.db.SetLink(w.Context(), store.Link{Sync: flow, Customer: odd, TargetID: "rec/1", Rule: "set", Confidence: 1, By: "ana"}))
		w.receive(event("evt_2", odd))
		for q, want := range map[string]string{"cus_1": "cus_1", odd: odd, "rec/1": odd, " ANA@example.com": "cus_1", "nobody": ""} {
			var found api.List[contract.CustomerLine]
			w.ask(store.Viewer, "GET", "/customers?q="+url.QueryEscape(q), "").ok(&found)
			got := ""
			for _, c := range found.Items {
				got += c.Customer
			}
			if got != want {
				w.Errorf("q=%s finds %q", q, got)
			}
		}
		var c contract.Customer
		w.ask(store.Viewer, "GET", "/customers/"+flow+"/"+url.PathEscape(odd), "").ok(&c)
		if c.Customer != odd || c.Link == nil || c.Link.TargetID != "rec/1" || len(c.History) != 1 || c.History[0].Reason != "ana linked it to rec/1" {
			w.Errorf("%+v", c)
		}
		w.ask(store.Viewer, "GET", "/customers/"+flow+"/cus_1?history=1", "").ok(&c)
		if c.Desired.Value != "Paused" || c.Observed.By != "human:ben" || c.Link != nil || len(c.History) != 1 {
			w.Errorf("%+v", c)
		}
	})
}

func TestEventsAndExceptionsAreNarrowedByEachFilter(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1", "cus_2")
		w.park(status.Conflict, "cus_3")
		w.receive(event("evt_4", "cus_4"))
		for id, act := range map[int64]store.Act{1: {Verb: store.Resolve}, 2: {Verb: store.Assign, Owner: "ana@example.com"}} {
			act.Exception, act.Who = id, "ana"
			_, err := w.db.Act(w.Context(), act)
			w.must(err)
		}
		for path, want := range map[string]string{
			"/events":                                      "cus_4 cus_3 cus_2 cus_1",
			"/events?customer=cus_2":                       "cus_2",
			"/events?connection=crm":                       "",
			"/events?waiting=true":                         "cus_4",
			"/events?outcome=parked&limit=2":               "cus_3 cus_2",
			"/events?sync=other":                           "",
			"/exceptions":                                  "cus_3 cus_2",
			"/exceptions?state=open,resolved,acknowledged": "cus_3 cus_2 cus_1",
			"/exceptions?state=resolved":                   "cus_1",
			"/exceptions?kind=conflict":                    "cus_3",
			"/exceptions?owner=ana%40example.com":          "cus_2",
			"/exceptions?cause=unmatched":                  "cus_2",
			"/exceptions?customer=cus_9":                   "",
			"/exceptions?sync=other":                       "",
			"/exceptions?sync=" + flow + "&kind=unmatched": "cus_2",
		} {
			var got api.List[struct{ Customer string }]
			w.ask(store.Viewer, "GET", path, "").ok(&got)
			var names []string
			for _, i := range got.Items {
				names = append(names, i.Customer)
			}
			if strings.Join(names, " ") != want {
				w.Errorf("%s lists %v", path, names)
			}
		}
	})
}

func TestALinkIsSetByWhomAndTakenAway(t *testing.T) {
	onBothEngines(t, func(w *world) {
		path := "/links/" + flow + "/" + url.PathEscape(odd)
		var l contract.Link
		w.ask(store.Operator, "PUT", path, `{"target_id":"rec_1","as":"ana@example.com"}`).ok(&l)
		if l.Customer != odd || l.TargetID != "rec_1" || l.By != "ana@example.com via api:the-operator" || l.Rule != "set" || l.Confidence != 1 || time.Since(*l.At) > time.Hour {
			w.Errorf("%+v", l)
		}
		p := w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_2", `{"target_id":"rec_1"}`).refused(409)
		if p.Hint != "remove that link first: DELETE /api/v1"+path {
			w.Errorf("%+v", p)
		}
		req, err := http.NewRequestWithContext(w.Context(), "DELETE", w.url+strings.TrimPrefix(p.Hint, "remove that link first: DELETE "), nil)
		w.must(err)
		req.Header.Set("Authorization", "bearer "+w.tokens[store.Operator])
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		resp.Body.Close()
		if resp.StatusCode != 204 {
			w.Errorf("what the hint says is answered %d", resp.StatusCode)
		}
		w.ask(store.Operator, "PUT", path, `{"target_id":"rec_2"}`).ok(&l)
		w.ask(store.Operator, "DELETE", path+"?as=ana@example.com", "").ok(nil)
		history, err := w.db.History(w.Context(), flow, odd, 10)
		w.must(err)
		said := ""
		for _, d := range history {
			said += d.Reason.Sentence() + "; "
		}
		if want := "ana@example.com via api:the-operator removed its link; api:the-operator linked it to rec_2; api:the-operator removed its link; ana@example.com via api:the-operator linked it to rec_1; "; said != want {
			w.Errorf("the history says: %s", said)
		}
		w.ask(store.Operator, "PUT", "/links/"+flow+"/cus_2", `{"target_id":"rec_1"}`).ok(&l)
		if l.By != "api:the-operator" {
			w.Errorf("%+v", l)
		}
	})
}

// Nobody but an admin, and he only where one event is asked for, is shown an
// address or a payload.
func TestPersonalDataIsShownToAdminsOnly(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.park(status.Unmatched, "cus_1")
		w.park(status.Conflict, odd)
		not := event("evt_3", "cus_1")
		not.Payload = []byte("hello " + mail)
		w.receive(not)
		for _, r := range routes {
			for _, role := range store.Roles {
				a := w.ask(role, r.method, r.path, r.body)
				if strings.Contains(string(a.text), mail) && (role != store.Admin || r.path != "/events/1") {
					w.Errorf("%s tells %s the address: %s", a.what, role, a.text)
				}
			}
		}
		for seq, want := range map[int]string{1: `"payload":{"id":"evt_cus_1","email":"` + mail + `"}`, 3: `"payload":"hello ` + mail + `"`} {
			path := fmt.Sprint("/events/", seq)
			if a := w.ask(store.Admin, "GET", path, ""); !strings.Contains(string(a.text), want) {
				w.Errorf("an admin is shown %s", a.text)
			}
			if a := w.ask(store.Operator, "GET", path, ""); strings.Contains(string(a.text), "payload") {
				w.Errorf("an operator is shown %s", a.text)
			}
		}
		w.ask(store.Viewer, "GET", "/customers?q="+url.QueryEscape(mail), "").ok(nil)
		if strings.Contains(w.log.String(), mail) {
			w.Errorf("the log has it: %s", w.log)
		}
	})
}

func TestWhatWatchingWouldHaveWrittenIsListedByPages(t *testing.T) {
	onBothEngines(t, func(w *world) {
		w.watch()
		w.must(w.db.SetMode(w.Context(), flow, false))
		for n, customer := range []string{"cus_1", "cus_2", "cus_3"} {
			w.receive(event("evt_"+customer, customer))
			works, err := w.db.Claim(w.Context(), flow, 1, time.Minute)
			w.must(err)
			w.must(w.db.Settle(w.Context(), &works[0], store.Settlement{Outcome: status.WouldWrite, Name: "Customer " + customer,
				Watched: &store.Watched{Would: true, Looked: true, TargetID: fmt.Sprint("rec_", n), Observed: "Active", Desired: "Paused"}}))
		}
		var page api.List[contract.WatchedWrite]
		w.ask(store.Viewer, "GET", "/syncs/"+flow+"/watched?limit=2&people=not_yet", "").ok(&page)
		if len(page.Items) != 2 || page.Items[0].Customer != "cus_3" || page.Items[0].Name != "Customer cus_3" || page.Items[0].People != contract.NotYet || page.Next == nil {
			w.Fatalf("%+v", page)
		}
		w.ask(store.Viewer, "GET", "/syncs/"+flow+"/watched?limit=2&cursor="+*page.Next, "").ok(&page)
		if len(page.Items) != 1 || page.Items[0].Customer != "cus_1" || page.Next != nil {
			w.Errorf("%+v", page)
		}
		w.ask(store.Viewer, "GET", "/syncs/"+flow+"/watched?people=same", "").ok(&page)
		if len(page.Items) != 0 {
			w.Errorf("%+v", page)
		}
		w.ask(store.Viewer, "GET", "/syncs/"+flow+"/watched?people=perhaps", "").refused(422)
		w.must(w.db.SetMode(w.Context(), flow, true)) // no longer the mode of the file
		w.ask(store.Viewer, "GET", "/syncs/"+flow+"/watched", "").ok(&page)
		if len(page.Items) != 0 {
			w.Errorf("live: %+v", page)
		}
	})
}

func TestAModeIsChangedByItsRoleAndForTheFileThatWasShown(t *testing.T) {
	onBothEngines(t, func(w *world) {
		const path = "/syncs/" + flow + "/mode"
		var shown contract.ModeChange
		w.ask(store.Viewer, "GET", path+"?mode=watch", "").ok(&shown)
		if shown.Before != "live" || len(shown.Lines) == 0 || shown.Digest == "" {
			w.Fatalf("%+v", shown)
		}
		change := func(role store.Role, mode, digest string) reply {
			return w.ask(role, "PUT", path, fmt.Sprintf(`{"mode":%q,"reason":"because","digest":%q,"as":"ana"}`, mode, digest))
		}
		change(store.Operator, "live", shown.Digest).refused(403)
		if p := change(store.Operator, "watch", "another").refused(409); !strings.Contains(p.Detail, "changed by someone else") {
			w.Errorf("%+v", p)
		}
		var saved contract.ModeSaved
		change(store.Operator, "watch", shown.Digest).ok(&saved)
		text, err := os.ReadFile(w.file)
		w.must(err)
		if !saved.Changed || !strings.Contains(string(text), "mode: watch # since Monday") {
			w.Errorf("%+v\n%s", saved, text)
		}
		change(store.Operator, "watch", shown.Digest).ok(&saved)
		if saved.Changed {
			w.Error("it was changed twice")
		}
		done, err := w.db.Activities(w.Context(), store.ActivityFilter{Sync: flow, Limit: 5})
		w.must(err)
		if len(done) != 1 || done[0].Why != "because" || done[0].For != "ana" {
			w.Errorf("kept is %+v", done)
		}
	})
}
