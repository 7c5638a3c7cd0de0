package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// record is one customer in a sample tool.
type record struct {
	value    string
	editedAt time.Time
	actor    status.Actor
	revision int
	keys     map[string]string
}

// written is one write that reached a tool.
type written struct{ id, from, to string }

// tool is a strict tool in memory: it answers as a vendor's would, keeps a
// journal, and can misbehave on purpose.
type tool struct {
	mu      sync.Mutex
	now     func() time.Time
	records map[string]*record
	merged  map[string]string // which record one was merged into
	writes  []written
	// conditional: a write must name the revision that was read.
	conditional bool
	// fieldTime, actor and times are what the tool can tell.
	fieldTime, actor, times bool
	// clock is how far the tool's clock is ahead; whole is that it tells seconds.
	clock time.Duration
	whole bool
	// fail, when set, is asked before each call: find, read or write. An
	// effect after a write's failure is up to it.
	fail func(call, id, value string) error
	// beforeWrite happens between our read and the arrival of our write.
	beforeWrite func(id string)
	// lies: a write is answered as done and is not. spells is how a value is
	// kept. shows: the answer to a write has the record. asked are all values
	// that were to be written.
	lies, shows bool
	spells      func(value string) string
	asked       []string
	// overwrote names writes over a newer edit of a person, which must not be.
	sourceChanged func(id string) time.Time
	overwrote     []string
	// stale are answers of a copy that lags behind, by record.
	stale map[string]status.TargetRecord
	// As a source it answers what was so for as long after each change, dates
	// the value, and tells when a record was edited, if it is told to.
	behind       time.Duration
	was          map[string]record
	valueAt      time.Time
	tellsUpdated bool
	// onTheWay happens once, while the next answer is on its way.
	onTheWay func()
}

func (t *tool) failed(call, id, value string) error {
	if t.fail == nil {
		return nil
	}
	return t.fail(call, id, value)
}

func (t *tool) view(id string) status.TargetRecord {
	r := t.records[id]
	v := status.TargetRecord{ID: id, Value: r.value, Revision: fmt.Sprint(r.revision), Keys: r.keys}
	if t.times {
		v.EditedAt, v.FieldTime = r.editedAt.Add(t.clock), t.fieldTime
		if t.whole {
			v.EditedAt = v.EditedAt.Truncate(time.Second)
		}
	}
	if t.actor {
		v.Actor, v.By = r.actor, string(r.actor)
	}
	return v
}

func (t *tool) Find(_ context.Context, key, value string) ([]status.TargetRecord, error) {
	if err := t.failed("find", "", value); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []status.TargetRecord
	for _, id := range slices.Sorted(maps.Keys(t.records)) {
		if t.records[id].keys[key] == value {
			found = append(found, t.view(id))
		}
	}
	return found, nil
}

