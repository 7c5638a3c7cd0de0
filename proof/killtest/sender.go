package killtest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sender posts webhooks and judges how they are answered.
type sender struct {
	// address returns where the program is reached now, "" when nowhere.
	address func() string
	client  *http.Client

	posted, acknowledged, refused atomic.Int64
	// unsure says that a commit may have arrived whose answer did not: the program tries
	// again, and finds that it has the event.
	unsure  atomic.Bool
	mu      sync.Mutex
	strange []Breach
}

// patience is how long a sender waits for an answer.
const patience = 3 * time.Second

func newSender(address func() string) *sender {
	return &sender{address: address, client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second}}}
}

func (s *sender) odd(b Breach) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strange = append(s.strange, b)
}

// counts is what a webhook is answered.
type counts struct{ Accepted, Duplicates int }

// post sends an event once and reports whether it was acknowledged.
func (s *sender) post(ctx context.Context, e *Event) bool {
	address := s.address()
	if address == "" {
		return false
	}
	known := e.post()
	s.posted.Add(1)
	got, ok := s.send(ctx, address, e)
	switch {
	case !ok:
		return false
	case got.Accepted+got.Duplicates != 1:
		s.odd(breach(6, "%s is answered %+v", e.ID, got))
	case got.Accepted == 1 && known:
		e.lose()
	case got.Duplicates == 1 && e.postedOnce() && !s.unsure.Load():
		s.odd(breach(6, "%s is called a repeat, and it was sent for the first time", e.ID))
	}
	if e.acknowledge() {
		s.acknowledged.Add(1)
	}
	return true
}

// repeat sends an acknowledged event again: it must be known.
func (s *sender) repeat(ctx context.Context, e *Event) bool {
	got, ok := s.send(ctx, s.address(), e)
	if ok && got.Accepted > 0 {
		e.lose()
	}
	return ok
}

// send sends an event. ok says that it was acknowledged.
func (s *sender) send(ctx context.Context, address string, e *Event) (got counts, ok bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/hooks/billing", strings.NewReader(e.Body))
	if err != nil {
		s.odd(breach(6, "%s", err))
		return got, false
	}
	sign(req.Header, e.ID, e.Body, time.Now())
	resp, err := s.client.Do(req)
	if err != nil {
		return got, false // it was killed, or stands still
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return got, false
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		if err := json.Unmarshal(text, &got); err != nil {
			s.odd(breach(6, "%s is acknowledged with %q", e.ID, text))
		}
		return got, true
	case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		s.refused.Add(1)
	default:
		s.odd(breach(6, "%s is answered %d %v %q", e.ID, resp.StatusCode, resp.Header, text))
	}
	return got, false
}

// sign signs a body as the Standard Webhooks specification says.
func sign(h http.Header, id, body string, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
