package token

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func TestTheFirstTokenHasAPlaceAndIsNeverOverwritten(t *testing.T) {
	m := &memory{}
	k, err := New(m, key, "crm")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	empty, err := k.Token(t.Context())
	if err != nil || empty != (connector.Token{}) {
		t.Fatalf("%+v, %v", empty, err)
	}
	want := connector.Token{Access: "a", Refresh: "r", Origin: "file"}
	if _, err := k.Renew(t.Context(), empty, func(context.Context, connector.Token) (connector.Token, error) { return want, nil }); err != nil {
		t.Fatal(err)
	}
	if err := k.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Token(t.Context()); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

// memory keeps one sealed token as the database does.
type memory struct {
	mu     sync.Mutex
	sealed string
	fence  int64
	until  time.Time
	broken error
}

func (m *memory) Token(context.Context, string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sealed, nil
}

func (m *memory) BeginToken(_ context.Context, _, sealed string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sealed == "" {
		m.sealed = sealed
	}
	return m.broken
}

func (m *memory) PutToken(_ context.Context, _, sealed string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sealed, m.until = sealed, time.Time{}
	return m.broken
}

func (m *memory) LeaseToken(_ context.Context, _, read string, lease time.Duration) (int64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sealed != read || time.Now().Before(m.until) {
		return 0, false, nil
	}
	m.fence, m.until = m.fence+1, time.Now().Add(lease)
	return m.fence, true, nil
}

func (m *memory) ReplaceToken(ctx context.Context, _, read, sealed string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil || ctx.Err() != nil {
		return false, errors.Join(m.broken, ctx.Err())
	}
	if m.sealed != read {
		return false, nil
	}
	m.sealed, m.until = sealed, time.Time{}
	return true, nil
}

func (m *memory) ReleaseToken(_ context.Context, _ string, fence int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fence == fence {
		m.until = time.Time{}
	}
	return nil
}

func (m *memory) breakDown(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

func keeper(t *testing.T, s Store) *Keeper {
	t.Helper()
	k, err := New(s, key, "crm")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// server gives a new pair for each refresh token, once.
type server struct {
	mu    sync.Mutex
	live  string
	gave  int
	takes time.Duration
}

func (s *server) exchange(ctx context.Context, old connector.Token) (connector.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old.Refresh != s.live {
		return connector.Token{}, errors.New("invalid_grant")
	}
	time.Sleep(s.takes)
	s.gave++
	s.live = strings.Repeat("r", s.gave+1)
	if ctx.Err() != nil {
		return connector.Token{}, ctx.Err()
	}
	return connector.Token{Access: strings.Repeat("a", s.gave+1), Refresh: s.live, Expires: time.Now().Add(time.Hour)}, nil
}

func TestATokenIsSealedForItsConnectionAndKey(t *testing.T) {
	given := connector.Token{Access: "access-canary", Refresh: "refresh-canary", Expires: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	b, err := newBox(key, "crm")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := b.seal(given)
	if err != nil || strings.Contains(sealed, "canary") {
		t.Fatalf("%q, %v", sealed, err)
	}
	if got, err := b.open(sealed); err != nil || got != given {
		t.Errorf("opened it is %+v, %v", got, err)
	}
	if again, err := b.seal(given); err != nil || again == sealed {
		t.Errorf("the same token gives the same text, %v", err)
	}
	other, _ := newBox(key, "billing")
	stranger, _ := newBox([]byte("fedcba9876543210fedcba9876543210"), "crm")
	for name, who := range map[string]box{"another connection": other, "another key": stranger} {
		if _, err := who.open(sealed); err == nil || !strings.Contains(err.Error(), "encryption_key") {
			t.Errorf("%s opens it: %v", name, err)
		}
	}
	for i := range sealed {
		bad := []byte(sealed)
		bad[i] ^= 1
		if _, err := b.open(string(bad)); err == nil {
			t.Errorf("changed at %d it opens", i)
		}
	}
	for _, bad := range []string{"", "v1.", "v2." + sealed[3:], sealed[:20]} {
		if _, err := b.open(bad); err == nil {
			t.Errorf("%q opens", bad)
		}
	}
	for _, short := range [][]byte{nil, key[:31], key[:16]} {
		if _, err := New(&memory{}, short, "crm"); err == nil {
			t.Errorf("a key of %d bytes was taken", len(short))
		}
	}
}

func TestNobodyIsConnectedAtFirst(t *testing.T) {
	k := keeper(t, &memory{})
	if _, err := k.Token(t.Context()); !errors.Is(err, connector.ErrNotConnected) {
		t.Error(err)
	}
	if _, err := k.Renew(t.Context(), connector.Token{}, (&server{}).exchange); !errors.Is(err, connector.ErrNotConnected) {
		t.Error(err)
	}
}

// Two nodes with several callers each find the token stale in the same moment.
// A second exchange with the same refresh token would end the consent.
func TestOneRefreshTokenIsUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := &memory{}, &server{live: "r", takes: 3 * time.Second}
		nodes := []*Keeper{keeper(t, m), keeper(t, m)}
		if err := nodes[0].Put(t.Context(), connector.Token{Access: "a", Refresh: "r"}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				got, err := nodes[i%2].Renew(t.Context(), connector.Token{Access: "a"}, s.exchange)
				if err != nil || got.Access != "aa" {
					t.Errorf("caller %d gets %q, %v", i, got.Access, err)
				}
			})
		}
		all.Wait()
		if got, err := nodes[1].Token(t.Context()); s.gave != 1 || err != nil || got.Refresh != s.live {
			t.Errorf("%d exchanges; stored is %+v, %v", s.gave, got, err)
		}
	})
}

func TestAFailedExchangeLetsAnotherTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := &memory{}, &server{live: "r"}
		k := keeper(t, m)
		if err := k.Put(t.Context(), connector.Token{Access: "a", Refresh: "r"}); err != nil {
			t.Fatal(err)
		}
		no := errors.New("the server is down")
		if _, err := k.Renew(t.Context(), connector.Token{Access: "a"}, func(context.Context, connector.Token) (connector.Token, error) {
			return connector.Token{}, no
		}); !errors.Is(err, no) {
			t.Error(err)
		}
		began := time.Now()
		if got, err := k.Renew(t.Context(), connector.Token{Access: "a"}, s.exchange); err != nil || got.Access != "aa" || time.Since(began) > 0 {
			t.Errorf("%+v, %v after %s", got, err, time.Since(began))
		}
	})
}

func TestANodeThatDiedWhileRenewingIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, s := &memory{}, &server{live: "r"}
		k := keeper(t, m)
		if err := k.Put(t.Context(), connector.Token{Access: "a", Refresh: "r"}); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := m.LeaseToken(t.Context(), "crm", m.sealed, lease); !ok || err != nil {
			t.Fatal(ok, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := k.Renew(ctx, connector.Token{Access: "a"}, s.exchange); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller in a hurry: %v", err)
		}
		if got, err := k.Renew(t.Context(), connector.Token{Access: "a"}, s.exchange); err != nil || got.Access != "aa" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// The server gave a new pair; the database did not take it. The old refresh
// token is used up, so the new one must not be lost.
func TestWhatCannotBeStoredIsStoredWithTheNextCall(t *testing.T) {
	m, s := &memory{}, &server{live: "r"}
	k := keeper(t, m)
	if err := k.Put(t.Context(), connector.Token{Access: "a", Refresh: "r"}); err != nil {
		t.Fatal(err)
	}
	down := errors.New("the disk is full")
	m.breakDown(down)
	if got, err := k.Renew(t.Context(), connector.Token{Access: "a"}, s.exchange); !errors.Is(err, down) || got.Access != "" {
		t.Errorf("a token that is not stored was handed out: %+v, %v", got, err)
	}
	if _, err := k.Token(t.Context()); !errors.Is(err, down) {
		t.Errorf("the token of before was handed out: %v", err)
	}
	m.breakDown(nil)
	got, err := k.Renew(t.Context(), connector.Token{Access: "a"}, s.exchange)
	if err != nil || got.Access != "aa" || s.gave != 1 {
		t.Errorf("%+v, %v after %d exchanges", got, err, s.gave)
	}
	if fresh, err := keeper(t, m).Token(t.Context()); err != nil || fresh.Access != "aa" {
		t.Errorf("another node finds %+v, %v", fresh, err)
	}
}

func TestACallerWhoLeavesTakesNoTokenAlong(t *testing.T) {
	m, s := &memory{}, &server{live: "r"}
	k := keeper(t, m)
	if err := k.Put(t.Context(), connector.Token{Access: "a", Refresh: "r"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := k.Renew(ctx, connector.Token{Access: "a"}, func(ctx context.Context, old connector.Token) (connector.Token, error) {
		fresh, err := s.exchange(ctx, old)
		cancel()
		return fresh, err
	}); err != nil {
		t.Error(err)
	}
	if got, err := keeper(t, m).Token(t.Context()); err != nil || got.Access != "aa" {
		t.Errorf("stored is %+v, %v", got, err)
	}
}

// A stop, a reload or a closed browser in the middle of an exchange: the tool has taken the
// refresh token, which works once, so the new one must not be lost on its way.
func TestACallerWhoLeavesDoesNotEndTheExchange(t *testing.T) {
	m := &memory{}
	k, err := New(m, key, "crm")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Put(t.Context(), connector.Token{Access: "a1", Refresh: "r1"}); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	if _, err := k.Renew(ctx, connector.Token{Access: "a1", Refresh: "r1"}, func(ctx context.Context, _ connector.Token) (connector.Token, error) {
		leave()
		return connector.Token{Access: "a2", Refresh: "r2"}, ctx.Err()
	}); err != nil {
		t.Error(err)
	}
	if got, err := k.Token(t.Context()); err != nil || got.Refresh != "r2" {
		t.Errorf("stored is %+v, %v", got, err)
	}
}
