package pages

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/mapchange"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (v *visit) actions() exceptions.Actions {
	return exceptions.Actions{Store: v.Store, Watching: func(sync string) bool { return v.Syncs()[sync].Watches() }, MayLink: v.MayLink}
}

// actOnChosen answers POST /exceptions/act: one row's button, a cause's, or the bar
// for those that are chosen.
func actOnChosen(v *visit) (answer, error) {
	to := local(v.PostFormValue("to"))
	r := exceptions.Request{Verb: store.Verb(v.PostFormValue("verb")), Who: v.Person.Email, Key: v.key(), Owner: v.PostFormValue("owner")}
	if r.Verb != store.Assign {
		r.Owner = ""
	}
	ctx := store.Together(v.ctx())
	var done []exceptions.Done
	var err error
	more := false
	switch group, one := v.PostFormValue("group"), v.PostFormValue("retry"); {
	case group != "":
		parts := strings.SplitN(strings.ReplaceAll(group, "\r\n", "\n"), "\n", 3)
		if len(parts) != 3 {
			return answer{}, incomplete
		}
		r.Verb, r.Owner = store.Retry, ""
		c := store.Cause{Sync: parts[0], Kind: status.Kind(parts[1]), Cause: parts[2]}
		var all exceptions.GroupDone
		all, err = v.actions().DoAll(ctx, c.Of(store.ExceptionFilter{States: store.NeedPerson}), r, 0)
		done, more = all.Done, all.More != 0
	case one != "":
		r.Verb, r.Owner = store.Retry, ""
		done, err = v.doEach(ctx, []string{one}, r)
	default:
		done, err = v.doEach(ctx, v.PostForm["id"], r)
	}
	var refused *exceptions.RefusedError
	switch {
	case errors.As(err, &refused) && len(done) == 0:
		return answer{}, &Refusal{Status: http.StatusConflict, Title: "Nothing was changed", Text: capital(refused.Error()) + ". " + capital(refused.Hint) + ".", Ways: []Way{{"Back to the list", to}}}
	case err != nil:
		return answer{}, err
	}
	said := v.tally(r.Verb, done)
	if more {
		said += " There are more: do it again for the next 200."
	}
	return answer{To: to, Said: said}, nil
}

var incomplete = &Refusal{Status: http.StatusBadRequest, Title: "The form is not complete", Text: "Nothing was changed. Open the page again and send its form.", Ways: []Way{{"Go to Exceptions", "/exceptions"}}}

func (v *visit) doEach(ctx context.Context, texts []string, r exceptions.Request) ([]exceptions.Done, error) {
	var ids []int64
	for _, text := range texts {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, incomplete
		}
		ids = append(ids, id)
	}
	return v.actions().DoEach(ctx, ids, r)
}

// tally says what came of it, with the number first.
func (v *visit) tally(verb store.Verb, all []exceptions.Done) string {
	t := exceptions.TallyOf(all)
	var said []string
	if t.Changed > 0 {
		said = append(said, capital(fmt.Sprintf("%s %s.", status.Plural(t.Changed, "customer"), outcomeOf(verb, t.Changed))))
	}
	if t.Already > 0 {
		text := fmt.Sprintf("%d had been done already", t.Already)
		for _, d := range all {
			if d.First != nil && d.Refused == nil && !d.Changed {
				text += ", by " + v.called(d.First.Who)
				break
			}
		}
		said = append(said, text+".")
	}
	if t.Refused > 0 {
		i := slices.IndexFunc(all, func(d exceptions.Done) bool { return d.Refused != nil })
		said = append(said, fmt.Sprintf("%d could not be: %s.", t.Refused, all[i].Refused.Error()))
	}
	return strings.Join(said, " ")
}

// outcomeOf says what becomes of those about whom a verb was done.
func outcomeOf(verb store.Verb, n int) string {
	are := "are"
	if n == 1 {
		are = "is"
	}
	switch verb {
	case store.Retry:
		return are + " being looked at again"
	case store.Assign:
		return are + " assigned"
	case store.Acknowledge:
		return are + " acknowledged"
	case store.Ignore:
		return are + " ignored until the source changes"
	case store.Reopen:
		return are + " open again"
	}
	return are + " " + reason.Offers[reason.Verb(verb)].Done
}

