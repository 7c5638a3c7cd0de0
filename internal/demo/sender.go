package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

const (
	firstRetry = 250 * time.Millisecond
	longRetry  = 5 * time.Second
	maxTries   = 12
	// keptDeliveries is how many deliveries the billing tool's page shows.
	keptDeliveries = 12
)

// message is one event on its way out.
type message struct {
	id    string
	about string // the customer's id
	value string
	body  []byte
}

// delivery is one message and how it fared, for the billing tool's page.
type delivery struct {
	message
	at     time.Time
	tries  int
	answer string
	done   bool
}

// sender delivers webhooks as the Standard Webhooks specification asks of a
// sender: the id stays the same however often a message is tried, the time and
// signature are new with each try, and anything but a 2xx is tried again, later
// and later.
type sender struct {
	ctx    context.Context // ends every delivery
	client *http.Client
	secret []byte

	mu         sync.Mutex
	url        string
	recent     []*delivery // newest first
	underway   int
	idle       chan struct{} // closed when underway falls to 0
	accepted   int
	duplicates int
	lost       int
}

func newSender(ctx context.Context, client *http.Client, secret []byte) *sender {
	return &sender{ctx: ctx, client: client, secret: secret}
}

// deliverTo sets the address webhooks go to.
func (s *sender) deliverTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}

// send returns at once. The times deliveries follow one another, so that each
// after the first is a true repeat of something already answered.
func (s *sender) send(m message, times int) {
	deliveries := make([]*delivery, max(times, 1))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range deliveries {
		deliveries[i] = &delivery{message: m, at: now(), answer: "on its way"}
		s.recent = append([]*delivery{deliveries[i]}, s.recent...)
	}
	s.recent = s.recent[:min(len(s.recent), keptDeliveries)]
	if s.underway == 0 {
		s.idle = make(chan struct{})
	}
	s.underway++
	go func() {
		for _, d := range deliveries {
			s.deliver(d)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.underway--; s.underway == 0 {
			close(s.idle)
		}
	}()
}

// wait returns when nothing is on its way any more.
func (s *sender) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		underway, idle := s.underway, s.idle
		s.mu.Unlock()
		if underway == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *sender) deliver(d *delivery) {
	delay := firstRetry
	for try := 1; ; try++ {
		said, ok, after := s.try(d.message)
		last := ok || try == maxTries || s.ctx.Err() != nil
		s.mu.Lock()
		d.tries, d.answer, d.done = try, said, ok
		if last && !ok {
			s.lost++
		}
		s.mu.Unlock()
		if last {
			return
		}
		pause(s.ctx, max(delay, after))
		delay = min(2*delay, longRetry)
	}
}

// try makes one request and says how it was answered.
func (s *sender) try(m message) (said string, ok bool, after time.Duration) {
	s.mu.Lock()
	url := s.url
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(m.body))
	if err != nil {
		return "the address cannot be used", false, 0
	}
	req.Header = signature.SignStandard(s.secret, m.id, now(), m.body)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return "no answer", false, 0
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		secs, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return strconv.Itoa(resp.StatusCode), false, time.Duration(min(max(secs, 0), 30)) * time.Second
	}
	var count struct{ Accepted, Duplicates int }
	if json.Unmarshal(body, &count) != nil {
		return fmt.Sprintf("%d", resp.StatusCode), true, 0
	}
	s.mu.Lock()
	s.accepted += count.Accepted
	s.duplicates += count.Duplicates
	s.mu.Unlock()
	words := []string{strconv.Itoa(resp.StatusCode)}
	if count.Accepted > 0 {
		words = append(words, "accepted")
	}
	if count.Duplicates > 0 {
		words = append(words, "repeat")
	}
	return strings.Join(words, ", "), true, 0
}

// counts is how many events were taken as new, recognised as repeats, and given
// up after the last try.
func (s *sender) counts() (accepted, duplicates, lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted, s.duplicates, s.lost
}

// deliveries returns copies of the latest deliveries, newest first.
func (s *sender) deliveries() []delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]delivery, len(s.recent))
	for i, d := range s.recent {
		list[i] = *d
	}
	return list
}

// pause waits for d and reports whether ctx lived through it.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
