package demo

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trueup-sync/trueup/internal/signature"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(code int, body string, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: code, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAWebhookIsTriedUntilItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret, key := newSecret()
		scheme, err := signature.NewStandardWebhooks([]string{secret})
		must(t, err)
		start := time.Now()
		var at []time.Duration
		ids, signatures := map[string]bool{}, map[string]bool{}
		s := newSender(t.Context(), &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			if err := scheme.Verify(r.Header, body, time.Now()); err != nil {
				t.Errorf("try %d is not genuine: %v", len(at)+1, err)
			}
			at = append(at, time.Since(start))
			ids[r.Header.Get("Webhook-Id")] = true
			signatures[r.Header.Get("Webhook-Signature")] = true
			switch len(at) {
			case 1:
				return nil, errors.New("connection refused")
			case 2:
				return respond(503, "", http.Header{"Retry-After": {"3"}}), nil
			case 3:
				return respond(401, "", nil), nil
			}
			return respond(200, `{"accepted":1,"duplicates":0}`, nil), nil
		})}, key)
		s.deliverTo("http://trueup.test/hooks/billing")
		s.send(message{id: "evt_1", body: []byte("{}")}, 1)
		must(t, s.wait(t.Context()))

		want := []time.Duration{0, 250 * time.Millisecond, 3250 * time.Millisecond, 4250 * time.Millisecond}
		if len(at) != 4 || at[0] != want[0] || at[1] != want[1] || at[2] != want[2] || at[3] != want[3] {
			t.Errorf("tried at %v, want %v: later and later, and not before Retry-After", at, want)
		}
		if len(ids) != 1 || !ids["evt_1"] {
			t.Errorf("the id changed between tries: %v", ids)
		}
		if len(signatures) < 2 {
			t.Error("a try after a second should be signed with its own time")
		}
		accepted, duplicates, lost := s.counts()
		if accepted != 1 || duplicates != 0 || lost != 0 {
			t.Errorf("counted %d accepted, %d duplicates, %d lost", accepted, duplicates, lost)
		}
		if d := s.deliveries()[0]; !d.done || d.tries != 4 || d.answer != "200, accepted" {
			t.Errorf("the page would show %+v", d)
		}
	})
}

func TestAWebhookNobodyTakesIsGivenUpAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, key := newSecret()
		tries := 0
		s := newSender(t.Context(), &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			tries++
			return respond(500, "", nil), nil
		})}, key)
		s.send(message{id: "evt_1"}, 1)
		must(t, s.wait(t.Context()))
		if _, _, lost := s.counts(); lost != 1 || tries != maxTries {
			t.Errorf("%d lost after %d tries, want 1 after %d", lost, tries, maxTries)
		}
	})
}

func TestRepeatsFollowTheFirstDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, key := newSecret()
		calls, open := 0, 0
		s := newSender(t.Context(), &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			open++
			defer func() { open-- }()
			if open > 1 {
				t.Error("a repeat was sent before the first was answered")
			}
			pause(t.Context(), time.Second)
			if calls++; calls == 1 {
				return respond(200, `{"accepted":1,"duplicates":0}`, nil), nil
			}
			return respond(200, `{"accepted":0,"duplicates":1}`, nil), nil
		})}, key)
		s.send(message{id: "evt_1"}, 3)
		must(t, s.wait(t.Context()))
		if accepted, duplicates, _ := s.counts(); accepted != 1 || duplicates != 2 {
			t.Errorf("%d accepted and %d duplicates, want 1 and 2", accepted, duplicates)
		}
	})
}
