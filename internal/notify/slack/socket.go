package slack

import (
	"context"
	"io"
	"log"
	"log/slog"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/trueup-sync/trueup/internal/dialguard"
)

// reconnect is the pause after a connection that could not be made at all:
// while it lasts only a person can end what is wrong.
const reconnect = time.Minute

// handshake is how long it may take until a connection is open.
const handshake = 30 * time.Second

// Socket hears the buttons of an app on a connection of ours, until ctx ends.
// Slack tells each press on one of the connections that an app has, so several
// nodes may hear.
func (i *Interactions) Socket(ctx context.Context) {
	for {
		err := i.socket(ctx)
		if ctx.Err() != nil {
			return
		}
		i.log.Error("Socket Mode is not connected: buttons in Slack do not work", slog.Duration("retry_in", reconnect), slog.Any("error", failure("open Socket Mode", err)))
		timer := time.NewTimer(reconnect)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// socket keeps a connection open; it comes back when there cannot be one.
func (i *Interactions) socket(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Its own log would show what people pressed.
	client := socketmode.New(i.app.api, socketmode.OptionLog(log.New(io.Discard, "", 0)), socketmode.OptionReadLimit(mostBody), socketmode.OptionDialer(dialer()))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case e := <-client.Events:
			i.event(ctx, client, e)
		case err := <-ended:
			return err
		}
	}
}

// dialer connects to where Slack says: it is an address out of an answer, and
// guarded like every other.
func dialer() *websocket.Dialer {
	dial, proxy := dialguard.SettingDial(Setting)
	return &websocket.Dialer{NetDialContext: dial, Proxy: proxy, HandshakeTimeout: handshake}
}

// event acknowledges a press when it is done. One that could not be done is
// not acknowledged: Slack then shows an error to the one who pressed.
func (i *Interactions) event(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	switch e.Type {
	case socketmode.EventTypeConnected:
		i.log.Info("Socket Mode is connected")
	case socketmode.EventTypeConnectionError:
		// The SDK tries again by itself.
		if failed, ok := e.Data.(*slackgo.ConnectionErrorEvent); ok && ctx.Err() == nil {
			i.log.Warn("could not connect Socket Mode", slog.Duration("retry_in", failed.Backoff), slog.Any("error", failure("open Socket Mode", failed.ErrorObj)))
		}
	case socketmode.EventTypeInteractive:
		i.doing.Go(func() {
			if _, problem := i.hear(ctx, e.Request.Payload); problem != "" {
				i.log.Warn("could not read a button", slog.String("problem", problem))
				return
			}
			if err := client.AckCtx(ctx, e.Request.EnvelopeID, nil); err != nil {
				i.log.Warn("a button was not acknowledged", slog.Any("error", err))
			}
		})
	}
}
