package sim

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// source is the tool that decides. It keeps every state a customer was in.
type source struct {
	world     *world
	customers []*client
	log       []told // all that it ever had to tell, for those who poll
	// listedFrom is where those who poll began.
	listedFrom int
}

// client is a customer of the source.
type client struct {
	source   *source
	id       string
	versions []version
	gone     bool
	late     int64 // from when on it can be read
	// change is the id of the event that told of the latest change, told its
	// place in the log.
	change string
	told   int
	acked  map[string]bool // events that somebody answered 200
	heard  map[int]bool    // versions whose value an acknowledged event told
	// unknown: it was forgotten since.
	unknown bool
}

// version is a state and when it began.
type version struct {
	value string
	at    int64
	// restated is when an event last repeated it.
	restated int64
}

// told is one event of the source.
type told struct {
	id, customer, value string
	version             int
	at                  int64 // by the source's clock
	// reused: its id is that of another customer's event.
	reused bool
}

var sourceValues = []string{"active", "trialing", "paused", "past_due", "canceled", "active", "paused", "canceled", "incomplete", "on_hold"}

func newSource(w *world) *source {
	s := &source{world: w}
	for i := range w.set.customers {
		c := &client{source: s, id: fmt.Sprintf("cus_%d", i+1), acked: map[string]bool{}, heard: map[int]bool{}}
		c.versions = []version{{value: one(w.rng, "active", "active", "paused", "canceled"), at: -3_600_000 - w.rng.Int64N(3_600_000)}}
		s.customers = append(s.customers, c)
	}
	return s
}