// actOnOne answers POST /exceptions/{id}/act.
func actOnOne(v *visit) (answer, error) {
	id, err := v.exceptionID()
	if err != nil {
		return answer{}, err
	}
	r := exceptions.Request{Verb: store.Verb(v.PostFormValue("verb")), Who: v.Person.Email, Key: v.key(), Owner: v.PostFormValue("owner"),
		Ignored: store.Ignored(v.PostFormValue("ignored")), TargetID: strings.TrimSpace(v.PostFormValue("target_id")), Force: v.PostFormValue("force") != ""}
	if saw := v.PostFormValue("saw_history"); saw != "" {
		n, err := strconv.ParseInt(saw, 10, 64)
		if err != nil {
			return answer{}, incomplete
		}
		r.SawHistory = &n
	}
	if r.Verb == store.UseSource || r.Verb == store.KeepTarget {
		saw, source := v.PostFormValue("saw"), v.PostFormValue("saw_source")
		r.Saw, r.SawSource = &saw, &source
	}
	if days, err := strconv.Atoi(v.PostFormValue("until")); err == nil && days > 0 && days <= 366 && r.Verb == store.KeepTarget {
		now, err := v.Store.Now(v.ctx())
		if err != nil {
			return answer{}, err
		}
		r.Until = now.Truncate(time.Hour).Add(time.Duration(days) * 24 * time.Hour) // a repeat asks for the same
	}
	done, err := v.actions().Do(v.ctx(), id, r)
	if err != nil {
		return v.refusedAct(id, r, err)
	}
	return answer{To: fmt.Sprintf("/exceptions/%d", id), Said: v.saidOf(done, r)}, nil
}

// saidOf says what was done, and what follows.
func (v *visit) saidOf(d exceptions.Done, r exceptions.Request) string {
	x := d.Exception
	s := v.Syncs()[x.Sync]
	target := capital(s.Target.Connection)
	switch {
	case !d.Changed && d.First != nil:
		return "Nothing to do: " + v.called(d.First.Who) + " had done this already."
	case !d.Changed:
		return "Nothing to do: this had been done already."
	}
	switch r.Verb {
	case store.UseSource:
		text := d.SawSource
		if m, err := overview.Words(s).Source(d.SawSource); err == nil {
			text = m.Value
		}
		return fmt.Sprintf("Trueup writes %s to %s now. The exception closes once %s shows it.", text, target, target)
	case store.KeepTarget:
		return fmt.Sprintf("%s stays as it is in %s.", cmp.Or(d.Saw, "The empty field"), target)
	case store.LinkTo:
		return fmt.Sprintf("Linked to %s. Trueup looks at the customer again now.", r.TargetID)
	case store.Rematch:
		return "The link is removed, and the match rules run again now."
	case store.Retry:
		return "Trueup looks at the customer again now."
	case store.Assign:
		return "Assigned to " + v.called(x.Owner) + "."
	case store.Ignore:
		if r.Ignored == store.IgnoredAlways {
			return "Ignored for good. Reopen brings it back."
		}
		return fmt.Sprintf("Ignored until %s changes. Reopen brings it back.", capital(s.Source.Connection))
	}
	return fmt.Sprintf("The exception is %s.", x.State)
}

