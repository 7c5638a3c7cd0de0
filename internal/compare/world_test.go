package compare

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engines gives each engine's way to an empty database.
var engines = map[string]func(t testing.TB) string{
	"sqlite":   storetest.File,
	"postgres": storetest.Schema,
}

// on runs a test on both engines.
func on(t *testing.T, run func(t *testing.T, w *world)) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) { run(t, newWorld(t, dsn(t))) })
	}
}

const syncName = "customer-status"

var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// record is one customer in a sample tool.
type record struct {
	value string
	at    time.Time
	keys  map[string]string
}

// tool is a tool in memory that lists by pages and counts its calls.
type tool struct {
	mu      sync.Mutex
	now     func() time.Time
	records map[string]record
	page    int
	lists   []string // the cursors that were asked for
	calls   map[string]int
	writes  int
	// fail, when set, is asked before each call.
	fail func(call, arg string) error
	// again lists each record twice.
	again bool
	// circle, when set, is the first page once more instead of the end.
	circle bool
	// hidden are not listed.
	hidden map[string]bool
}

func (t *tool) called(call, arg string) error {
	t.calls[call]++
	if call == "list" {
		t.lists = append(t.lists, arg)
	}
	if t.fail != nil {
		return t.fail(call, arg)
	}
	return nil
}

func (t *tool) set(id, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.records[id]
	r.value, r.at = value, t.now()
	t.records[id] = r
}

// ids returns one page of ids and the next cursor.
func (t *tool) ids(cursor string) ([]string, string) {
	all := slices.Sorted(maps.Keys(t.records))
	all = slices.DeleteFunc(all, func(id string) bool { return t.hidden[id] })
	if t.again {
		all = slices.Concat(all, all)
	}
	from := 0
	if cursor != "" {
		from, _ = strconv.Atoi(cursor)
	}
	to := min(from+t.page, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	} else if t.circle {
		next = strconv.Itoa(t.page)
	}
	return all[from:to], next
}

func gonerr() error {
	return &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "there is none"}
}

type biller struct{ *tool }

func (s biller) of(id string) status.SourceRecord {
	r := s.records[id]
	return status.SourceRecord{ID: id, Value: r.value, NoStatus: r.value == "", UpdatedAt: r.at, Keys: r.keys}
}

func (s biller) Read(_ context.Context, id string) (status.SourceRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("read", id); err != nil {
		return status.SourceRecord{}, err
	}
	if _, ok := s.records[id]; !ok {
		return status.SourceRecord{}, gonerr()
	}
	return s.of(id), nil
}

func (s biller) List(_ context.Context, cursor string) (found []status.SourceRecord, next string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("list", cursor); err != nil {
		return nil, "", err
	}
	ids, next := s.ids(cursor)
	for _, id := range ids {
		found = append(found, s.of(id))
	}
	return found, next, nil
}

type crm struct{ *tool }

func (t crm) of(id string) status.TargetRecord {
	r := t.records[id]
	return status.TargetRecord{ID: id, Value: r.value, EditedAt: r.at, Keys: r.keys}
}

func (t crm) Find(_ context.Context, key, value string) (found []status.TargetRecord, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.called("find", value); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(t.records)) {
		if t.records[id].keys[key] == value {
			found = append(found, t.of(id))
		}
	}
	return found, nil
}

func (t crm) Read(_ context.Context, id string) (status.TargetRecord, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.called("read", id); err != nil {
		return status.TargetRecord{}, err
	}
	if _, ok := t.records[id]; !ok {
		return status.TargetRecord{}, gonerr()
	}
	return t.of(id), nil
}

func (t crm) Write(_ context.Context, r status.TargetRecord, value string) (*status.TargetRecord, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.called("write", r.ID); err != nil {
		return nil, err
	}
	now := t.records[r.ID]
	now.value, now.at = value, t.now()
	t.records[r.ID] = now
	t.writes++
	return nil, nil
}

func (t crm) List(_ context.Context, cursor string) (found []status.TargetRecord, next string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.called("list", cursor); err != nil {
		return nil, "", err
	}
	ids, next := t.ids(cursor)
	for _, id := range ids {
		found = append(found, t.of(id))
	}
	return found, next, nil
}

