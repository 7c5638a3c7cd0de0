package oracle

import (
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// trouble is one thing that fails for a whole sync, by what was being done.
type trouble struct {
	action string
	reason reason.Reason
}

func inTroubles(customer string, kind status.Kind) bool {
	return customer == "" && kind == status.ConnectionFailed
}

func (db *DB) addTrouble(x *store.Exception, n store.NewException) {
	if !inTroubles(x.Customer, x.Kind) {
		return
	}
	all := db.troubles[x.ID]
	if at := slices.IndexFunc(all, func(t trouble) bool { return t.action == n.LastAction }); at >= 0 {
		all[at].reason = n.Reason
	} else {
		all = append(all, trouble{n.LastAction, n.Reason})
	}
	db.keepTroubles(x, all)
}

// endTrouble takes out what works again, and closes what nothing is left of.
func (db *DB) endTrouble(x *store.Exception, action string) (closed bool) {
	all := db.troubles[x.ID]
	at := slices.IndexFunc(all, func(t trouble) bool { return t.action == action })
	if x.State == status.Resolved || at < 0 {
		return false
	}
	if all = slices.Delete(all, at, at+1); len(all) > 0 {
		db.keepTroubles(x, all)
		return false
	}
	delete(db.troubles, x.ID)
	return db.resolve(x)
}

func (db *DB) keepTroubles(x *store.Exception, all []trouble) {
	var actions []string
	var reasons []reason.Reason
	for _, t := range all {
		actions, reasons = append(actions, t.action), append(reasons, t.reason)
	}
	db.troubles[x.ID] = all
	x.LastAction, x.Reason = strings.Join(actions, ", and "), reason.Reason{Code: reason.Several, Facts: reason.Facts{All: reasons}}
	if len(reasons) == 1 {
		x.Reason = reasons[0]
	}
}
