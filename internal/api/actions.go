package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) actionRoutes() {
	route(s, store.Operator, huma.Operation{OperationID: "act-on-exception", Method: http.MethodPost, Path: "/exceptions/{id}/actions", Summary: "Act on an exception",
		Description: "The exception's offers list what can be done. A verb that is not offered, or that no longer fits the current state, is refused with 409 and changes nothing. " +
			"If it was already done, nothing changes and the answer has changed: false. " +
			"For a group, up to 200 exceptions are acted on at once, each with its own result; 409 means that none could be done."}, s.act)
	route(s, store.Operator, huma.Operation{OperationID: "act-on-exceptions", Method: http.MethodPost, Path: "/exceptions/actions", Summary: "Act on several exceptions",
		Description: "Does the same about each of up to 200 exceptions. The answer counts what was changed, what had been done already, and what was refused, and has the result of each. One that is refused does not stop the others."}, s.actOnEach)
}

// ActionRequest is what to do about an exception.
type ActionRequest struct {
	Verb      store.Verb    `json:"verb" doc:"What to do: one of the exception's offers, except map, which PUT /syncs/{sync}/map does."`
	Owner     string        `json:"owner,omitempty" maxLength:"200" doc:"For assign: the new owner."`
	Ignored   store.Ignored `json:"ignored,omitempty" doc:"For ignore: for how long (default: until_change)."`
	Until     *time.Time    `json:"until,omitempty" doc:"For keep: until when (default: until the source changes)."`
	TargetID  string        `json:"target_id,omitempty" maxLength:"500" doc:"For link: the record's id in the target."`
	Force     bool          `json:"force,omitempty" doc:"For link: even if the record has another customer's key."`
	Saw       *string       `json:"saw,omitempty" maxLength:"2000" doc:"For apply and keep: the target's value that the person was shown; refused if the target now holds a different value (default: the exception's current value)."`
	SawSource *string       `json:"saw_source,omitempty" maxLength:"2000" doc:"For apply and keep: the source's value that the person was shown; refused if the source now has a different value (default: the exception's current value)."`
	// SawHistory is a pointer: 0 is a history without entries.
	SawHistory *int64 `json:"saw_history,omitempty" minimum:"0" doc:"The id of the last entry in the exception's history that the person was shown, 0 for none; refused with 409 if another person has acted since (retry excepted). The answer's first says who and when."`
	Group      bool   `json:"group,omitempty" doc:"Act on all open exceptions with the same cause, up to 200 at once, highest numbers first."`
	Before     int64  `json:"before,omitempty" minimum:"0" doc:"With group: only exceptions with lower numbers. Use the value of more from the previous answer."`
	As         string `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

// Acted is what a request came to.
type Acted struct {
	Done    []ActedOn `json:"done"`
	More    int64     `json:"more,omitempty" doc:"The group has more: send the request again with this value as before."`
	Failure *Refusal  `json:"failure,omitempty" doc:"Why it ended early. What is listed in done was done. To continue, send the request again with more as before."`
}

// ActedOn is one exception that the request was about.
type ActedOn struct {
	Changed   bool               `json:"changed" doc:"false: it was already done, or it was refused."`
	Exception contract.Exception `json:"exception"`
	First     *contract.Action   `json:"first,omitempty" doc:"Who had done it, when it was already done."`
	Refused   *Refusal           `json:"refused,omitempty" doc:"Why nothing was done about this one of several."`
}

// Refusal is why something was not done, and what to do about it.
type Refusal struct {
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

func (s *server) act(ctx context.Context, in *struct {
	ExceptionPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"An idempotency key: any text of your choice for this request on this exception. Sent again with the same key, the request changes nothing and returns the first answer; with a different body the key is refused. With group, the key applies to each exception, and the group is what is open when a request arrives."`
	Body ActionRequest
}) (Acted, error) {
	if err := s.fits(ctx, in.Body); err != nil {
		return Acted{}, err
	}
	r := exceptions.Request{Verb: in.Body.Verb, Who: who(ctx, in.Body.As), Key: in.Key, Owner: in.Body.Owner, Ignored: in.Body.Ignored,
		TargetID: in.Body.TargetID, Force: in.Body.Force, Saw: in.Body.Saw, SawSource: in.Body.SawSource, SawHistory: in.Body.SawHistory}
	if in.Body.Until != nil {
		r.Until = *in.Body.Until
	}
	acted := Acted{Done: []ActedOn{}}
	if !in.Body.Group {
		done, err := s.actions.Do(ctx, in.ID, r)
		acted.Done = append(acted.Done, actedOn(done))
		return acted, err
	}
	all, err := s.actions.DoGroup(ctx, in.ID, r, in.Body.Before)
	for _, d := range all.Done {
		acted.Done = append(acted.Done, actedOn(d))
	}
	acted.More = all.More
	if err != nil && len(all.Done) > 0 { // what was done must be told
		p := s.problemOf(err)
		acted.Failure, err = &Refusal{Detail: p.Detail, Hint: p.Hint}, nil
	}
	return acted, err
}

