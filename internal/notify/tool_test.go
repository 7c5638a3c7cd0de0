package notify

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

const syncName = "customer-status"

// posted is one message in a room, with what it said at each time.
type posted struct {
	channel, place string
	at             time.Time
	said           []Message
}

func (p posted) now() Message { return p.said[len(p.said)-1] }

// room is a Notifier in memory.
type room struct {
	mu       sync.Mutex
	messages []*posted
	calls    []time.Time
	// fail, when set, is asked before each call.
	fail func() error
}

func (r *room) called() error {
	r.calls = append(r.calls, time.Now())
	if r.fail != nil {
		return r.fail()
	}
	return nil
}

func (r *room) Post(_ context.Context, channel string, m Message) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called(); err != nil {
		return "", err
	}
	p := &posted{channel: channel, place: fmt.Sprintf("%s/%d", channel, len(r.messages)), at: time.Now(), said: []Message{m}}
	r.messages = append(r.messages, p)
	return p.place, nil
}

func (r *room) Update(_ context.Context, place string, m Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.called(); err != nil {
		return err
	}
	for _, p := range r.messages {
		if p.place == place {
			p.said = append(p.said, m)
			return nil
		}
	}
	return &connector.Failure{Kind: connector.Gone, Code: "message_not_found", Detail: "it is gone"}
}

// count is how often it was called.
func (r *room) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.calls)
}

func (r *room) setFail(fail func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

// all returns the messages whose title begins so, or is about that kind.
func (r *room) all(title string) []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name := reason.KindNames[status.Kind(title)]; name != "" {
		title = name
	}
	var found []posted
	for _, p := range r.messages {
		if strings.HasPrefix(p.now().Title, title) {
			found = append(found, posted{p.channel, p.place, p.at, slices.Clone(p.said)})
		}
	}
	return found
}

// onlyPosts is a room that cannot update.
type onlyPosts struct{ room *room }

func (o onlyPosts) Post(ctx context.Context, channel string, m Message) (string, error) {
	_, err := o.room.Post(ctx, channel, m)
	return "", err
}

// world is a database with a worker on the clock of a bubble.
type world struct {
	*testing.T
	db      *store.DB
	room    *room
	options Options
	digest  *config.Digest
	workers int
	alarms  atomic.Pointer[[]contract.Alarm] // that are on
	deaf    bool
	long    bool // the story lasts for hours, and its workers need not look each second
	heard   int  // events
}

// story runs in a bubble, whose time passes when everybody waits.
func story(t *testing.T, set func(*world), tell func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, room: &room{}, workers: 1}
		db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		w.db = db
		s := config.Slack{Channel: "#all", Channels: config.Channels{Kinds: map[string]string{"conflict": "#conflicts"}}}
		w.options = Options{Store: db, Notifier: w.room, Channel: s.ChannelFor, Buttons: true, Home: "https://sync.example.com",
			Syncs: map[string]config.Sync{syncName: {Name: syncName, Source: config.Source{Connection: "billing"}, Target: config.Target{Connection: "crm"}, RemindAfter: 24 * time.Hour,
				Owners: map[string]string{"default": "ana@example.com"}}},
			People: map[string]config.Person{"ana@example.com": {Name: "Ana", Slack: "U1"}},
			Alarms: func(context.Context) ([]contract.Alarm, error) { return *w.alarms.Load(), nil }}
		w.alarms.Store(&[]contract.Alarm{})
		if set != nil {
			set(w)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range w.workers {
			if w.long {
				w.options.Pace.Tick = 20 * time.Second
			}
			worker := New(w.options, slog.New(slog.NewTextHandler(w.Output(), &slog.HandlerOptions{Level: slog.LevelError})), nil)
			all.Go(func() { worker.Run(ctx) })
			all.Go(func() {
				Watch{Store: db, Syncs: w.options.Syncs, Alarms: w.options.Alarms, Deaf: func(string) bool { return w.deaf }, Remind: true, Digest: w.digest, Log: worker.log}.Run(ctx)
			})
		}
		defer func() { // also after a Fatal: the bubble ends when nobody is left
			cancel()
			all.Wait()
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		tell(w)
	})
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d) // of the bubble: it ends when everybody waits
	synctest.Wait()
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// open opens an exception of a customer.
func (w *world) open(kind status.Kind, customer, cause string) int64 {
	w.Helper()
	id, err := w.db.OpenException(w.Context(), store.NewException{Sync: syncName, Customer: customer, Kind: kind, Stage: status.StageMatch,
		Reason: reason.Text("no record has " + customer), SourceValue: "canceled", TargetValue: "Active", LastAction: "searched", Owner: "ana@example.com", Cause: cause})
	w.must(err)
	return id
}

func (w *world) close(kind status.Kind, customer string) {
	w.Helper()
	n, err := w.db.CloseExceptions(w.Context(), syncName, customer, kind, "")
	w.must(err)
	if n != 1 {
		w.Fatalf("%d were closed", n)
	}
}

// act does something about an exception, as the command line would.
func (w *world) act(a store.Act) {
	w.Helper()
	if a.Who == "" {
		a.Who = "ben@example.com"
	}
	_, err := w.db.Act(w.Context(), a)
	w.must(err)
}

// one returns the only message with a title.
func (w *world) one(title string) posted {
	w.Helper()
	found := w.room.all(title)
	if len(found) != 1 {
		w.Fatalf("there are %d messages with %q, want 1; there are %v", len(found), title, w.titles())
	}
	return found[0]
}

func (w *world) titles() []string {
	var titles []string
	for _, p := range w.room.all("") {
		titles = append(titles, p.now().Title)
	}
	return titles
}

// fact returns a fact of a message.
func (m Message) fact(name string) string {
	for _, f := range m.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func (m Message) verbs() []store.Verb {
	verbs := []store.Verb{}
	for _, b := range m.Buttons {
		verbs = append(verbs, b.Verb)
	}
	return verbs
}

// button returns what pressing a button of a message sends.
func (w *world) button(m Message, verb store.Verb) Press {
	w.Helper()
	for _, b := range m.Buttons {
		if b.Verb == verb {
			return Press{ID: "slack/T1/C1/1.0/U1/2.0", UserID: "U1", UserName: "ana", Verb: verb, Value: b.Value}
		}
	}
	w.Fatalf("there is no button %s, but %v", verb, m.verbs())
	return Press{}
}

func (w *world) press(p Press) string {
	w.Helper()
	answer, err := Buttons{Store: w.db, Syncs: w.options.Syncs, People: w.options.People, Changed: func() {}}.Press(w.Context(), p)
	w.must(err)
	return answer
}

// untold counts the notices that wait.
func (w *world) untold() bool {
	w.Helper()
	next, err := w.db.NextNotice(w.Context(), store.ToSlack)
	w.must(err)
	return !next.IsZero()
}

// pace returns how many calls were made in the busiest minute and whether
// two were closer than a second.
func (r *room) pace() (busiest int, close bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	minutes := map[int64]int{}
	for i, at := range r.calls {
		minutes[at.Unix()/60]++
		close = close || i > 0 && at.Sub(r.calls[i-1]) < time.Second
	}
	return slices.Max(append(slices.Collect(maps.Values(minutes)), 0)), close
}
