package store

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// trouble is one thing that fails for a whole sync: what was being done, and why it
// failed. There is one exception for all of them, and each ends on its own: that
// asking for changes works again says nothing about comparing both sides.
type trouble struct {
	Action string        `json:"action"`
	Reason reason.Reason `json:"reason"` // a sentence in rows from before
}

type troubles []trouble

// inTroubles reports whether an exception is kept as the troubles that it has.
func inTroubles(customer string, kind status.Kind) bool {
	return customer == "" && kind == status.ConnectionFailed
}

func (all troubles) of(action string) int {
	return slices.IndexFunc(all, func(one trouble) bool { return one.Action == action })
}

// said is what an exception says of its troubles, the oldest first.
func (all troubles) said() (action string, why reason.Reason) {
	var actions []string
	var reasons []reason.Reason
	for _, one := range all {
		actions, reasons = append(actions, one.Action), append(reasons, one.Reason)
	}
	if len(reasons) == 1 {
		return actions[0], reasons[0]
	}
	return strings.Join(actions, ", and "), reason.Reason{Code: reason.Several, Facts: reason.Facts{All: reasons}}
}

// addTrouble adds what fails now to an exception that was just opened, whose row
// this transaction holds. fresh is false when it was known to fail.
func (t *tx) addTrouble(id int64, kept string, x NewException) (fresh bool, err error) {
	all, err := troublesOf(kept)
	if err != nil {
		return false, err
	}
	now := trouble{x.LastAction, x.Reason}
	if at := all.of(x.LastAction); at >= 0 {
		all[at] = now
	} else {
		fresh, all = len(all) > 0, append(all, now)
	}
	return fresh, t.keepTroubles(id, all)
}

// endTrouble takes what works again out of a sync's exception, and closes it once
// nothing fails.
func (t *tx) endTrouble(sync, action string) (closed int, err error) {
	id, _, err := t.takeTrouble(sync, action)
	if err != nil || id == 0 {
		return 0, err
	}
	c := where{}
	c.that("id = " + c.arg(id))
	return t.resolve(c)
}

// takeTrouble takes what works again out of a sync's exception, and returns the
// exception when nothing is left in it, to be closed.
func (t *tx) takeTrouble(sync, action string) (empty int64, cause string, err error) {
	var id int64
	kept := ""
	// An update, so that no one else changes it meanwhile.
	err = t.query(func(s scanner) error { return s.Scan(&id, &kept, &cause) },
		"update exceptions set troubles = troubles where sync = $1 and customer = '' and kind = $2 and state <> 'resolved' returning id, troubles, cause",
		sync, string(status.ConnectionFailed))
	if err != nil || id == 0 {
		return 0, "", err
	}
	all, err := troublesOf(kept)
	at := all.of(action)
	if err != nil || at < 0 {
		return 0, "", err
	}
	if all = slices.Delete(all, at, at+1); len(all) > 0 {
		return 0, "", errors.Join(t.keepTroubles(id, all), t.tell(sync, status.ConnectionFailed, cause))
	}
	_, err = t.exec("update exceptions set troubles = '[]' where id = $1", id)
	return id, cause, err
}

func (t *tx) keepTroubles(id int64, all troubles) error {
	text, err := json.Marshal(all)
	if err != nil {
		return errStore{err}
	}
	action, said := all.said()
	why := keep(said)
	_, err = t.exec("update exceptions set troubles = $2, last_action = $3, reason = $4, reason_code = $5, reason_facts = $6 where id = $1",
		id, string(text), action, why.text, why.code, why.facts)
	return err
}

func troublesOf(kept string) (all troubles, err error) {
	if err := json.Unmarshal([]byte(kept), &all); err != nil {
		return nil, errStore{err}
	}
	return all, nil
}