func actedOn(d exceptions.Done) ActedOn {
	a := ActedOn{Changed: d.Changed, Exception: contract.ExceptionOf(d.Exception)}
	if d.First != nil {
		first := contract.ActionOf(*d.First)
		a.First = &first
	}
	if d.Refused != nil {
		a.Refused = &Refusal{Detail: d.Refused.Error(), Hint: hintOf(d.Refused)}
	}
	return a
}

// takes says which verbs a field is for.
var takes = map[string][]store.Verb{"owner": {store.Assign}, "ignored": {store.Ignore}, "until": {store.KeepTarget},
	"target_id": {store.LinkTo}, "force": {store.LinkTo}, "saw": {store.UseSource, store.KeepTarget}, "saw_source": {store.UseSource, store.KeepTarget}}

// fits refuses a field that the verb does not take: who sent it meant another
// verb, or would wait in vain for its effect.
func (s *server) fits(ctx context.Context, r ActionRequest) error {
	given := map[string]bool{"owner": r.Owner != "", "ignored": r.Ignored != "", "until": r.Until != nil, "target_id": r.TargetID != "", "force": r.Force, "saw": r.Saw != nil, "saw_source": r.SawSource != nil}
	for _, field := range slices.Sorted(maps.Keys(given)) {
		if given[field] && !slices.Contains(takes[field], r.Verb) {
			return unprocessable("body."+field, fmt.Sprintf("%s does not accept it", r.Verb), "remove it, or use another verb")
		}
	}
	if r.Before != 0 && !r.Group {
		return unprocessable("body.before", "it is only for a group", "remove it, or set group: true")
	}
	if r.Until == nil {
		return nil
	}
	now, err := s.Store.Now(ctx)
	if err == nil && !r.Until.After(now) {
		err = unprocessable("body.until", "this time is in the past", "give a later time")
	}
	return err
}

// EachRequest is what to do about several exceptions.
type EachRequest struct {
	IDs     []int64       `json:"ids" minItems:"1" maxItems:"200" nullable:"false" doc:"The exceptions, at most 200."`
	Verb    store.Verb    `json:"verb" enum:"assign,acknowledge,ignore,retry,resolve,reopen" doc:"What to do."`
	Owner   string        `json:"owner,omitempty" maxLength:"200" doc:"For assign: the new owner."`
	Ignored store.Ignored `json:"ignored,omitempty" doc:"For ignore: for how long (default: until_change)."`
	As      string        `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person on whose behalf it is done."`
}

// ActedOnEach is what a request about several came to.
type ActedOnEach struct {
	Changed int          `json:"changed" doc:"How many were changed."`
	Already int          `json:"already" doc:"How many had been done already."`
	Refused int          `json:"refused" doc:"About how many nothing was done; each says why."`
	Done    []ActedOnOne `json:"done"`
	Failure *Refusal     `json:"failure,omitempty" doc:"Why it ended early. What is listed in done was done; send the others again."`
}

// ActedOnOne is one of several exceptions.
type ActedOnOne struct {
	ID        int64               `json:"id"`
	Changed   bool                `json:"changed" doc:"false: it was already done, or it was refused."`
	Exception *contract.Exception `json:"exception,omitempty" doc:"Left out for a number that is none."`
	First     *contract.Action    `json:"first,omitempty" doc:"Who had done it, when it was already done."`
	Refused   *Refusal            `json:"refused,omitempty" doc:"Why nothing was done about it."`
}

func (s *server) actOnEach(ctx context.Context, in *struct {
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"An idempotency key: any text of your choice. It applies to each exception: sent again with the same key, the request changes nothing."`
	Body EachRequest
}) (ActedOnEach, error) {
	if err := s.fits(ctx, ActionRequest{Verb: in.Body.Verb, Owner: in.Body.Owner, Ignored: in.Body.Ignored}); err != nil {
		return ActedOnEach{}, err
	}
	r := exceptions.Request{Verb: in.Body.Verb, Who: who(ctx, in.Body.As), Key: in.Key, Owner: in.Body.Owner, Ignored: in.Body.Ignored}
	done, err := s.actions.DoEach(ctx, in.Body.IDs, r)
	t := exceptions.TallyOf(done)
	all := ActedOnEach{Changed: t.Changed, Already: t.Already, Refused: t.Refused, Done: []ActedOnOne{}}
	for _, d := range done {
		a := actedOn(d)
		one := ActedOnOne{ID: d.Exception.ID, Changed: a.Changed, First: a.First, Refused: a.Refused}
		if d.Exception.State != "" {
			one.Exception = &a.Exception
		}
		all.Done = append(all.Done, one)
	}
	if err != nil && len(done) > 0 { // what was done must be told
		p := s.problemOf(err)
		all.Failure, err = &Refusal{Detail: p.Detail, Hint: p.Hint}, nil
	}
	return all, err
}
