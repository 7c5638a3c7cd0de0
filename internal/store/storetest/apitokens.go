package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
)

// apiToken adds a token whose hash is its name.
func (f fixture) apiToken(name string, role store.Role) store.APIToken {
	f.Helper()
	a, err := f.db.AddAPIToken(f.ctx, store.APIToken{Name: name, Role: role, CreatedBy: "ana@example.com"}, name)
	f.must(err)
	return a
}

var apiTokens = map[string]func(*testing.T, Open){
	"a token is found by its hash alone": func(t *testing.T, open Open) {
		f := fresh(t, open)
		want := f.apiToken("dashboard", store.Viewer)
		f.apiToken("bot", store.Operator)
		want.LastUsedAt = f.clock.Now()
		if !want.CreatedAt.Equal(f.clock.Now()) {
			t.Errorf("it was made at %s", want.CreatedAt)
		}
		got, err := f.db.UseAPIToken(f.ctx, "dashboard")
		f.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, hash := range []string{"", "nobody's", "dashboard "} {
			if _, err := f.db.UseAPIToken(f.ctx, hash); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the hash %q: %v", hash, err)
			}
		}
	},
	"a use is noted once a minute": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.apiToken("dashboard", store.Viewer)
		first := f.clock.Now()
		for _, step := range []struct {
			move time.Duration
			want time.Time
		}{{0, first}, {59 * time.Second, first}, {time.Second, first.Add(time.Minute)}} {
			f.clock.Move(step.move)
			_, err := f.db.UseAPIToken(f.ctx, "dashboard")
			f.must(err)
			found, err := f.db.APITokens(f.ctx)
			f.must(err)
			if !found[0].LastUsedAt.Equal(step.want) {
				t.Errorf("at %s it was used last at %s", f.clock.Now(), found[0].LastUsedAt)
			}
		}
	},
	"a revoked token is nobody's, and its name is not given again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.apiToken("dashboard", store.Viewer)
		f.apiToken("bot", store.Admin)
		f.must(f.db.RevokeAPIToken(f.ctx, "dashboard"))
		revoked := f.clock.Now()
		f.clock.Move(time.Hour)
		f.must(f.db.RevokeAPIToken(f.ctx, "dashboard"))
		if _, err := f.db.UseAPIToken(f.ctx, "dashboard"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("it is still good: %v", err)
		}
		if _, err := f.db.AddAPIToken(f.ctx, store.APIToken{Name: "dashboard", Role: store.Admin}, "another"); !errors.Is(err, store.ErrTaken) {
			t.Errorf("the name is given again: %v", err)
		}
		if err := f.db.RevokeAPIToken(f.ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a token that does not exist: %v", err)
		}
		found, err := f.db.APITokens(f.ctx)
		f.must(err)
		if len(found) != 2 || found[0].Name != "bot" || !found[0].RevokedAt.IsZero() || !found[1].RevokedAt.Equal(revoked) {
			t.Errorf("the tokens are %+v", found)
		}
	},
	"of two who want the same name at once one gets it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		var added atomic.Int64
		var all sync.WaitGroup
		for i := range 10 {
			db := []*store.DB{f.db, node2}[i%2]
			all.Go(func() {
				_, err := db.AddAPIToken(f.ctx, store.APIToken{Name: "bot", Role: store.Viewer}, string(rune('a'+i)))
				switch {
				case err == nil:
					added.Add(1)
				case !errors.Is(err, store.ErrTaken):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if added.Load() != 1 {
			t.Errorf("%d got it", added.Load())
		}
	},
	"a role covers those before it, and no role covers what is none": func(t *testing.T, _ Open) {
		for i, r := range store.Roles {
			for j, need := range store.Roles {
				if r.Covers(need) != (i >= j) {
					t.Errorf("%s covers %s: %t", r, need, r.Covers(need))
				}
			}
			if r.Covers("root") || store.Role("").Covers(r) {
				t.Errorf("%s and what is no role", r)
			}
		}
	},
}