// refusedAct shows why an act was refused: what has changed meanwhile, or what to do
// instead.
func (v *visit) refusedAct(id int64, r exceptions.Request, err error) (answer, error) {
	var refused *exceptions.RefusedError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return answer{}, noException
	case !errors.As(err, &refused):
		return answer{}, err
	}
	p, shownErr := v.exceptionShown()
	moved := refused.First != nil
	if shownErr == nil && r.Saw != nil && (p.X.TargetValue != *r.Saw || p.X.SourceValue != *r.SawSource) {
		moved = true
	}
	if !moved || shownErr != nil {
		return answer{}, &Refusal{Status: http.StatusConflict, Title: "Nothing was changed", Text: capital(refused.Why) + ". " + capital(refused.Hint) + ".",
			Ways: []Way{{"Back to the exception", fmt.Sprintf("/exceptions/%d", id)}}}
	}
	m := movedShown{Title: p.Called + " has changed meanwhile", Text: "You decided on what you saw before. Nothing was written.", To: fmt.Sprintf("/exceptions/%d", id), ToLabel: "Look at it now"}
	if f := refused.First; f != nil {
		m.Title = v.called(f.Who) + " was first"
		m.Text = "Nothing of yours was done. Look at it again, and decide then."
		m.Lines = append(m.Lines, movedLine{Name: "What was done", Now: capital(strings.TrimSuffix(reason.Offers[reason.Verb(f.Verb)].Done, ",")) + withNote(f.Note), At: f.At})
	}
	if r.Saw != nil {
		m.Lines = append(m.Lines, movedLine{Name: p.Source, Was: *r.SawSource, Now: p.X.SourceValue}, movedLine{Name: p.Target, Was: *r.Saw, Now: p.X.TargetValue})
	}
	return answer{Page: "moved", Title: m.Title, Nav: "exceptions", Frame: narrow, Status: http.StatusConflict, Data: m}, nil
}

func withNote(note string) string {
	if note == "" {
		return ""
	}
	return " " + note
}

// movedShown is the page of a 409: what the person saw, and what is there now.
type movedShown struct {
	Title, Text string
	Lines       []movedLine
	To, ToLabel string
}

// movedLine is one thing that is different now, or not.
type movedLine struct {
	Name, Was, Now string
	At             time.Time
}

// saveMeaning answers POST /exceptions/{id}/map.
func saveMeaning(v *visit) (answer, error) {
	id, err := v.exceptionID()
	if err != nil {
		return answer{}, err
	}
	x, err := v.Store.Exception(v.ctx(), id)
	if errors.Is(err, store.ErrNotFound) {
		err = noException
	}
	if err != nil {
		return answer{}, err
	}
	r := mapchange.Request{Sync: x.Sync, Value: x.SourceValue, Meaning: v.PostFormValue("status")}
	back := fmt.Sprintf("/exceptions/%d", id)
	saved, err := v.SaveMeaning(v.ctx(), r, mapchange.Seen{Who: v.Person.Email, Digest: v.PostFormValue("digest"), Key: v.key()})
	var refused *mapchange.RefusedError
	switch {
	case errors.As(err, &refused) && (len(refused.Changes) > 0 || strings.Contains(refused.Why, "meantime")):
		m := movedShown{Title: "trueup.yaml has changed meanwhile", Text: "You decided on the file as you saw it. Nothing was saved.", To: back, ToLabel: "Look at it now"}
		for _, c := range refused.Changes {
			m.Lines = append(m.Lines, movedLine{Name: c.Path, Was: cmp.Or(c.From, "not there"), Now: cmp.Or(c.To, "not there")})
		}
		return answer{Page: "moved", Title: m.Title, Nav: "exceptions", Frame: narrow, Status: http.StatusConflict, Data: m}, nil
	case errors.As(err, &refused):
		return answer{}, &Refusal{Status: http.StatusConflict, Title: "Nothing was saved", Text: capital(refused.Why) + ". " + capital(refused.Hint) + ".\n" + refused.Lines, Ways: []Way{{"Back to the exception", back}}}
	case err != nil:
		return answer{}, err
	}
	said := fmt.Sprintf("%s means %s now.", cut(r.Value, 80), r.Meaning)
	switch {
	case !saved.Changed:
		said = "Nothing to do: the file says so already."
	case saved.InUse && r.Meaning != mapchange.Ignore:
		said += fmt.Sprintf(" Saved to trueup.yaml and in use. %s will be checked again.", status.Plural(saved.Effect.Customers, "customer"))
	case saved.InUse:
		said += " Saved to trueup.yaml and in use."
	default:
		said += " Saved to trueup.yaml. Trueup has not read it yet; Home says so if it cannot."
	}
	return answer{To: back, Said: said}, nil
}
