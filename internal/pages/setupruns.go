package pages

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// eventPage is what the fifth step shows.
type eventPage struct {
	FirstEvent
	Type setup.Type
	// Hook is where the tool sends its webhooks; "" while nobody has said how it
	// reaches Trueup. Guess is a first answer to that.
	Hook, Guess string
	// Receives says that the tool can send webhooks as it is set up.
	Receives bool
}

// event answers GET /setup/event: where the tool sends its events, and the first one.
func (s *SetUp) event(v *visit) (answer, error) { return s.eventPage(v, nil) }

func (s *SetUp) eventPage(v *visit, wrong error) (answer, error) {
	d := s.setup.Draft()
	if !d.Reached(setup.Event) {
		return s.page(setup.Event, "", nil, nil)
	}
	page := eventPage{Guess: guess(v.Request)}
	page.Type, _ = setup.TypeOf(d.Source.Type)
	page.Receives = page.Type.Events != ""
	if d.PublicURL != "" {
		page.Hook = d.PublicURL + "/hooks/" + d.Source.Name
	}
	var err error
	if page.FirstEvent, err = s.service.First(v.ctx()); err != nil {
		return answer{}, err
	}
	a, err := s.page(setup.Event, "Get events from "+capital(d.Source.Name), page, wrong)
	if err == nil && a.Page != "" {
		a = a.live("first-event", a.Data, !page.Arrived && (page.Hook != "" || !page.Receives))
	}
	return a, err
}

// guess is the address by which the browser has come, as far as a tool could use it.
func guess(r *http.Request) string {
	if setup.Loopback(r.Host) || setup.Loopback(r.Host+":80") {
		return ""
	}
	return "https://" + r.Host
}

// setEvent answers POST /setup/event: where the tools reach Trueup.
func (s *SetUp) setEvent(v *visit) (answer, error) {
	err := s.setup.SetPublicURL(v.PostFormValue("public_url"))
	if err == nil {
		err = s.service.Begin(v.ctx())
	}
	if err != nil {
		return s.eventPage(v, err)
	}
	return answer{To: "/setup/event"}, nil
}

// onward finishes the step before the one that is opened, for those that may be
// skipped: they ask for nothing.
func (s *SetUp) onward(from, to setup.Step) error {
	if d := s.setup.Draft(); d.Reached(from) && !d.Reached(to) {
		return s.setup.Finish(from)
	}
	return nil
}

// tryPage is what the sixth step shows.
type tryPage struct {
	Trial
	Chosen                    *TrialRow
	BeforeStatus, AfterStatus status.Status // of the one who is chosen
}

// statusOf is the status that is written as a value.
func statusOf(to map[status.Status]string, value string) status.Status {
	for s, written := range to {
		if written == value && value != "" {
			return s
		}
	}
	return ""
}

// try answers GET /setup/try: one customer, for real.
func (s *SetUp) try(v *visit) (answer, error) {
	if err := s.onward(setup.Event, setup.Try); err != nil {
		return answer{}, err
	}
	return s.tryPage(v, nil)
}

func (s *SetUp) tryPage(v *visit, wrong error) (answer, error) {
	if !s.setup.Draft().Reached(setup.Try) {
		return s.page(setup.Try, "", nil, nil)
	}
	t, err := s.service.Trial(v.ctx())
	if err != nil {
		return answer{}, err
	}
	page := tryPage{Trial: t}
	for i := range t.Rows {
		if t.Rows[i].Customer == v.FormValue("customer") || page.Chosen == nil {
			page.Chosen = &t.Rows[i]
		}
	}
	if c, to := page.Chosen, s.setup.Draft().To; c != nil {
		page.BeforeStatus, page.AfterStatus = statusOf(to, c.Before), statusOf(to, c.After)
	}
	a, err := s.page(setup.Try, "Try it with one customer", page, wrong)
	if err == nil && a.Page != "" {
		a = a.live("making", a.Data, t.Making)
	}
	return a, err
}

// tryOne answers POST /setup/try: write one customer, put back what was there, or compare
// once more.
func (s *SetUp) tryOne(v *visit) (answer, error) {
	var err error
	customer := v.PostFormValue("customer")
	switch v.PostFormValue("do") {
	case "write":
		err = s.service.TryOne(v.ctx(), customer)
	case "back":
		err = s.service.PutBack(v.ctx(), customer)
	case "again":
		s.service.CompareAgain()
	}
	if err != nil {
		return s.tryPage(v, err)
	}
	return answer{To: "/setup/try?customer=" + url.QueryEscape(customer)}, nil
}

// watch answers GET /setup/watch: what was found, what comes next, and the file.
func (s *SetUp) watch(v *visit) (answer, error) {
	if err := s.onward(setup.Try, setup.Watch); err != nil {
		return answer{}, err
	}
	return s.watchPage(v, nil)
}

func (s *SetUp) watchPage(v *visit, wrong error) (answer, error) {
	if !s.setup.Draft().Reached(setup.Watch) {
		return s.page(setup.Watch, "", nil, nil)
	}
	t, err := s.service.Trial(v.ctx())
	if err != nil {
		return answer{}, err
	}
	return s.page(setup.Watch, "Start watching", t, wrong)
}

// save answers POST /setup/watch: the file is written, and the service continues.
func (s *SetUp) save(v *visit) (answer, error) {
	if !s.setup.Draft().Reached(setup.Watch) {
		return answer{}, &Refusal{Status: http.StatusConflict, Title: "Some steps are not finished", Text: "Nothing was written.", Ways: []Way{{"Continue", "/setup"}}}
	}
	to := ""
	err := s.setup.SetMassLimit(v.PostFormValue("limit") != "")
	if err == nil {
		to, err = s.service.Save(v.ctx())
	}
	if err != nil {
		return s.watchPage(v, err)
	}
	return answer{To: cmp.Or(to, "/"), Said: "Saved. Trueup watches, and writes nothing until you go live."}, nil
}
