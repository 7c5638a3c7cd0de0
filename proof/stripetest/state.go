package stripetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// record is one object of Stripe's as JSON.
type record map[string]any

func (r record) text(name string) string {
	s, _ := r[name].(string)
	return s
}

func (r record) seconds(name string) int64 {
	n, _ := r[name].(int64)
	return n
}

func find(all []record, id string) record {
	if i := slices.IndexFunc(all, func(r record) bool { return r.text("id") == id }); i >= 0 {
		return all[i]
	}
	return nil
}

// object returns the record with that id, made from the fixture and put at the
// head of the list when there is none yet.
func (s *Stripe) object(all *[]record, fixture, id string) record {
	s.t.Helper()
	if r := find(*all, id); r != nil {
		return r
	}
	r, err := s.mock.fixture(fixture)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	r["id"], r["created"] = id, s.Now().Unix()
	*all = slices.Insert(*all, 0, r)
	return r
}

// SetCustomer creates or changes a customer. An empty email is none.
func (s *Stripe) SetCustomer(id, email string, metadata map[string]string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.object(&s.customers, "customer", id)
	c["email"], c["metadata"] = any(email), metadata
	if email == "" {
		c["email"] = nil
	}
	if metadata == nil {
		c["metadata"] = map[string]string{}
	}
}

// DeleteCustomer deletes a customer and, as Stripe does, ends its
// subscriptions.
func (s *Stripe) DeleteCustomer(id string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := find(s.customers, id)
	if c == nil {
		s.t.Fatalf("there is no customer %s", id)
	}
	c["deleted"] = true
	for _, sub := range s.subscriptions {
		if sub.text("customer") == id && sub["ended_at"] == nil {
			end(sub, s.Now())
		}
	}
}

// SetSubscription creates or changes a subscription of the customer. paused
// means pause_collection, which leaves the status as it is; a status that ends
// the subscription ends it now.
func (s *Stripe) SetSubscription(customer, id, status string, paused bool) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if find(s.customers, customer) == nil {
		s.t.Fatalf("there is no customer %s", customer)
	}
	sub := s.object(&s.subscriptions, "subscription", id)
	sub["customer"], sub["status"] = customer, status
	sub["cancel_at"], sub["canceled_at"], sub["ended_at"] = nil, nil, nil
	sub["pause_collection"] = nil
	if paused {
		sub["pause_collection"] = record{"behavior": "mark_uncollectible", "resumes_at": nil}
	}
	if status == "canceled" || status == "incomplete_expired" {
		sub["ended_at"] = s.Now().Unix()
	}
}

// EndSubscription cancels a subscription as of a time.
func (s *Stripe) EndSubscription(id string, at time.Time) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := find(s.subscriptions, id)
	if sub == nil {
		s.t.Fatalf("there is no subscription %s", id)
	}
	end(sub, at)
}

func end(sub record, at time.Time) {
	sub["status"], sub["canceled_at"], sub["ended_at"] = "canceled", at.Unix(), at.Unix()
}

// answer answers from the account's state; false means it has none for the
// path.
func (s *Stripe) answer(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := r.URL.Query()
	if r.Method != http.MethodGet {
		return false
	}
	id, one := strings.CutPrefix(r.URL.Path, "/v1/customers/")
	switch {
	case one && !strings.Contains(id, "/"):
		s.answerCustomer(w, id)
	case r.URL.Path == "/v1/customers":
		all := s.customers
		if slices.Contains(query["expand[]"], "data.subscriptions") {
			all = s.expanded()
		}
		list(w, r.URL.Path, query, all, func(c record) bool {
			return c["deleted"] == nil && (!query.Has("email") || c.text("email") == query.Get("email"))
		})
	case r.URL.Path == "/v1/subscriptions":
		list(w, r.URL.Path, query, s.subscriptions, func(sub record) bool { return listed(sub, query) })
	case r.URL.Path == "/v1/events":
		list(w, r.URL.Path, query, s.events, func(e record) bool { return created(e, query) && typed(e, query) })
	default:
		return false
	}
	return true
}

func (s *Stripe) answerCustomer(w http.ResponseWriter, id string) {
	c := find(s.customers, id)
	switch {
	case c == nil:
		missing(w, http.StatusNotFound, "No such customer: '"+id+"'")
	case c["deleted"] == true:
		write(w, http.StatusOK, record{"id": id, "object": "customer", "deleted": true})
	default:
		write(w, http.StatusOK, c)
	}
}

// expanded returns the customers with their subscriptions, as Stripe gives them:
// ten at most, and none that has ended.
func (s *Stripe) expanded() (all []record) {
	for _, c := range s.customers {
		subs := []record{}
		for _, sub := range s.subscriptions {
			if status := sub.text("status"); sub.text("customer") == c.text("id") && status != "canceled" && status != "incomplete_expired" {
				subs = append(subs, sub)
			}
		}
		full := maps.Clone(c)
		full["subscriptions"] = record{"object": "list", "has_more": len(subs) > 10, "data": subs[:min(len(subs), 10)],
			"url": "/v1/customers/" + c.text("id") + "/subscriptions"}
		all = append(all, full)
	}
	return all
}

// listed is which subscriptions a list holds: without a status all that are
// not canceled.
func listed(sub record, query url.Values) bool {
	if c := query.Get("customer"); c != "" && c != sub.text("customer") {
		return false
	}
	status := sub.text("status")
	switch wanted := query.Get("status"); wanted {
	case "":
		return status != "canceled"
	case "all":
		return true
	case "ended":
		return status == "canceled" || status == "incomplete_expired"
	default:
		return status == wanted
	}
}

func typed(event record, query url.Values) bool {
	types := query["types[]"]
	return len(types) == 0 || slices.Contains(types, event.text("type"))
}

func created(event record, query url.Values) bool {
	at := event.seconds("created")
	for name, holds := range map[string]func(bound int64) bool{
		"created[gte]": func(b int64) bool { return at >= b },
		"created[gt]":  func(b int64) bool { return at > b },
		"created[lte]": func(b int64) bool { return at <= b },
		"created[lt]":  func(b int64) bool { return at < b },
	} {
		if bound, err := strconv.ParseInt(query.Get(name), 10, 64); err == nil && !holds(bound) {
			return false
		}
	}
	return true
}

// list writes one page of the records that are wanted.
func list(w http.ResponseWriter, path string, query url.Values, all []record, wanted func(record) bool) {
	limit := 10
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			write(w, http.StatusBadRequest, record{"error": record{"type": "invalid_request_error",
				"code": "parameter_invalid_integer", "param": "limit", "message": "limit must lie between 1 and 100"}})
			return
		}
		limit = n
	}
	found := []record{}
	for _, r := range all {
		if wanted(r) {
			found = append(found, r)
		}
	}
	if after := query.Get("starting_after"); after != "" {
		i := slices.IndexFunc(found, func(r record) bool { return r.text("id") == after })
		if i < 0 {
			missing(w, http.StatusBadRequest, "No such object: '"+after+"'")
			return
		}
		found = found[i+1:]
	}
	more := len(found) > limit
	write(w, http.StatusOK, record{"object": "list", "url": path, "has_more": more, "data": found[:min(len(found), limit)]})
}

func missing(w http.ResponseWriter, code int, message string) {
	write(w, code, record{"error": record{"type": "invalid_request_error", "code": "resource_missing", "message": message}})
}

func write(w http.ResponseWriter, code int, r record) {
	text, err := json.Marshal(r)
	if err != nil {
		code, text = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_stripetest")
	w.WriteHeader(code)
	_, _ = w.Write(text)
}
