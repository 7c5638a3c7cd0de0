package poll

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/store"
)

// limited is a tool that is at its limit until a time. Its own are guarded by the
// billing's mu as well.
type limited struct {
	billing
	until time.Time
	kind  connector.FailureKind
	once  int // fails this call instead, and no other
}

func (l *limited) Since(ctx context.Context, cursor string) ([]connector.Reading, string, bool, error) {
	l.mu.Lock()
	refuses := time.Now().Before(l.until) || l.once == len(l.asked)+1
	if refuses {
		l.once = 0
	}
	l.mu.Unlock()
	if refuses {
		return nil, "", false, &connector.Failure{Kind: l.kind, Effect: connector.EffectNone, RetryAfter: 30 * time.Second, Detail: "the tool said no"}
	}
	return l.billing.Since(ctx, cursor)
}

func TestPeopleAreToldOfALimitThatLasts(t *testing.T) {
	for name, tt := range map[string]struct {
		kind  connector.FailureKind
		lasts time.Duration
		told  bool
	}{
		"two hours of it":                 {connector.RateLimited, 2 * time.Hour, true},
		"a minute of anything else":       {connector.Unauthorized, time.Minute, true},
		"fifty minutes of a limit, twice": {connector.RateLimited, 50 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newStore(nil)
				l := &limited{kind: tt.kind, until: time.Now().Add(tt.lasts)}
				p := node(db, nil, 5*time.Minute)
				p.Changes = l
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { p.Run(ctx); close(done) }()
				time.Sleep(tt.lasts - time.Second)
				synctest.Wait()
				told := func(want bool) {
					t.Helper()
					open, err := db.Exceptions(t.Context(), store.ExceptionFilter{Sync: "customer-status", States: store.NeedPerson})
					if err != nil || (len(open) > 0) != want {
						t.Errorf("people are told %v, %v", open, err)
					}
				}
				told(tt.told)
				time.Sleep(10 * time.Minute) // it is asked again
				synctest.Wait()
				told(false)
				l.mu.Lock()
				l.until = time.Now().Add(tt.lasts)
				l.mu.Unlock()
				time.Sleep(tt.lasts)
				synctest.Wait()
				told(tt.told)
				stop()
				<-done
			})
		})
	}
}

// The rest of the list may take days.
func TestAnOutageIsOverWhenTheNextPageIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newStore(nil)
		l := &limited{billing: billing{takes: 40 * time.Second, pages: 5}, kind: connector.Unauthorized, once: 3}
		p := node(db, nil, 5*time.Minute)
		p.Changes = l
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		for _, at := range []struct {
			after time.Duration
			told  bool
		}{{70 * time.Second, false}, {30 * time.Second, true}, {60 * time.Second, false}} {
			time.Sleep(at.after)
			synctest.Wait()
			open, err := db.Exceptions(t.Context(), store.ExceptionFilter{Sync: "customer-status", States: store.NeedPerson})
			l.mu.Lock()
			asked := len(l.asked)
			l.mu.Unlock()
			if err != nil || (len(open) > 0) != at.told || asked == l.pages {
				t.Errorf("with %d answers people are told %v, %v", asked, open, err)
			}
		}
		stop()
		<-done
	})
}
