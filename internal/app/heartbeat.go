package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

// heartbeatSetting is where the configuration has the heartbeat.
const heartbeatSetting = "heartbeat"

// heartbeats calls an address while this process can store and carry events. That the
// calls stop is for whoever waits for them to notice.
type heartbeats struct {
	config.Heartbeat
	ready  func(ctx context.Context) error
	client *http.Client
	log    *slog.Logger

	failure atomic.Pointer[string] // why the last one was not sent
}

func newHeartbeats(h config.Heartbeat, ready func(ctx context.Context) error, log *slog.Logger) *heartbeats {
	client := dialguard.SettingClient(heartbeatSetting)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &heartbeats{Heartbeat: h, ready: ready, client: client, log: log}
}

// Run calls until ctx ends.
func (h *heartbeats) Run(ctx context.Context) {
	defer h.client.CloseIdleConnections()
	repeat(ctx, 0, func() time.Duration {
		h.note(ctx, h.beat(ctx))
		return h.Every
	})
}

// note logs the first of several failures, and that they are over.
func (h *heartbeats) note(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil:
		if h.failure.Swap(new(err.Error())) == nil {
			h.log.Warn("heartbeat not sent", slog.Any("error", err))
		}
	case h.failure.Swap(nil) != nil:
		h.log.Info("heartbeat sent again")
	}
}

// unsent is why the last one was not sent, "" when it was.
func (h *heartbeats) unsent() string {
	if h == nil {
		return ""
	}
	if why := h.failure.Load(); why != nil {
		return *why
	}
	return ""
}

// beat calls once. No error holds the address: it is the secret of whoever may call.
func (h *heartbeats) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	if err := h.ready(ctx); err != nil {
		return fmt.Errorf("not ready: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL.Reveal(), nil)
	if err != nil {
		return errors.New("the address is not valid")
	}
	req.Header.Set("User-Agent", "trueup")
	resp, err := h.client.Do(req)
	if guarded := (*dialguard.Refused)(nil); errors.As(err, &guarded) {
		return guarded
	}
	if err != nil {
		return errors.New("the call did not complete")
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("it answers %d", resp.StatusCode)
	}
	return nil
}
