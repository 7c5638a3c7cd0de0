package storetest

import (
	"sync"
	"testing"

	"trueup/internal/store"
)

var schema = map[string]func(*testing.T, Open){
	"two nodes may start at once on an empty database": func(t *testing.T, open Open) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { open(t, store.Options{Migrate: true}) })
		}
		all.Wait()
	},
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
