package token

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Returns keeps what a person brings back from a consent, for the process that
// waits for it; it is *store.DB.
type Returns interface {
	ExpectReturn(ctx context.Context, connection, state string, lasts time.Duration) error
	StoreReturn(ctx context.Context, connection, state, sealed string) (ok bool, err error)
	TakeReturn(ctx context.Context, connection, state string) (sealed string, ok bool, err error)
}

// looks is how often the one who waits looks whether the person is back.
const looks = 500 * time.Millisecond

// ErrNoReturn means that nobody waits for this return: it is unknown, old, or
// was used.
var ErrNoReturn = errors.New("nobody waits for this answer of a consent")

// Await waits until a person comes back to any node with this state, once, and
// returns the code, "" when access was not granted. ready is called when a node
// would take it.
func Await(ctx context.Context, r Returns, key []byte, connection, state string, lasts time.Duration, ready func()) (code string, err error) {
	b, err := returnBox(key, connection)
	if err != nil {
		return "", err
	}
	if err := r.ExpectReturn(ctx, connection, hashOf(state), lasts); err != nil {
		return "", err
	}
	ready()
	ticker := time.NewTicker(looks)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		sealed, ok, err := r.TakeReturn(ctx, connection, hashOf(state))
		if err != nil {
			return "", err
		}
		if !ok {
			continue
		}
		t, err := b.open(sealed)
		if err != nil {
			return "", fmt.Errorf("the code that the running service received: %w", err)
		}
		return t.Access, nil
	}
}

// Return hands what a person came back with to the one who waits for it.
// ErrNoReturn changes nothing.
func Return(ctx context.Context, r Returns, key []byte, connection, state, code string) error {
	b, err := returnBox(key, connection)
	if err != nil {
		return err
	}
	sealed, err := b.seal(connector.Token{Access: code})
	if err != nil {
		return err
	}
	ok, err := r.StoreReturn(ctx, connection, hashOf(state), sealed)
	if err == nil && !ok {
		err = ErrNoReturn
	}
	return err
}

// returnBox seals codes, which open nowhere as tokens.
func returnBox(key []byte, connection string) (box, error) { return newBox(key, connection+" (code)") }

func hashOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return hex.EncodeToString(sum[:])
}
