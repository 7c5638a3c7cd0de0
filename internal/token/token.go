// Package token keeps the tokens that an OAuth server issued for a connection:
// sealed in the database, and renewed by one node at a time.
//
// Main types: Keeper (a connector.Tokens) and Store (where it keeps them, which
// is the database). Main function: New.
//
// Invariants: a new token is stored before it is used, because a refresh token
// works once; if it cannot be stored, it is kept in memory and stored with the
// next call; a sealed token is valid for its own connection only; no error
// holds any part of a token or of the key.
//
// It must not import a vendor's package or the pipeline.
package token

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Store keeps sealed tokens; it is *store.DB.
type Store interface {
	Token(ctx context.Context, connection string) (sealed string, err error)
	BeginToken(ctx context.Context, connection, sealed string) error
	PutToken(ctx context.Context, connection, sealed string) error
	LeaseToken(ctx context.Context, connection, read string, lease time.Duration) (fence int64, ok bool, err error)
	ReplaceToken(ctx context.Context, connection, read, sealed string) (ok bool, err error)
	ReleaseToken(ctx context.Context, connection string, fence int64) error
}

const (
	// lease is longer than one exchange can take.
	lease = time.Minute
	// again is how often a caller checks while another node makes the exchange.
	again = 200 * time.Millisecond
	// exchanging bounds an exchange, and storing how long we try to store what it brings,
	// even after the caller has left: together less than the lease.
	exchanging = 30 * time.Second
	storing    = 10 * time.Second
)

// Keeper keeps the token of one connection.
type Keeper struct {
	store      Store
	connection string
	box        box

	mu sync.Mutex
	// unsaved is a new token that could not be stored; read is the token that it
	// replaces.
	unsaved *replacement
}

type replacement struct{ read, sealed string }

// New returns the keeper of a connection's token. key has 32 bytes.
func New(store Store, key []byte, connection string) (*Keeper, error) {
	b, err := newBox(key, connection)
	if err != nil {
		return nil, err
	}
	return &Keeper{store: store, connection: connection, box: b}, nil
}

// Put stores the token of a person's consent.
func (k *Keeper) Put(ctx context.Context, t connector.Token) error {
	sealed, err := k.box.seal(t)
	if err != nil {
		return err
	}
	return k.store.PutToken(ctx, k.connection, sealed)
}

// Begin implements connector.FirstTokens.
func (k *Keeper) Begin(ctx context.Context) error {
	sealed, err := k.box.seal(connector.Token{})
	if err != nil {
		return err
	}
	return k.store.BeginToken(ctx, k.connection, sealed)
}

// Token implements connector.Tokens.
func (k *Keeper) Token(ctx context.Context) (connector.Token, error) {
	_, t, err := k.read(ctx)
	return t, err
}

func (k *Keeper) read(ctx context.Context) (sealed string, t connector.Token, err error) {
	if err := k.save(ctx); err != nil {
		return "", connector.Token{}, err
	}
	sealed, err = k.store.Token(ctx, k.connection)
	if err != nil {
		return "", connector.Token{}, err
	}
	if sealed == "" {
		return "", connector.Token{}, connector.ErrNotConnected
	}
	t, err = k.box.open(sealed)
	if err != nil {
		return "", connector.Token{}, fmt.Errorf("the stored token of connection %s: %w", k.connection, err)
	}
	return sealed, t, nil
}

// Renew implements connector.Tokens.
func (k *Keeper) Renew(ctx context.Context, stale connector.Token, exchange func(context.Context, connector.Token) (connector.Token, error)) (connector.Token, error) {
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		sealed, stored, err := k.read(ctx)
		if err != nil {
			return connector.Token{}, err
		}
		if stored.Access != stale.Access {
			return stored, nil // another caller or node was faster
		}
		fence, ok, err := k.store.LeaseToken(ctx, k.connection, sealed, lease)
		if err != nil {
			return connector.Token{}, err
		}
		if ok {
			return k.exchange(ctx, sealed, stored, fence, exchange)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return connector.Token{}, fmt.Errorf("wait for another node to renew the token of connection %s: %w", k.connection, ctx.Err())
		}
	}
}

// exchange gets a new token for the old one and stores it. Once it is sent it continues after
// the caller has left: when the tool has taken the old one, that works no more.
func (k *Keeper) exchange(ctx context.Context, sealed string, old connector.Token, fence int64, exchange func(context.Context, connector.Token) (connector.Token, error)) (connector.Token, error) {
	sending, done := connector.Outliving(ctx, exchanging)
	defer done()
	fresh, err := exchange(sending, old)
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storing)
		defer cancel()
		return connector.Token{}, errors.Join(err, k.store.ReleaseToken(ctx, k.connection, fence))
	}
	if fresh.Refresh == "" {
		fresh.Refresh = old.Refresh // a server that keeps the refresh token
	}
	text, err := k.box.seal(fresh)
	if err != nil {
		return connector.Token{}, err
	}
	k.mu.Lock()
	k.unsaved = &replacement{read: sealed, sealed: text}
	k.mu.Unlock()
	if err := k.save(ctx); err != nil {
		return connector.Token{}, err
	}
	return fresh, nil
}

// save stores a new token that is not stored yet. It continues after the caller
// has left.
func (k *Keeper) save(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.unsaved == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storing)
	defer cancel()
	// Not replaced means that a person consented again meanwhile; that token is
	// newer.
	if _, err := k.store.ReplaceToken(ctx, k.connection, k.unsaved.read, k.unsaved.sealed); err != nil {
		return err
	}
	k.unsaved = nil
	return nil
}
