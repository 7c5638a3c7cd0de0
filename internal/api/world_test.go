package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/replay"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
	"github.com/trueup-sync/trueup/internal/web"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// onBothEngines runs a test of the API over HTTP on each engine.
func onBothEngines(t *testing.T, test func(*world)) {
	for engine, dsn := range map[string]func(testing.TB) string{
		"sqlite":   storetest.File,
		"postgres": storetest.Schema,
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, dsn(t)))
		})
	}
}

const (
	flow = "customer-status"
	mail = "ana@example.com"
	odd  = "a/b ?#%2F&é" // an id that an address must escape
)

// world is a served API with a token for each role.
type world struct {
	*testing.T
	db     *store.DB
	url    string
	doc    *openapi3.T
	tokens map[store.Role]string
	syncs  map[string]config.Sync
	log    *bytes.Buffer
	gone   []string // records that the target does not have
	file   string   // the configuration's
}

// watch has the sync only watch from now on.
func (w *world) watch() {
	c := w.syncs[flow]
	c.Mode = config.ModeWatch
	w.syncs[flow] = c
}

func newWorld(t *testing.T, dsn string) *world {
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, db: db, doc: document(t), tokens: map[store.Role]string{}, log: &bytes.Buffer{}, gone: []string{"rec_gone"}, file: filepath.Join(t.TempDir(), "trueup.yaml")}
	if err := os.WriteFile(w.file, []byte("syncs:\n  "+flow+":\n    mode: live # since Monday\n    statuses: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.syncs = map[string]config.Sync{
		flow: {Name: flow, Mode: config.ModeLive, RemindAfter: time.Hour, Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm", Field: "customer_status"},
			Statuses: map[status.Status]config.StatusMap{"paused": {}, "active": {}}},
		"other": {Name: "other"},
	}
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	h := api.New(api.Options{Store: db, Service: service{w}, Log: log})
	server := httptest.NewServer(web.New(web.Options{API: h, Hooks: http.NotFoundHandler(), Metrics: http.NotFoundHandler(), Log: log}))
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.url = server.URL
	for _, r := range store.Roles {
		w.tokens[r] = api.NewToken()
		_, err := db.AddAPIToken(t.Context(), store.APIToken{Name: "the-" + string(r), Role: r, CreatedBy: "test"}, api.Hash(w.tokens[r]))
		w.must(err)
	}
	return w
}

// service answers in place of a running one.
type service struct{ w *world }

func (s service) Syncs() map[string]config.Sync { return s.w.syncs }

func (s service) Owners() map[string]config.Person {
	return map[string]config.Person{"Ana@example.com": {Name: "Ana", Slack: "U1"}}
}

func (s service) Status(ctx context.Context) (contract.Status, error) {
	return overview.Status(ctx, s.w.db, &config.Config{Syncs: s.w.syncs})
}

func (s service) Promises(string) contract.Promises {
	return contract.Promises{Source: contract.Knowledge{Order: true}, Target: contract.Knowledge{OptionList: true}}
}

func (s service) file() mapchange.File {
	return mapchange.File{Path: s.w.file, Store: s.w.db, Parse: func(string, []byte) (*config.Config, error) {
		text, err := os.ReadFile(s.w.file)
		if err != nil {
			return nil, err
		}
		mode := config.ModeWatch
		if strings.Contains(string(text), "mode: live") {
			mode = config.ModeLive
		}
		return &config.Config{Hash: fmt.Sprint(len(text)), Syncs: map[string]config.Sync{flow: {Name: flow, Mode: mode}}}, nil
	}}
}

func (s service) PreviewMode(r mapchange.ModeRequest) (contract.ModeChange, error) {
	c, err := s.file().PreviewMode(r)
	return c.ModeChange, err
}

func (s service) SaveMode(ctx context.Context, r mapchange.ModeRequest, by mapchange.Seen, why string) (contract.ModeSaved, error) {
	c, changed, err := s.file().SaveMode(ctx, r, by, why)
	return contract.ModeSaved{ModeChange: c.ModeChange, Changed: changed, InUse: changed}, err
}

func (s service) Replay(ctx context.Context, seq int64, dry bool, q replay.Request) ([]replay.Step, error) {
	r := replay.Replayer{Store: s.w.db, Syncs: s.w.syncs}
	if dry {
		return r.Preview(ctx, seq)
	}
	return r.Do(ctx, seq, q)
}