// world is two tools with a sync between them, on a clock of its own.
type world struct {
	*testing.T
	mu      sync.Mutex
	now     time.Time
	dsn     string
	db      *store.DB
	billing *tool
	crm     *tool
	sync    pipeline.Sync
	events  int
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	w := &world{T: t, now: began, dsn: dsn}
	newTool := func() *tool {
		return &tool{now: w.clock, records: map[string]record{}, page: 3, calls: map[string]int{}}
	}
	w.billing, w.crm = newTool(), newTool()
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true, Work: true, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.db = db
	w.setSync()
	w.sync.From = connector.Connection{Name: "billing", Source: biller{w.billing}, SourceList: biller{w.billing}}
	w.sync.To = connector.Connection{Name: "crm", Target: crm{w.crm}, TargetList: crm{w.crm}}
	return w
}

// setSync configures the sync.
func (w *world) setSync() {
	s := config.Sync{Name: syncName, Mode: config.ModeLive, FirstContact: config.SourceWins, MinConfidence: 0.8,
		Match: []config.MatchRule{{Source: "email", Target: "email", Confidence: 0.9}},
		Statuses: map[status.Status]config.StatusMap{
			"active":  {From: []string{"active"}, To: "Active"},
			"paused":  {From: []string{"paused"}, To: "Paused"},
			"churned": {From: []string{"canceled"}, To: "Churned"},
		},
		Ignore:   []string{"incomplete"},
		Conflict: config.ConflictRule{ClockSkew: 2 * time.Second, AutomationEdits: config.AutomationWrite},
	}
	s.Source.Connection, s.Target.Connection = "billing", "crm"
	w.sync.Config = s
}

// customer adds a customer to both tools; "-" leaves one out.
func (w *world) customer(id, sourceValue, targetValue string) {
	keys := map[string]string{"email": id + "@example.com"}
	if sourceValue != "-" {
		w.billing.records[id] = record{value: sourceValue, at: w.clock(), keys: keys}
	}
	if targetValue != "-" {
		w.crm.records["rec_"+id] = record{value: targetValue, at: w.clock(), keys: keys}
	}
}

// change changes the source; told says whether an event tells of it.
func (w *world) change(id, value string, told bool) {
	w.Helper()
	w.billing.set(id, value)
	if !told {
		return
	}
	w.events++
	_, err := w.db.Receive(w.Context(), []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: fmt.Sprintf("evt_%05d", w.events),
		Customer: id, Value: value, HasValue: true, OccurredAt: w.clock()}})
	if err != nil {
		w.Fatal(err)
	}
}

// work lets the path carry what is due.
func (w *world) work() {
	w.Helper()
	p := pipeline.New(pipeline.Options{Store: w.db, Syncs: []pipeline.Sync{w.sync}, Now: w.clock})
	for {
		n, err := p.Step(w.Context(), syncName, 16)
		if err != nil {
			w.Fatal(err)
		}
		if n > 0 {
			continue
		}
		due, err := w.db.NextDue(w.Context(), syncName)
		if err != nil {
			w.Fatal(err)
		}
		moment := due.Sub(w.clock())
		if due.IsZero() || moment > store.BetweenLooks {
			return
		}
		w.pass(moment)
	}
}

func (w *world) options(purpose store.Purpose) Options {
	return Options{Sync: w.sync, Store: w.db, Purpose: purpose, Repair: purpose == store.ForSweep, batch: 2}
}

// run compares both sides.
func (w *world) compare(purpose store.Purpose) store.Sweep {
	w.Helper()
	s, err := Run(w.Context(), w.options(purpose))
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) goLive() {
	w.Helper()
	if err := w.db.SetMode(w.Context(), syncName, true); err != nil {
		w.Fatal(err)
	}
}

func (w *world) rows(s store.Sweep) map[string]store.PlanRow {
	w.Helper()
	rows, err := w.db.PlanRows(w.Context(), s.ID, "", 1000)
	if err != nil {
		w.Fatal(err)
	}
	by := map[string]store.PlanRow{}
	for _, r := range rows {
		by[r.Customer] = r
	}
	return by
}

// kept returns how many records the log of a comparison holds.
func (w *world) kept(s store.Sweep) (n int) {
	w.Helper()
	for page, err := range w.db.EachSweepPage(w.Context(), s) {
		if err != nil {
			w.Fatal(err)
		}
		n += len(page.Sources) + len(page.Targets)
	}
	return n
}

// forget returns how many pages were asked for since the last time.
func (w *world) forget() int {
	n := len(w.billing.lists) + len(w.crm.lists)
	w.billing.lists, w.crm.lists = nil, nil
	return n
}

// mutexed lets something be done to the tools in the middle of a call of crm.
func (w *world) mutexed(do func()) {
	w.crm.mu.Unlock()
	defer w.crm.mu.Lock()
	do()
}
