package store

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// Callers who share a transaction are all told when it is not known whether it was stored, and
// nothing of it is done twice. What the server refuses was not stored: each is tried alone.
func TestASharedTransactionIsNotRepeatedUnlessItWasRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		lost    bool
		inserts []int64
		stored  []int64
		unknown bool
	}{
		"the answer to the commit is lost": {true, []int64{1, 2}, []int64{1, 2}, true},
		"the server refuses the commit":    {false, []int64{1, 3}, []int64{1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			direct, err := url.Parse(pgtest.DSN(t))
			if err != nil {
				t.Fatal(err)
			}
			wire := newLosingWire(t, direct.Host)
			through := *direct
			through.Host = wire.Addr().String()
			db, err := Open(t.Context(), Options{DSN: through.String(), Migrate: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			for _, text := range []string{"create table allowed (n bigint primary key)", "insert into allowed values (1), (2)",
				"create table made (n bigint references allowed deferrable initially deferred)"} {
				if _, err := db.write.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
			var batch []*job
			for _, n := range tt.inserts {
				batch = append(batch, &job{ctx: t.Context(), done: make(chan error, 1), do: func(t *tx) error {
					_, err := t.exec("insert into made (n) values ($1)", n)
					return err
				}})
			}
			wire.loses.Store(tt.lost)
			db.commit(batch)
			for i, j := range batch {
				err := <-j.done
				if refused := tt.inserts[i] == 3; (err != nil) != (tt.lost || refused) || errors.Is(err, errNotKnown) != tt.unknown {
					t.Errorf("the caller of %d is told: %v", tt.inserts[i], err)
				}
			}
			rows, err := db.write.QueryContext(t.Context(), "select n from made order by n")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var stored []int64
			for rows.Next() {
				var n int64
				if err := rows.Scan(&n); err != nil {
					t.Fatal(err)
				}
				stored = append(stored, n)
			}
			if !slices.Equal(stored, tt.stored) || rows.Err() != nil {
				t.Errorf("stored are %v, not %v; %v", stored, tt.stored, rows.Err())
			}
		})
	}
}

// losingWire is a way to PostgreSQL that can end while the answer to a commit is on it.
type losingWire struct {
	net.Listener
	loses atomic.Bool
}

func newLosingWire(t *testing.T, to string) *losingWire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w := &losingWire{Listener: l}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				return
			}
			go w.join(client, server)
		}
	}()
	return w
}

func (w *losingWire) join(client, server net.Conn) {
	defer client.Close()
	var committing atomic.Bool
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, readerFunc(func(b []byte) (int, error) {
			n, err := client.Read(b)
			if bytes.Contains(b[:n], []byte("commit\x00")) && w.loses.Swap(false) {
				committing.Store(true)
			}
			return n, err
		}))
	}()
	_, _ = io.Copy(client, readerFunc(func(b []byte) (int, error) {
		n, err := server.Read(b)
		if committing.Load() {
			return 0, io.EOF
		}
		return n, err
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
