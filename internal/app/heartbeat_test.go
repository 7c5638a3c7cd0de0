package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
)

// The calls tell that all is well, so nothing is called while it is not.
func TestAHeartbeatIsSentOnlyWhileEventsCanBeStoredAndFailuresAreLoggedOnce(t *testing.T) {
	calls, answer := 0, http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Method != http.MethodGet || r.URL.Path != "/s3cret" {
			t.Errorf("called was %s %s", r.Method, r.URL)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(answer)
	}))
	defer server.Close()
	var ready error
	var log strings.Builder
	h := newHeartbeats(config.Heartbeat{URL: config.Secret(server.URL + "/s3cret")}, func(context.Context) error { return ready }, slog.New(slog.NewTextHandler(&log, nil)))
	defer h.client.CloseIdleConnections()
	for _, step := range []struct {
		name   string
		ready  error
		answer int
		calls  int
		unsent string
	}{
		{"all is well", nil, 204, 1, ""},
		{"nothing can be stored", errors.New("the disk is full"), 200, 1, "not ready: the disk is full"},
		{"it fails", nil, 500, 2, "it answers 500"},
		{"it redirects", nil, 302, 3, "it answers 302"},
		{"all is well again", nil, 200, 4, ""},
	} {
		ready, answer = step.ready, step.answer
		h.note(t.Context(), h.beat(t.Context()))
		if calls != step.calls || h.unsent() != step.unsent {
			t.Errorf("%s: %d calls, not sent: %q", step.name, calls, h.unsent())
		}
	}
	if strings.Count(log.String(), "heartbeat not sent") != 1 || strings.Count(log.String(), "heartbeat sent again") != 1 || strings.Contains(log.String(), "s3cret") {
		t.Errorf("logged was %s", log.String())
	}
}
