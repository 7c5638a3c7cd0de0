package storetest

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

var outside = map[string]func(*testing.T, Open){
	"all nodes prove themselves with one key": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		one, err := f.db.RoundKey(f.ctx)
		f.must(err)
		two, err := node2.RoundKey(f.ctx)
		if f.must(err); one == "" || one != two {
			t.Errorf("%q and %q", one, two)
		}
	},
	"what was found from outside is the newest": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if found, checked, err := f.db.Health(f.ctx); err != nil || found != "" || !checked.IsZero() {
			t.Errorf("before anybody looked: %q, %s, %v", found, checked, err)
		}
		f.must(f.db.SaveHealth(f.ctx, `[1]`))
		key, err := f.db.RoundKey(f.ctx)
		f.must(err)
		f.clock.Move(time.Hour)
		f.must(f.db.SaveHealth(f.ctx, `[2]`))
		if found, checked, err := f.db.Health(f.ctx); err != nil || found != `[2]` || !checked.Equal(f.clock.Now()) {
			t.Errorf("%q, %s, %v", found, checked, err)
		}
		if again, err := f.db.RoundKey(f.ctx); err != nil || again != key {
			t.Errorf("the key is %q, %v", again, err)
		}
	},
	"a credential is as old as its first use": func(t *testing.T, open Open) {
		f := fresh(t, open)
		used := func(secret string) time.Time {
			t.Helper()
			first, err := f.db.FirstUsed(f.ctx, secret)
			f.must(err)
			return first
		}
		began := f.clock.Now()
		used("pit-one")
		f.clock.Move(time.Hour)
		if got := used("pit-two"); !got.Equal(f.clock.Now()) {
			t.Errorf("another one was used since %s", got)
		}
		if got := used("pit-one"); !got.Equal(began) {
			t.Errorf("the first was used since %s", got)
		}
	},
	"a token is renewed with each one that is stored": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if got, err := f.db.TokenRenewed(f.ctx, "crm"); err != nil || !got.IsZero() {
			t.Errorf("before there is any: %s, %v", got, err)
		}
		f.must(f.db.PutToken(f.ctx, "crm", "one"))
		f.clock.Move(time.Hour)
		_, err := f.db.ReplaceToken(f.ctx, "crm", "one", "two")
		f.must(err)
		if got, err := f.db.TokenRenewed(f.ctx, "crm"); err != nil || !got.Equal(f.clock.Now()) {
			t.Errorf("%s, %v", got, err)
		}
	},
}
