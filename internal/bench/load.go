package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

// load is webhooks that are sent.
type load struct {
	urls    []string // each is sent its share
	key     []byte
	senders int
	n       int
	atMost  time.Duration   // it ends then, 0: when all are sent
	every   time.Duration   // each sender's pace, 0: as fast as it is answered
	until   context.Context // what is sent is answered, but no more sent once it ends; nil: until all are sent
	// event makes the i-th event, from 0.
	event func(i int) (id string, body []byte)
}

// sent is how it went.
type sent struct {
	n     int
	took  time.Duration
	calls []time.Duration
}

// send sends them until all are answered; another answer than 200 ends it.
func (l load) send(ctx context.Context) (sent, error) {
	transport := &http.Transport{MaxIdleConns: l.senders, MaxIdleConnsPerHost: l.senders}
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	defer transport.CloseIdleConnections()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	ends, end := context.WithCancel(ctx)
	defer end()
	if l.atMost > 0 {
		defer time.AfterFunc(l.atMost, end).Stop()
	}
	if l.until != nil {
		defer context.AfterFunc(l.until, end)()
	}
	var next atomic.Int64
	calls := make([][]time.Duration, l.senders)
	var all sync.WaitGroup
	began := time.Now()
	for s := range l.senders {
		all.Go(func() {
			for ends.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= l.n {
					return
				}
				id, body := l.event(i)
				before := time.Now()
				if err := l.one(ctx, client, l.urls[i%len(l.urls)], id, body); err != nil {
					fail(err)
					return
				}
				calls[s] = append(calls[s], time.Since(before))
				if l.every > 0 {
					wait(ends, l.every-time.Since(before))
				}
			}
		})
	}
	all.Wait()
	r := sent{took: time.Since(began)}
	for _, c := range calls {
		r.calls = append(r.calls, c...)
	}
	r.n = len(r.calls)
	return r, context.Cause(ctx) // nil unless a call failed
}

func (l load) one(ctx context.Context, client *http.Client, url, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = signature.SignStandard(l.key, id, time.Now(), body)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("send a webhook: %w", err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return fmt.Errorf("read the answer to a webhook: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a webhook was answered %d: %s", resp.StatusCode, said)
	}
	return nil
}

// wait waits, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