func (t *tool) Read(_ context.Context, id string) (status.TargetRecord, error) {
	if err := t.failed("read", id, ""); err != nil {
		return status.TargetRecord{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.stale[id]; ok {
		return old, nil
	}
	if t.records[id] == nil {
		return status.TargetRecord{}, t.gone(id)
	}
	return t.view(id), nil
}

func (t *tool) Write(_ context.Context, r status.TargetRecord, value string) (*status.TargetRecord, error) {
	if t.beforeWrite != nil {
		t.beforeWrite(r.ID)
	}
	if err := t.failed("write", r.ID, value); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.asked = append(t.asked, value)
	t.mu.Unlock()
	if t.lies {
		return nil, nil
	}
	if t.spells != nil {
		value = t.spells(value)
	}
	if err := t.put(r.ID, r.Revision, value); err != nil || !t.shows {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	shown := t.view(r.ID)
	return &shown, nil
}

// put is the effect of a write.
func (t *tool) put(id, revision, value string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.records[id]
	if r == nil {
		return t.gone(id)
	}
	if t.conditional && revision != fmt.Sprint(r.revision) {
		return &connector.Failure{Kind: connector.Moved, Effect: connector.EffectNone, Status: 412, Detail: "the record has moved"}
	}
	if r.actor == status.ActorHuman && t.sourceChanged != nil && r.editedAt.After(t.sourceChanged(id)) && r.value != value {
		t.overwrote = append(t.overwrote, fmt.Sprintf("%s: %s of a person at %s by %s of %s", id, r.value, r.editedAt, value, t.sourceChanged(id)))
	}
	t.writes = append(t.writes, written{id, r.value, value})
	r.value, r.editedAt, r.actor = value, t.now(), status.ActorUs
	r.revision++
	return nil
}

// edit is what a person or an automation does in the tool itself.
func (t *tool) edit(id, value string, by status.Actor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.records[id]
	if t.was == nil {
		t.was = map[string]record{}
	}
	t.was[id] = *r
	r.value, r.editedAt, r.actor = value, t.now(), by
	r.revision++
}

func (t *tool) value(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.records[id].value
}

func (t *tool) gone(id string) error {
	return &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Status: 404, Detail: "there is no such record", Survivor: t.merged[id]}
}

// source reads a tool as the side that decides.
type source struct{ *tool }

func (s source) Read(ctx context.Context, id string) (status.SourceRecord, error) {
	r, err := s.tool.Read(ctx, id)
	if err != nil {
		return status.SourceRecord{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	value, edited := r.Value, s.records[id].editedAt
	if was, ok := s.was[id]; ok && s.now().Before(edited.Add(s.behind)) {
		value, edited = was.value, was.editedAt
	}
	answer := status.SourceRecord{ID: id, Value: value, NoStatus: value == "", Keys: r.Keys, ValueAt: s.valueAt}
	if s.tellsUpdated {
		answer.UpdatedAt = edited
	}
	if onTheWay := s.onTheWay; onTheWay != nil {
		s.onTheWay = nil
		s.mu.Unlock()
		onTheWay()
		s.mu.Lock()
	}
	return answer, nil
}

// finder finds customers in a source, by the exact value as most tools do.
type finder struct{ *tool }

func (f finder) Find(ctx context.Context, key, value string) ([]string, error) {
	found, err := f.tool.Find(ctx, key, value)
	var ids []string
	for _, r := range found {
		ids = append(ids, r.ID)
	}
	return ids, err
}

// said is what an event of a source holds that cannot be asked.
type said struct{ ID, Value string }

// events reads records out of events.
type events struct{}

func (events) Record(payload []byte) (status.SourceRecord, error) {
	var s said
	if err := json.Unmarshal(payload, &s); err != nil {
		return status.SourceRecord{}, err
	}
	return status.SourceRecord{ID: s.ID, Value: s.Value, NoStatus: s.Value == "", Keys: keysOf(s.ID)}, nil
}

func keysOf(id string) map[string]string {
	return map[string]string{"email": id + "@example.com"}
}

// world is two tools with a pipeline between them, on a clock of its own and
// driven by hand.
type world struct {
	*testing.T
	clock        clock
	db           *store.DB
	billing, crm *tool
	p            *Pipeline
	f            *flow
	events       int
	lastChange   map[string]time.Time // by customer
	cannotAsk    bool
	knows        connector.Knowledge // of the target
	called       string              // what the source's connection is called, "" is billing
	quiet        bool                // keeps no log
	configure    func(*config.Sync)
	mapped       map[status.Status][]string // further words of the source
	recordOf     map[string]string
	dsn          string // "" is a SQLite file of its own
}

// clock is a world's time. What the store does by itself asks for it as well.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

const (
	syncName = "customer-status"
	skew     = 2 * time.Second
)

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// newWorld makes a world; set may change it before it starts.
func newWorld(t *testing.T, set func(*world)) *world {
	t.Helper()
	w := &world{T: t, lastChange: map[string]time.Time{}, recordOf: map[string]string{}}
	w.clock.set(began)
	clock := w.clock.now
	w.billing = &tool{now: clock, records: map[string]*record{}}
	w.crm = &tool{now: clock, records: map[string]*record{}, times: true, actor: true, fieldTime: true}
	w.crm.sourceChanged = func(id string) time.Time {
		for customer, rec := range w.recordOf {
			if rec == id {
				return w.lastChange[customer]
			}
		}
		return time.Time{}
	}
	if set != nil {
		set(w)
	}
	db, err := store.Open(t.Context(), store.Options{DSN: cmp.Or(w.dsn, storetest.File(t)), Migrate: true, Work: true, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.db = db
	w.start()
	return w
}

// start makes a pipeline, as after a crash.
func (w *world) start() {
	s := config.Sync{Name: syncName, Mode: config.ModeLive, FirstContact: config.Ask, MinConfidence: 0.8,
		Match: []config.MatchRule{{Source: "email", Target: "email", Confidence: 0.9}},
		Statuses: map[status.Status]config.StatusMap{
			"active":  {From: []string{"active", "trialing"}, To: "Active"},
			"paused":  {From: []string{"paused", "past_due"}, To: "Paused"},
			"churned": {From: []string{"canceled"}, To: "Churned"},
		},
		Ignore:   []string{"incomplete"},
		Conflict: config.ConflictRule{ClockSkew: skew, AutomationEdits: config.AutomationWrite},
		Owners:   map[string]string{"default": "ops@example.com", "conflict": "success@example.com"},
	}
	s.Source.Connection, s.Target.Connection = cmp.Or(w.called, "billing"), "crm"
	for name, words := range w.mapped {
		m := s.Statuses[name]
		m.From = append(m.From, words...)
		s.Statuses[name] = m
	}
	if w.configure != nil {
		w.configure(&s)
	}
	from := connector.Connection{Name: s.Source.Connection, Source: source{w.billing}, SourceFind: finder{w.billing},
		Precedence: []string{"active", "trialing", "past_due", "paused", "canceled", "incomplete"}}
	if w.cannotAsk {
		from.Source, from.EventSource = nil, events{}
	}
	w.p = New(Options{Store: w.db, Now: w.clock.now, Jitter: func() float64 { return 0 }, Log: w.log(),
		Syncs: []Sync{{Config: s, From: from, To: connector.Connection{Name: "crm", Target: w.crm, Knows: w.knows}}}})
	w.f = w.p.flows[syncName]
}

// customer adds a customer to both tools.
func (w *world) customer(id, sourceValue, targetValue string) {
	w.billing.records[id] = &record{value: sourceValue, editedAt: w.clock.now(), keys: keysOf(id)}
	w.crm.records["rec_"+id] = &record{value: targetValue, editedAt: w.clock.now(), keys: keysOf(id)}
	w.recordOf[id] = "rec_" + id
	w.lastChange[id] = w.clock.now()
}

// change changes the source and returns the event that tells of it, and that it
// is about the status.
func (w *world) change(id, value string) store.NewEvent {
	w.billing.edit(id, value, status.ActorHuman)
	w.lastChange[id] = w.clock.now()
	w.events++
	payload, err := json.Marshal(said{id, value})
	if err != nil {
		w.Fatal(err)
	}
	return store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: fmt.Sprintf("evt_%03d", w.events), Customer: id,
		Value: value, HasValue: true, OccurredAt: w.clock.now(), UnchangedAt: w.clock.now(), Payload: payload}
}

// deliver stores events, as the inbox would.
func (w *world) deliver(events ...store.NewEvent) {
	w.Helper()
	if _, err := w.db.Receive(context.Background(), events); err != nil {
		w.Fatal(err)
	}
}

// work carries what is due now.
func (w *world) work() {
	w.Helper()
	for {
		works, at, err := w.f.claim(context.Background(), 10)
		if err != nil {
			w.Fatal(err)
		}
		if len(works) == 0 {
			return
		}
		for i := range works {
			w.f.carry(context.Background(), &works[i], at)
		}
	}
}

// finish carries everything, waiting as long as it takes, up to a day.
func (w *world) finish() {
	w.Helper()
	for end := w.clock.now().Add(24 * time.Hour); w.clock.now().Before(end); {
		w.work()
		due, err := w.db.NextDue(context.Background(), syncName)
		if err != nil {
			w.Fatal(err)
		}
		if due.IsZero() {
			return
		}
		if due.After(w.clock.now()) {
			w.clock.set(due)
		}
		if rest, err := w.f.rest(context.Background()); err == nil {
			w.pass(rest)
		}
	}
	w.Fatal("there is no end to it")
}

// carry changes the source, tells of it, and carries it.
func (w *world) carry(id, value string) {
	w.Helper()
	w.deliver(w.change(id, value))
	w.finish()
}

func (w *world) pass(d time.Duration) { w.clock.set(w.clock.now().Add(d)) }

// open returns the kinds of open exceptions by customer.
func (w *world) open() map[string][]status.Kind {
	w.Helper()
	found, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{States: []status.State{status.Open}})
	if err != nil {
		w.Fatal(err)
	}
	kinds := map[string][]status.Kind{}
	for _, x := range found {
		kinds[x.Customer] = append(kinds[x.Customer], x.Kind)
	}
	return kinds
}

// ended returns the outcome of each event of a customer, the first event first.
func (w *world) ended(customer string) []status.Outcome {
	w.Helper()
	found, err := w.db.Events(context.Background(), store.EventFilter{Sync: syncName, Customer: customer})
	if err != nil {
		w.Fatal(err)
	}
	var all []status.Outcome
	for _, e := range slices.Backward(found) {
		all = append(all, e.Outcome)
	}
	return all
}

// stored returns a customer as it is stored.
func (w *world) stored(customer string) store.Customer {
	w.Helper()
	c, err := w.db.Customer(context.Background(), syncName, customer)
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// log shows what happened when a test fails.
func (w *world) log() *slog.Logger {
	if w.quiet {
		return nil
	}
	return slog.New(slog.NewTextHandler(w.Output(), nil))
}

// stamp is a time as sentences have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