func (s *source) client(id string) *client {
	for _, c := range s.customers {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (c *client) now() *version { return &c.versions[len(c.versions)-1] }

// untold reports that nobody has acknowledged the latest change, and that
// polling will not find it.
func (c *client) untold() bool {
	return c.unknown || !c.acked[c.change] && (!c.source.world.set.poll || c.told < c.source.listedFrom)
}

// set changes the customer and tells of it.
func (c *client) set(value string) {
	w := c.source.world
	if c.gone || value == c.now().value {
		return
	}
	at := max(w.now, c.now().at+1)
	c.versions = append(c.versions, version{value: value, at: at, restated: at})
	c.source.tell(c, "changed")
}

// tell makes an event about a customer as it is now, and sends it.
func (s *source) tell(c *client, why string) {
	w := s.world
	v := c.now()
	e := told{id: w.eventID(len(s.log) + 1), customer: c.id, value: v.value, version: len(c.versions) - 1, at: w.set.says(w.now)}
	switch {
	case why == "again": // what was lost, sent once more
		e.at = w.set.says(v.at)
	case why == "touched" && !w.set.readable: // of another type, with no status in it
		e.value = ""
	default:
		v.restated = w.now
	}
	if n := c.told; w.set.seconds && n < len(s.log) && s.log[n].customer == c.id && s.log[n].version != e.version && s.log[n].at == e.at {
		w.coverage.hit("fault", "two changes in a second")
	}
	if why != "touched" {
		c.change, c.told, c.unknown = e.id, len(s.log), false
	}
	s.log = append(s.log, e)
	w.note("source "+why, c.id, v.value, int64(e.version))
	w.send(e)
}

// eventID is the id of the nth event. Where a second can have several, the ids
// have an order of their own.
func (w *world) eventID(n int) string {
	if w.set.seconds {
		return fmt.Sprintf("evt_%08x", uint32(n)*2654435761)
	}
	return fmt.Sprintf("evt_%d", n)
}

// payload is the event as the inbox stores it.
func (e told) payload() string {
	return strings.Join([]string{e.id, e.customer, e.value, strconv.Itoa(e.version), strconv.FormatInt(e.at, 10)}, "|")
}

func readTold(payload string) (told, error) {
	p := strings.Split(payload, "|")
	if len(p) != 5 {
		return told{}, fmt.Errorf("an event has 5 parts, not %d", len(p))
	}
	v, err := strconv.Atoi(p[3])
	if err != nil {
		return told{}, err
	}
	at, err := strconv.ParseInt(p[4], 10, 64)
	return told{id: p[0], customer: p[1], value: p[2], version: v, at: at}, err
}

// event is what a receiver makes of it.
func (w *world) event(e told) connector.Reading {
	r := connector.Reading{Event: status.Event{ID: e.id, Customer: e.customer, OccurredAt: w.at(e.at), Payload: []byte(e.payload())}}
	if w.set.valued && e.value != "" {
		r.Event.Value, r.Event.HasValue = e.value, true
	}
	return r
}

func keysOf(customer string) map[string]string {
	return map[string]string{"email": customer + "@example.com"}
}

// asked is the source as the path reads it.
type asked struct{ *world }

// Read implements connector.Source.
func (s asked) Read(ctx context.Context, id string) (status.SourceRecord, error) {
	var record status.SourceRecord
	asked := s.now
	err := s.call(ctx, opSourceRead, id, func(t *task) error {
		c := s.source.client(id)
		if c == nil || c.gone || c.late > s.now {
			return gone()
		}
		t.version, t.versionKnown = len(c.versions)-1, true
		for t.version > 0 && c.versions[t.version].at > s.now-s.set.behind {
			t.version--
			s.coverage.hit("fault", "stale source read")
		}
		v := c.versions[t.version]
		first(s.facts.policy.read, id, t.version, s.now)
		record = status.SourceRecord{ID: id, Value: v.value, Keys: keysOf(id)}
		if s.set.valueAt {
			said := s.set.says(v.at)
			record.ValueAt = s.at(said)
			if said > asked+skewMs { // it changed while the answer took its time
				s.facts.datedLate[id] = t.version
			}
		}
		return nil
	})
	return record, err
}

// Record implements connector.EventSource.
func (s asked) Record(payload []byte) (status.SourceRecord, error) {
	e, err := readTold(string(payload))
	if err != nil {
		return status.SourceRecord{}, err
	}
	s.current.version, s.current.versionKnown = e.version, true
	first(s.facts.policy.read, e.customer, e.version, s.now)
	return status.SourceRecord{ID: e.customer, Value: e.value, Keys: keysOf(e.customer)}, nil
}

// Since implements connector.Changes.
func (s asked) Since(ctx context.Context, cursor string) (events []connector.Reading, next string, more bool, err error) {
	if s.set.listed {
		return s.listed(ctx, cursor)
	}
	err = s.call(ctx, opSourceList, "", func(*task) error {
		from := len(s.source.log)
		if cursor == "" {
			s.source.listedFrom = from
		} else {
			if from, err = strconv.Atoi(cursor); err != nil {
				return err
			}
		}
		to := min(from+3, len(s.source.log))
		for _, e := range s.source.log[from:to] {
			events = append(events, s.event(e))
		}
		next, more = strconv.Itoa(to), to < len(s.source.log)
		return nil
	})
	return events, next, more, err
}

// listed is Since of a source that lists every record with the time at which it
// changed last, by a clock of its own that may be hours off.
func (s asked) listed(ctx context.Context, cursor string) (events []connector.Reading, next string, more bool, err error) {
	err = s.call(ctx, opSourceList, "", func(*task) error {
		if cursor == "" {
			s.source.listedFrom = len(s.source.log)
		}
		position, err := connector.PositionAt(cursor, s.clock())
		if err != nil {
			return err
		}
		for _, c := range s.source.customers {
			if c.gone {
				continue
			}
			v := c.now()
			at := max(v.at, v.restated) + s.set.listClock
			if !position.Meets(s.at(at)) {
				continue
			}
			e := told{id: fmt.Sprintf("list:%s:%d", c.id, at), customer: c.id, value: v.value, version: len(c.versions) - 1, at: at}
			r := s.event(e)
			// The time is the record's, and says nothing of the status.
			r.Event.OccurredAt, r.Event.Value, r.Event.HasValue = time.Time{}, "", false
			events = append(events, r)
		}
		next = position.Next()
		return nil
	})
	return events, next, false, err
}