func (s service) AskPlan(ctx context.Context, ask store.PlanAsk) (store.PlanJob, error) {
	j := store.PlanJob{Sync: ask.Sync, Kind: store.MakeJob, AskedBy: ask.Who, Customers: ask.Only}
	if ask.Hash != "" {
		plan, err := s.w.db.Plan(ctx, "", ask.Hash)
		if err != nil {
			return j, err
		}
		j.Sync, j.Kind, j.Plan = plan.Sync, store.ApplyJob, plan.ID
	}
	if slices.Contains(ask.Only, "cus_nobody") {
		return j, &exceptions.RefusedError{Why: "the plan writes nothing for cus_nobody", Hint: "choose another"}
	}
	j, _, err := s.w.db.AskJob(ctx, j, ask.Key)
	return j, err
}

func (s service) Undo(_ context.Context, sync, customer, who string) (contract.Undone, error) {
	if customer == odd {
		return contract.Undone{Sync: sync, Customer: customer, TargetID: "rec_1", From: "Paused", To: "Active", By: who}, nil
	}
	return contract.Undone{}, &exceptions.RefusedError{Why: "nothing was written: there is no write of Trueup to undo", Hint: "look at the customer"}
}

func (s service) MayLink(_ context.Context, sync, customer, targetID string, force bool) error {
	switch {
	case slices.Contains(s.w.gone, targetID):
		return &exceptions.MissingRecordError{Why: "crm has no record " + targetID}
	case targetID == "rec_anas" && !force:
		return exceptions.Anothers(customer, "record rec_anas shows the email of customer cus_ana, who matches it by email = email")
	}
	return nil
}

func (s service) Compare(_ context.Context, x store.Exception) (contract.Comparison, error) {
	return contract.Comparison{Exception: x.ID, Sync: x.Sync, Customer: contract.ComparedRecord{ID: x.Customer, Fields: []contract.ComparedField{}}, Candidates: []contract.ComparedRecord{}}, nil
}

func (s service) PreviewMeaning(_ context.Context, r mapchange.Request) (contract.MapChange, error) {
	if r.Meaning == "nonsense" {
		return contract.MapChange{}, &mapchange.RefusedError{Unknown: true, Why: flow + " has no status \"nonsense\"", Hint: "valid values: paused"}
	}
	return contract.MapChange{Sync: r.Sync, Value: r.Value, Meaning: r.Meaning, Digest: "d1", Lines: []contract.FileLine{}, Effect: contract.MapEffect{Holding: []contract.MapGroup{}}}, nil
}

func (s service) SaveMeaning(ctx context.Context, r mapchange.Request, by mapchange.Seen) (contract.MapSaved, error) {
	c, err := s.PreviewMeaning(ctx, r)
	if err == nil && by.Digest != c.Digest {
		err = &mapchange.RefusedError{Why: "trueup.yaml was changed by someone else in the meantime", Hint: "look again",
			Changes: []contract.SettingChange{{Path: "syncs.s.statuses.active.from", From: "[active]", To: "[active, trialing]"}}}
	}
	return contract.MapSaved{MapChange: c, Changed: true}, err
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// document is the API's description, made stricter: an answer must not have a
// field that is not described.
func document(t testing.TB) *openapi3.T {
	doc, err := strictDocument()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

var strictDocument = sync.OnceValues(func() (*openapi3.T, error) {
	text, err := api.Document()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	none := false
	for _, s := range doc.Components.Schemas {
		if s.Value.AdditionalProperties.Has == nil && s.Value.AdditionalProperties.Schema == nil {
			s.Value.AdditionalProperties.Has = &none
		}
	}
	return doc, nil
})

// reply is what a request was answered with.
type reply struct {
	*world
	what   string
	status int
	header http.Header
	text   []byte
}

// ask sends a request with a role's token, and holds the answer against the
// description. body "" is none.
func (w *world) ask(r store.Role, method, path, body string, header ...string) reply {
	w.Helper()
	return w.send(w.tokens[r], method, path, body, header...)
}

func (w *world) send(token, method, path, body string, header ...string) reply {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+"/api/v1"+path, strings.NewReader(body))
	w.must(err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	w.must(err)
	a := reply{world: w, what: method + " " + path, status: resp.StatusCode, header: resp.Header, text: text}
	a.described(req, body)
	if h := a.header; h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
		w.Errorf("%s: the headers are %v", a.what, h)
	}
	return a
}

// described holds request and answer against the document.
func (a reply) described(req *http.Request, body string) {
	a.Helper()
	route, params := a.routeOf(req)
	if route == nil {
		if a.status != 404 && a.status != 405 {
			a.Errorf("%s is not described and is answered %d", a.what, a.status)
		}
		return
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}
	again := req.Clone(context.WithoutCancel(req.Context()))
	again.Body = io.NopCloser(strings.NewReader(body))
	in := &openapi3filter.RequestValidationInput{Request: again, PathParams: params, Route: route, Options: options}
	if a.status < 400 {
		if err := openapi3filter.ValidateRequest(a.Context(), in); err != nil {
			a.Errorf("%s is not asked as described: %v", a.what, err)
		}
	}
	out := (&openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status, Header: a.header, Options: options}).SetBodyBytes(a.text)
	if err := openapi3filter.ValidateResponse(a.Context(), out); err != nil {
		a.Errorf("%s is not answered as described: %v\n%d %s", a.what, err, a.status, a.text)
	}
}

