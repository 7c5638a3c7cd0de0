package storetest

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
)

var schema = map[string]func(*testing.T, Open){
	"a command opens what a service has made, and it is ready": func(t *testing.T, open Open) {
		f := fresh(t, open)
		beside := open(t, store.Options{})
		f.must(beside.Ready(f.ctx))
		f.must(f.db.Ready(f.ctx))
		f.receive(event("evt_1", "cus_1"))
		if found, err := beside.Events(f.ctx, store.EventFilter{}); err != nil || len(found) != 1 {
			t.Errorf("it reads %d events, %v", len(found), err)
		}
		now, err := f.db.Now(f.ctx)
		f.must(err)
		if !now.Equal(f.clock.Now()) {
			t.Errorf("it is %s", now)
		}
	},
}
