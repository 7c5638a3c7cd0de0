package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Press is somebody's press of a button.
type Press struct {
	// ID is the same when the same press is reported twice.
	ID string
	// UserID and UserName are who pressed it, as the tool knows them.
	UserID, UserName string
	Verb             Verb
	// Value is that of the Button.
	Value string
}

// value is what a button carries.
type value struct {
	Exception int64 `json:"x"`
	// Seen is a hash of what both tools held when the message was made. Their
	// values may be personal, and whoever reads the channel can read a button.
	Seen string `json:"seen,omitempty"`
}

// valuesOf is what a button carries of the values that its message shows.
func valuesOf(x store.Exception) string {
	text, err := json.Marshal([]any{x.ID, x.SourceValue, x.TargetValue})
	if err != nil {
		return "" // a number and texts always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (v value) text() string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // a number and a text always marshal
	}
	return string(text)
}

// pressable are the verbs that a button can have.
var pressable = []store.Verb{store.Acknowledge, store.Assign, store.Retry, store.UseSource, store.KeepTarget}

// ButtonStore keeps what buttons change; it is *store.DB.
type ButtonStore interface {
	exceptions.Store
	HurryNotice(ctx context.Context, sync string, kind status.Kind, cause string) error
}

// Buttons does what buttons say.
type Buttons struct {
	Store  ButtonStore
	Syncs  map[string]config.Sync
	People map[string]config.Person
	// Changed is called after something was done, to have the message updated.
	Changed func()
}

// Press does what a button says. answer is for whoever pressed it, "" when the
// message itself will show what came of it. An error means that it was not done.
func (b Buttons) Press(ctx context.Context, p Press) (answer string, err error) {
	var v value
	if err := json.Unmarshal([]byte(p.Value), &v); err != nil || !slices.Contains(pressable, p.Verb) {
		return "This button does not belong to Trueup.", nil
	}
	x, err := b.Store.Exception(ctx, v.Exception)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Sprintf("Exception %d no longer exists.", v.Exception), nil
	case err != nil:
		return "", err
	}
	answer, err = b.act(store.By(ctx, "", store.BySlack), x, v, b.request(p))
	if err != nil {
		return "", err
	}
	// The message shows it without waiting for its next turn.
	if err := b.Store.HurryNotice(ctx, x.Sync, x.Kind, x.Cause); err != nil {
		return answer, err
	}
	b.Changed()
	return answer, nil
}

// request is what a press asks for. Somebody who is not among the people is
// known by his id.
func (b Buttons) request(p Press) exceptions.Request {
	r := exceptions.Request{Verb: p.Verb, Key: p.ID + "/" + string(p.Verb)}
	if mail, ok := people(b.People).byID(p.UserID); ok {
		r.Who, r.Owner = mail, mail
	} else {
		r.Who, r.Owner = fmt.Sprintf("%s%s (%s)", slackUser, p.UserName, p.UserID), slackUser+p.UserID
	}
	return r
}

// act does it about the whole group, or about the one customer whose values the
// message showed.
func (b Buttons) act(ctx context.Context, x store.Exception, v value, r exceptions.Request) (answer string, err error) {
	if x.State == status.Resolved {
		return fmt.Sprintf("Exception %d is already resolved.", x.ID), nil
	}
	actions := exceptions.Actions{Store: b.Store, Watching: func(sync string) bool { return b.Syncs[sync].Watches() }}
	if r.Verb != store.UseSource && r.Verb != store.KeepTarget {
		return b.group(ctx, actions, x, r)
	}
	if v.Seen != valuesOf(x) {
		return "Nothing was changed: the values in the tools have changed since this message. The message is being updated; check it again.", nil
	}
	r.Saw, r.SawSource = &x.TargetValue, &x.SourceValue
	_, err = actions.Do(ctx, x.ID, r)
	return refusal("Nothing was changed", err)
}

// group does it about all open exceptions of the cause.
func (b Buttons) group(ctx context.Context, actions exceptions.Actions, x store.Exception, r exceptions.Request) (answer string, err error) {
	done, refused := 0, 0
	ctx = store.Together(ctx)
	var why error
	for more := int64(0); ; {
		all, err := actions.DoGroup(ctx, x.ID, r, more)
		for _, d := range all.Done {
			if d.Refused != nil {
				refused, why = refused+1, d.Refused
			} else {
				done++
			}
		}
		if err != nil {
			return refusal(fmt.Sprintf("%d changed, then stopped", done), err)
		}
		if more = all.More; more == 0 {
			break
		}
	}
	if refused == 0 {
		return "", nil
	}
	return refusal(fmt.Sprintf("%d of %d not changed", refused, refused+done), why)
}

// refusal puts a refusal into words; another error stays one.
func refusal(what string, err error) (answer string, _ error) {
	var refused *exceptions.RefusedError
	if errors.As(err, &refused) {
		return fmt.Sprintf("%s: %s. %s.", what, Mask(refused.Why), Mask(refused.Hint)), nil
	}
	return "", err
}
