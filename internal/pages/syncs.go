package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

func syncRoutes() []route {
	return []route{
		{http.MethodGet, "/syncs/{sync}", store.Viewer, showSync},
		{http.MethodGet, "/syncs/{sync}/live", store.Viewer, goLive},
		{http.MethodPost, "/syncs/{sync}/live", store.Admin, setLive},
		{http.MethodGet, "/syncs/{sync}/watch", store.Viewer, watchPage},
		{http.MethodPost, "/syncs/{sync}/watch", store.Operator, setWatching},
		{http.MethodPost, "/syncs/{sync}/pause", store.Operator, pauseSync},
		{http.MethodPost, "/syncs/{sync}/resume", store.Operator, resumeSync},
	}
}

// syncOf returns the sync that the address names.
func (v *visit) syncOf() (string, config.Sync, error) {
	name := v.PathValue("sync")
	c, ok := v.Syncs()[name]
	if !ok {
		return name, c, &Refusal{Status: http.StatusNotFound, Title: "There is no sync with this name", Text: "It may have been renamed or removed in trueup.yaml.", Ways: []Way{{"Go to Home", "/"}}}
	}
	return name, c, nil
}

// back is where a form leads: to where it was, or to the sync's page.
func (v *visit) back(name string) string {
	if v.PostFormValue("back") != "" {
		return local(v.PostFormValue("back"))
	}
	return "/syncs/" + url.PathEscape(name)
}

// refusedAct is what a person is told of an act that was refused.
func refusedAct(err error) error {
	var refused *exceptions.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	return &Refusal{Status: http.StatusConflict, Title: "Nothing was changed", Text: capital(refused.Error()) + ". " + capital(refused.Hint) + ".", Ways: []Way{{"Go to Home", "/"}}}
}

// pauseSync answers POST /syncs/{sync}/pause.
func pauseSync(v *visit) (answer, error) {
	name, _, err := v.syncOf()
	if err != nil {
		return answer{}, err
	}
	now, changed, err := exceptions.Pause(v.ctx(), v.Store, name, v.Person.Email, v.PostFormValue("reason"))
	if err != nil {
		return answer{}, refusedAct(err)
	}
	said := name + " is paused. Events are stored and wait."
	if !changed {
		said = name + " was paused already, by " + v.called(now.By) + ": " + now.Reason
	}
	return answer{To: v.back(name), Said: said}, nil
}

// resumeSync answers POST /syncs/{sync}/resume.
func resumeSync(v *visit) (answer, error) {
	name, _, err := v.syncOf()
	if err != nil {
		return answer{}, err
	}
	done, err := exceptions.Resume(v.ctx(), v.Store, store.Resume{Sync: name, Who: v.Person.Email, Reason: v.PostFormValue("reason"), Key: v.key()})
	if err != nil {
		return answer{}, refusedAct(err)
	}
	said := name + " is neither paused nor halted. Nothing was changed."
	switch {
	case done.Through > 0:
		said = name + " is resumed. " + plural(done.Through, "customer is", "customers are") + " looked at again now."
	case done.Changed:
		said = name + " is resumed. Each customer that changed meanwhile is looked at once, as it is now."
	}
	return answer{To: v.back(name), Said: said}, nil
}

// namePeople calls those by their names who paused a sync or changed its mode.
func (v *visit) namePeople(s *contract.Sync) {
	if s.Paused != nil {
		s.Paused.By = v.called(s.Paused.By)
	}
	if s.ModeChange != nil {
		s.ModeChange.By = v.called(s.ModeChange.By)
	}
}

// needPerson says how many customers, and how many syncs as a whole, need a person.
func needPerson(customers, syncs int) string {
	var who []string
	if customers > 0 {
		who = append(who, plural(customers, "customer"))
	}
	if syncs > 0 {
		who = append(who, plural(syncs, "sync"))
	}
	return strings.Join(who, " and ") + map[bool]string{true: " needs a person", false: " need a person"}[customers+syncs == 1]
}
