package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"trueup/internal/contract"
	"trueup/internal/exceptions"
	"trueup/internal/store"
)

func (s *server) actionRoutes() {
	route(s, store.Operator, huma.Operation{OperationID: "act-on-exception", Method: http.MethodPost, Path: "/exceptions/{id}/actions",
		Summary: "Do something about an exception",
		Description: "What is offered for its kind is in offers of the exception; another verb, and one that the world no longer fits, is refused with 409 and changes nothing. " +
			"What had been done already changes nothing and is answered with changed: false."}, s.act)
}

// ActionRequest is what is to be done about an exception.
type ActionRequest struct {
	Verb     store.Verb    `json:"verb" doc:"What to do: one of the exception's offers, but for map, which writes the configuration and is done at the command line."`
	Owner    string        `json:"owner,omitempty" maxLength:"200" doc:"For assign: who it is given to."`
	Ignored  store.Ignored `json:"ignored,omitempty" doc:"For ignore: for how long. until_change unless said."`
	Until    *time.Time    `json:"until,omitempty" doc:"For keep: until when. Until the source changes unless said."`
	TargetID string        `json:"target_id,omitempty" maxLength:"500" doc:"For link: the record's id in the target."`
	Saw      *string       `json:"saw,omitempty" maxLength:"2000" doc:"For apply and keep: the target's value that the person was shown; refused when it holds another. What the exception says now unless said."`
	Group    bool          `json:"group,omitempty" doc:"About all open exceptions of the same cause."`
	As       string        `json:"as,omitempty" maxLength:"200" pattern:"^[^\\x00-\\x1f\\x7f]*$" doc:"The person for whom it is done."`
}

// Acted is what a request came to.
type Acted struct {
	Done []ActedOn `json:"done"`
}

// ActedOn is one exception that the request was about.
type ActedOn struct {
	Changed   bool               `json:"changed" doc:"false: that had been done already."`
	Exception contract.Exception `json:"exception"`
}

func (s *server) act(ctx context.Context, in *struct {
	ExceptionPath
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"A text of yours for this request. Sent once more with the same key, it changes nothing; with another body it is another request."`
	Body ActionRequest
}) (Acted, error) {
	if err := s.fits(ctx, in.Body); err != nil {
		return Acted{}, err
	}
	r := exceptions.Request{Verb: in.Body.Verb, Who: who(ctx, in.Body.As), Owner: in.Body.Owner, Ignored: in.Body.Ignored, TargetID: in.Body.TargetID, Saw: in.Body.Saw}
	if in.Body.Until != nil {
		r.Until = *in.Body.Until
	}
	var err error
	if r.Key, err = requestKey(ctx, in.ID, in.Key, in.Body); err != nil {
		return Acted{}, err
	}
	var all []exceptions.Done
	if in.Body.Group {
		all, err = s.desk.DoGroup(ctx, in.ID, r)
	} else {
		var one exceptions.Done
		one, err = s.desk.Do(ctx, in.ID, r)
		all = append(all, one)
	}
	if err != nil {
		return Acted{}, err
	}
	acted := Acted{Done: []ActedOn{}}
	for _, d := range all {
		acted.Done = append(acted.Done, ActedOn{Changed: d.Changed, Exception: contract.ExceptionOf(d.Exception)})
	}
	return acted, nil
}

// takes says which verbs a field is for.
var takes = map[string][]store.Verb{"owner": {store.Assign}, "ignored": {store.Ignore}, "until": {store.KeepTheirs},
	"target_id": {store.LinkTo}, "saw": {store.ApplyOurs, store.KeepTheirs}}

// fits refuses a field that the verb does not take: who sent it meant another
// verb, or would wait in vain for its effect.
func (s *server) fits(ctx context.Context, r ActionRequest) error {
	given := map[string]bool{"owner": r.Owner != "", "ignored": r.Ignored != "", "until": r.Until != nil, "target_id": r.TargetID != "", "saw": r.Saw != nil}
	for _, field := range slices.Sorted(slices.Values([]string{"owner", "ignored", "until", "target_id", "saw"})) {
		if given[field] && !slices.Contains(takes[field], r.Verb) {
			return unprocessable("body."+field, fmt.Sprintf("%s does not take it", r.Verb), "leave it out, or use another verb")
		}
	}
	if r.Until == nil {
		return nil
	}
	now, err := s.Store.Now(ctx)
	if err == nil && !r.Until.After(now) {
		err = unprocessable("body.until", "this time is over", "name a later one")
	}
	return err
}

// requestKey tells requests apart. A caller's key counts for its token, the
// exception and what was asked: the same key by mistake must not make another
// request a repeat that silently does nothing.
func requestKey(ctx context.Context, id int64, key string, r ActionRequest) (string, error) {
	if key == "" {
		return "", nil
	}
	text, err := json.Marshal([]any{holder(ctx).Name, id, key, r})
	if err != nil {
		return "", fmt.Errorf("tell the request apart: %w", err)
	}
	sum := sha256.Sum256(text)
	return "api:" + hex.EncodeToString(sum[:]), nil
}
