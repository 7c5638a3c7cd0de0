package pages

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
)

// forgettingPage is what forgetting a customer erases.
type forgettingPage struct {
	contract.CustomerLine
	Path, Label   string
	Rows          []forgottenRows
	Waiting       int
	Others, Syncs []string
}

// forgottenRows counts what goes of one kind.
type forgottenRows struct {
	Of string
	N  int
}

// forgetPage answers GET …/forget: what goes, or how far it is.
func forgetPage(v *visit) (answer, error) {
	if e := v.erasings.of(v.PathValue("sync"), v.PathValue("customer"), v.Person.ID); e != nil && (e.ended.IsZero() || v.FormValue("again") == "") {
		p := erasingPage{Sync: e.sync, Path: customerPath(e.sync, e.customer), BeganAt: e.began, Ended: !e.ended.IsZero(), Pseudonym: e.pseudonym, To: customerPath(e.sync, e.pseudonym), Failed: e.failed}
		return answer{Page: "erasing", Title: "Forget a customer", Nav: "customers", Frame: narrow, Data: p, Live: []part{{"erasing", "progress", p}}, Refresh: !p.Ended}, nil
	}
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	plan, err := v.Store.ForgetOwnPlan(v.ctx(), c.Sync, c.Customer)
	if err != nil {
		return answer{}, err
	}
	p := forgettingPage{CustomerLine: contract.CustomerLineOf(c), Path: customerPath(c.Sync, c.Customer), Label: cmp.Or(c.Name, c.Customer), Waiting: plan.Waiting, Others: plan.Others, Syncs: plan.Syncs}
	for _, table := range slices.Sorted(maps.Keys(plan.Rows)) {
		if n := plan.Rows[table]; n > 0 {
			p.Rows = append(p.Rows, forgottenRows{capital(strings.ReplaceAll(table, "_", " ")), n})
		}
	}
	return answer{Page: "forget", Title: "Forget " + p.Label, Nav: "customers", Frame: narrow, Data: p}, nil
}

// forgetCustomer answers POST …/forget. The id must be typed.
func forgetCustomer(v *visit) (answer, error) {
	c, err := v.one()
	if err != nil {
		return answer{}, err
	}
	path := customerPath(c.Sync, c.Customer) + "/forget"
	if strings.TrimSpace(v.PostFormValue("id")) != c.Customer {
		return answer{}, &Refusal{Status: http.StatusUnprocessableEntity, Title: "That is not the customer’s id", Text: "Nothing was erased. Type the id exactly as it is shown.",
			Ways: []Way{{"Go back", path}}}
	}
	e, err := v.erase(c.Sync, c.Customer)
	if err != nil {
		return answer{}, err
	}
	patience := time.NewTimer(v.patience)
	defer patience.Stop()
	select {
	case <-e.done:
	case <-patience.C:
		return answer{To: path}, nil
	}
	if e.failed != "" {
		return answer{To: path}, nil
	}
	return answer{To: customerPath(c.Sync, e.pseudonym), Said: "Erased. The customer is now called " + e.pseudonym + ". Both tools, logs and backups still have the person: erase them there."}, nil
}

// forgetPatience is how long a form waits for a forgetting before its page shows how
// far that is.
const forgetPatience = 400 * time.Millisecond

// erasingPage is how far a forgetting is.
type erasingPage struct {
	Sync, Path    string
	BeganAt       time.Time
	Ended         bool
	Pseudonym, To string // what the customer is called then, and where it is shown
	Failed        string // the reference of what cut it off
}

// erasing is the forgetting of a customer. All texts of its sync are looked through for
// its names, which takes longer than a page may.
type erasing struct {
	sync, customer string
	asker          int64
	began, ended   time.Time // ended is zero while it goes on
	pseudonym      string
	failed         string
	done           chan struct{} // closed at the end
}

// erasings are those that this process does or has just done. One that is cut off by
// the end of the process leaves the customer to be forgotten again.
type erasings struct {
	mu      sync.Mutex
	all     map[[2]string]*erasing
	working sync.WaitGroup
	closed  bool
}

// of returns a customer's, nil when there is none. Once it has ended only who asked for
// it sees what the customer is called.
func (s *erasings) of(sync, customer string, who int64) *erasing {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.all[[2]string{sync, customer}]
	if e == nil || !e.ended.IsZero() && e.asker != who {
		return nil
	}
	shown := *e
	return &shown
}

// errEnding means that the service stops.
var errEnding = errors.New("the service stops")

// erase begins to forget a customer, or joins who does so.
func (v *visit) erase(sync, customer string) (*erasing, error) {
	s := &v.erasings
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errEnding
	}
	for id, old := range s.all {
		if !old.ended.IsZero() && v.now.Sub(old.ended) > endShown {
			delete(s.all, id)
		}
	}
	id := [2]string{sync, customer}
	if e := s.all[id]; e != nil && e.ended.IsZero() {
		return e, nil
	}
	e := &erasing{sync: sync, customer: customer, asker: v.Person.ID, began: v.now, done: make(chan struct{})}
	if s.all == nil {
		s.all = map[[2]string]*erasing{}
	}
	s.all[id] = e
	ctx, cancel := context.WithCancel(context.WithoutCancel(v.ctx())) // it goes on when the browser leaves
	pages := v.Pages
	s.working.Go(func() {
		defer cancel()
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-pages.ending:
				cancel()
			case <-ended:
			}
		}()
		forgotten, err := pages.Store.Forget(ctx, sync, customer, customer)
		s.mu.Lock()
		defer s.mu.Unlock()
		defer close(e.done)
		e.ended, e.pseudonym = pages.Now(), forgotten.Pseudonym
		if err != nil {
			e.failed = reference()
			pages.Log.Error("a customer was not forgotten", slog.String("reference", e.failed), slog.String("sync", sync), slog.Any("error", err))
		}
	})
	return e, nil
}

// close waits for those that are cut off by now.
func (s *erasings) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.working.Wait()
}