// routeOf finds the operation of a request, nil when none is described.
func (w *world) routeOf(req *http.Request) (*routers.Route, map[string]string) {
	asked := strings.Split(strings.TrimPrefix(req.URL.EscapedPath(), "/api/v1"), "/")
	// The longer names first: groups is one, and {id} matches it as well.
	for _, path := range slices.Backward(w.doc.Paths.InMatchingOrder()) {
		item := w.doc.Paths.Value(path)
		declared := strings.Split(path, "/")
		op := item.GetOperation(req.Method)
		if len(declared) != len(asked) || op == nil {
			continue
		}
		params, fits := map[string]string{}, true
		for i, d := range declared {
			if name, ok := strings.CutPrefix(d, "{"); ok {
				params[strings.TrimSuffix(name, "}")] = unescaped(asked[i])
			} else {
				fits = fits && d == asked[i]
			}
		}
		if fits && (path == "/exceptions/groups" || !strings.HasPrefix(strings.Join(asked, "/"), "/exceptions/groups")) {
			return &routers.Route{Spec: w.doc, Path: path, PathItem: item, Method: req.Method, Operation: op}, params
		}
	}
	return nil, nil
}

// ok reads an answer that must be a success.
func (a reply) ok(into any) {
	a.Helper()
	if a.status < 200 || a.status > 299 {
		a.Fatalf("%s: %d %s", a.what, a.status, a.text)
	}
	if into != nil {
		a.must(json.Unmarshal(a.text, into))
	}
}

// refused reads an answer that must be a problem.
func (a reply) refused(status int) api.Problem {
	a.Helper()
	var p api.Problem
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" {
		a.Fatalf("%s: %d %s %s, not %d", a.what, a.status, a.header.Get("Content-Type"), a.text, status)
	}
	a.must(json.Unmarshal(a.text, &p))
	if p.Status != status || p.Title != http.StatusText(status) || p.Detail == "" {
		a.Errorf("%s: the problem is %+v", a.what, p)
	}
	return p
}

// event is a source's event with an address in its payload.
func event(id, customer string) store.NewEvent {
	return store.NewEvent{Connection: "billing", Sync: flow, Side: store.SourceSide, ID: id, Customer: customer, Value: "paused", HasValue: true,
		Payload: []byte(`{"id":"` + id + `","email":"` + mail + `"}`)}
}

func (w *world) receive(events ...store.NewEvent) {
	w.Helper()
	_, err := w.db.Receive(w.Context(), events)
	w.must(err)
}

// park brings customers to the store with an event each, and an exception of a
// kind for each.
func (w *world) park(kind status.Kind, customers ...string) {
	w.Helper()
	for _, c := range customers {
		w.receive(event("evt_"+c, c))
	}
	works, err := w.db.Claim(w.Context(), flow, 1000, time.Minute)
	w.must(err)
	for i := range works {
		k := &works[i]
		s := store.Settlement{Email: mail, Outcome: status.Parked, Reason: reason.Text("parked"),
			Desired:  &store.Desired{SourceValue: "paused", Status: "paused", Value: "Paused", SeenAt: k.Now},
			Observed: &store.Observed{Status: "active", Value: "Active", By: "human:ben", SeenAt: k.Now},
			Decision: &store.Decision{Sync: flow, Customer: k.Customer, Action: "park", Outcome: status.Parked, Kind: kind, Stage: status.StageMatch, Reason: reason.Text("parked")},
			Park: &store.NewException{Sync: flow, Customer: k.Customer, Kind: kind, Stage: status.StageMatch, Reason: reason.Text("parked"), SourceValue: "paused", TargetValue: "Active",
				Owner: "ops@example.com", Cause: string(kind), Confidence: 0.5, Candidates: []status.Candidate{{TargetID: "rec_7", Value: "Active", Confidence: 0.9}}}}
		for _, e := range k.Events {
			s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: s.Outcome, Reason: s.Reason})
		}
		w.must(w.db.Settle(w.Context(), k, s))
	}
}

func numbered(format string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return all
}
