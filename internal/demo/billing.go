package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// customer is a record of the sample billing tool, as its API shows it.
type customer struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Status    string    `json:"status"`
	UpdatedAt time.Time `json:"updated_at"`
}

// event is the body of a webhook of the sample billing tool.
type event struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	OccurredAt time.Time `json:"occurred_at"`
	Data       customer  `json:"data"`
}

// billing is the sample tool that decides.
type billing struct {
	token   string
	run     string // makes the event ids of one demonstration differ from the next one's
	journal *journal
	sender  *sender

	mu        sync.Mutex
	customers []customer
	events    int
}

func newBilling(cast []member, token, run string, j *journal, s *sender) *billing {
	b := &billing{token: token, run: run, journal: j, sender: s}
	for i, m := range cast {
		b.customers = append(b.customers, customer{ID: m.customer, Email: m.email, Name: m.name,
			Status: m.status, UpdatedAt: now().Add(-time.Duration(i+1) * 26 * time.Hour)})
	}
	return b
}

// change sets a customer's status and returns the event about it, which is not
// sent yet. Setting the status it has already changes nothing but still makes
// an event, as tools do when another field of the record is saved.
func (b *billing) change(id, value, by string) (event, error) {
	if !slices.Contains(billingValues, value) {
		return event{}, fmt.Errorf("the billing tool has no status of that name")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.find(id)
	if c == nil {
		return event{}, fmt.Errorf("the billing tool has no customer %s", id)
	}
	if c.Status != value {
		from := c.Status
		c.Status, c.UpdatedAt = value, now()
		b.journal.add(happening{at: c.UpdatedAt, what: changed, record: id, from: from, to: value, by: by})
	}
	ev := b.describe(*c)
	ev.Type = "customer.status_changed"
	return ev, nil
}

// announce returns an event about a customer as it is.
func (b *billing) announce(id string) (event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.find(id)
	if c == nil {
		return event{}, fmt.Errorf("the billing tool has no customer %s", id)
	}
	return b.describe(*c), nil
}

func (b *billing) find(id string) *customer {
	for i := range b.customers {
		if b.customers[i].ID == id {
			return &b.customers[i]
		}
	}
	return nil
}

func (b *billing) describe(c customer) event {
	b.events++
	return event{ID: fmt.Sprintf("evt_%s_%04d", b.run, b.events), Type: "customer.updated", OccurredAt: c.UpdatedAt, Data: c}
}

// send delivers an event the given number of times, one after the other.
func (b *billing) send(ev event, times int) error {
	body, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("write the event %s: %w", ev.ID, err)
	}
	b.journal.add(happening{what: told, record: ev.Data.ID, to: ev.Data.Status})
	b.sender.send(message{id: ev.ID, about: ev.Data.ID, value: ev.Data.Status, body: body}, times)
	return nil
}

// list returns every customer, in a fixed order.
func (b *billing) list() []customer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.customers)
}

// routes adds the API to mux.
func (b *billing) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /customers", guarded(b.token, func(w http.ResponseWriter, r *http.Request) {
		if !known(w, r.URL.Query(), "limit", "after") {
			return
		}
		part, next, err := page(b.list(), func(c customer) string { return c.ID }, r.URL.Query())
		if err != nil {
			refuse(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		answer(w, http.StatusOK, map[string]any{"customers": part, "next": next})
	}))
	mux.HandleFunc("GET /customers/{id}", guarded(b.token, func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		c := b.find(r.PathValue("id"))
		var found customer
		if c != nil {
			found = *c
		}
		b.mu.Unlock()
		if c == nil {
			refuse(w, http.StatusNotFound, "there is no customer with this id")
			return
		}
		answer(w, http.StatusOK, found)
	}))
}
