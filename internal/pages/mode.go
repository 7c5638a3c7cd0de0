package pages

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/mapchange"
)

// goLive answers GET /syncs/{sync}/live: what is ready, what is not, and the limits.
func goLive(v *visit) (answer, error) {
	p, err := syncPageOf(v)
	if err != nil {
		return answer{}, err
	}
	change, err := v.PreviewMode(modeRequest(p.Name, config.ModeLive))
	if err != nil {
		return answer{}, refusedFile(err)
	}
	return answer{Page: "golive", Title: p.Name + " live", Nav: "sync:" + p.Name, Data: goLivePage{syncPage: p, Ready: p.ready(), Change: change, Now: v.now}}, nil
}

// goLivePage is what going live would come to.
type goLivePage struct {
	syncPage
	Ready  []promise
	Change contract.ModeChange
	Now    time.Time
}

// ready says what is ready and what is not.
func (p *syncPage) ready() []promise {
	var all []promise
	add := func(good bool, title, text string) { all = append(all, promise{good, title, text}) }
	if w := p.Sync.Watching; w != nil && w.Would > 0 {
		text := ""
		if w.MedianSeconds != nil {
			text = "Usually within " + length(seconds(*w.MedianSeconds))
		}
		add(w.Same > 0 && w.Otherwise == 0, "Your team did the same "+num(w.Same)+" of "+num(w.Would)+" times", text)
	} else {
		add(false, "Watching would have written nothing yet", "There is nothing to compare with what your team did")
	}
	l := p.Sync.Ladder
	if l.Plan != "" {
		add(true, "A plan was made under this file", "It lists who differs today")
	} else {
		add(false, "There is no plan under this file", "Customers who differ today would stay as they are until they change")
	}
	if l.Tried > 0 {
		add(true, plural(l.Tried, "customer was", "customers were")+" written and can be checked", "")
	} else {
		add(false, "No customer was tried", "Write one from the plan, and look at it in "+p.Target)
	}
	if len(p.Limits) > 0 {
		for _, limit := range p.Limits {
			add(true, limit.Text+": "+limit.Used, limit.Note)
		}
	} else {
		add(false, "No limit stops a catastrophe", "limits is off in the file")
	}
	gaps, who := 0, 0
	for _, r := range p.Map {
		if r.Gap {
			gaps, who = gaps+1, who+r.Customers
		}
	}
	switch {
	case p.SeenAt == nil:
		add(false, "The values of both sides were never counted", "A plan counts them")
	case gaps > 0:
		add(false, plural(gaps, "value has", "values have")+" no meaning, "+plural(who, "customer"), "They are not written. You can give them one now or later")
	default:
		add(true, "Every value has a meaning", "")
	}
	if open := p.Sync.Asked.Customers; open > 0 {
		add(false, plural(open, "customer needs a person", "customers need a person"), "They are not written until someone decides")
	}
	return all
}

func setLive(v *visit) (answer, error)     { return setMode(v, config.ModeLive) }
func setWatching(v *visit) (answer, error) { return setMode(v, config.ModeWatch) }

// watchPage answers GET /syncs/{sync}/watch: what going back to watching changes.
func watchPage(v *visit) (answer, error) {
	p, err := syncPageOf(v)
	if err != nil {
		return answer{}, err
	}
	change, err := v.PreviewMode(modeRequest(p.Name, config.ModeWatch))
	if err != nil {
		return answer{}, refusedFile(err)
	}
	return answer{Page: "towatch", Title: p.Name + " back to watching", Nav: "sync:" + p.Name, Data: goLivePage{syncPage: p, Change: change}}, nil
}

// setMode changes the mode in the file.
func setMode(v *visit, mode string) (answer, error) {
	name, _, err := v.syncOf()
	if err != nil {
		return answer{}, err
	}
	saved, err := v.SaveMode(v.ctx(), modeRequest(name, mode), seenBy(v), v.PostFormValue("reason"))
	if err != nil {
		return answer{}, refusedFile(err, Way{"Look at it now", v.URL.Path})
	}
	said := name + " is live. Each change is written as it comes."
	if mode == config.ModeWatch {
		said = name + " watches again. Nothing more is written."
	}
	switch {
	case !saved.Changed:
		said = "The file had mode: " + mode + " already. Nothing was changed."
	case !saved.InUse:
		said = "trueup.yaml has mode: " + mode + " now. The service has not read it yet; it does so by itself."
	}
	return answer{To: "/syncs/" + url.PathEscape(name), Said: said}, nil
}

func modeRequest(name, mode string) mapchange.ModeRequest {
	return mapchange.ModeRequest{Sync: name, Mode: mode}
}

// seenBy is who changes the file, and which they were shown.
func seenBy(v *visit) mapchange.Seen {
	return mapchange.Seen{Who: v.Person.Email, Digest: v.PostFormValue("digest"), Key: v.key()}
}

// refusedFile is what a person is told of a file that was not edited, with ways that
// lead on.
func refusedFile(err error, on ...Way) error {
	var refused *mapchange.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	text := capital(refused.Why) + ". " + capital(refused.Hint) + "."
	if refused.Lines != "" {
		text += " " + refused.Lines
	}
	return &Refusal{Status: http.StatusConflict, Title: "Nothing was changed", Text: text, Ways: append(on, Way{"Go to Home", "/"})}
}
