package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/slacktest"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/notify/slack/fakeslack"
)

// In Socket Mode a press comes on a connection of ours, and is acknowledged
// when it is done. After a disconnect the next one is opened.
func TestAPressOnOurOwnConnectionIsDoneAndAcknowledged(t *testing.T) {
	w := fakeslack.New(t)
	if _, err := New(settings(w), http.DefaultClient).Post(t.Context(), "#ops", sample()); err != nil {
		t.Fatal(err)
	}
	payload := w.Payload(fakeslack.Click{Message: w.Messages()[0], Verb: "acknowledge", User: "U7", Name: "zoe", ActionTS: "5.5"})
	acks, connections := make(chan string, 10), 0
	server := slacktest.NewTestServer(func(c slacktest.Customize) {
		c.Handle("/ws", slacktest.Websocket(func(conn *websocket.Conn) {
			connections++
			id := fmt.Sprint("envelope-", connections)
			say(t, conn, map[string]any{"type": "hello", "num_connections": 1})
			say(t, conn, map[string]any{"type": "interactive", "envelope_id": id, "accepts_response_payload": true, "payload": json.RawMessage(payload)})
			var ack struct {
				EnvelopeID string `json:"envelope_id"`
			}
			if err := conn.ReadJSON(&ack); err != nil {
				return // the test is over
			}
			acks <- ack.EnvelopeID
			say(t, conn, map[string]any{"type": "disconnect", "reason": "refresh_requested"})
			conn.ReadMessage() // until it is closed
		}))
		c.Handle("/apps.connections.open", func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw, `{"ok":true,"url":"ws://%s/ws"}`, r.Host)
		})
	})
	server.Start()
	defer server.Stop()

	c := config.Slack{BotToken: fakeslack.Token, AppToken: "xapp-1", BaseURL: server.GetAPIURL()}
	n := &noted{presses: make(chan notify.Press, 10)}
	i := NewInteractions(New(c, http.DefaultClient), c, http.DefaultClient, n, slog.New(slog.NewTextHandler(t.Output(), nil)))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		i.Socket(ctx)
		close(ended)
	}()
	for round := 1; round <= 2; round++ {
		if p := <-n.presses; p.UserID != "U7" || p.Verb != "acknowledge" {
			t.Errorf("done was %+v", p)
		}
		if id := <-acks; id != fmt.Sprint("envelope-", round) {
			t.Errorf("acknowledged was %s", id)
		}
	}
	cancel()
	<-ended
	i.Wait()
}

func say(t *testing.T, conn *websocket.Conn, message map[string]any) {
	if err := conn.WriteJSON(message); err != nil {
		t.Error(err)
	}
}

// The address of the connection comes out of an answer, and may be anything.
func TestOurOwnConnectionIsNotOpenedToAnAddressThatIsNotCalled(t *testing.T) {
	var reached atomic.Int64
	server := slacktest.NewTestServer(func(c slacktest.Customize) {
		c.Handle("/ws", func(http.ResponseWriter, *http.Request) { reached.Add(1) })
		c.Handle("/apps.connections.open", func(rw http.ResponseWriter, r *http.Request) {
			_, port, err := net.SplitHostPort(r.Host)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(rw, `{"ok":true,"url":"ws://0.0.0.0:%s/ws"}`, port) // Linux leads it to the machine itself
		})
	})
	server.Start()
	defer server.Stop()
	c := config.Slack{BotToken: fakeslack.Token, AppToken: "xapp-1", BaseURL: server.GetAPIURL()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := until{told: make(chan string, 1), stop: cancel}
	NewInteractions(New(c, http.DefaultClient), c, http.DefaultClient, &noted{}, slog.New(slog.NewTextHandler(said, nil))).Socket(ctx)
	if n := reached.Load(); n != 0 {
		t.Fatalf("it was reached %d times", n)
	}
	line := <-said.told
	if !strings.Contains(line, "0.0.0.0 is not called") || !strings.Contains(line, "correct the address under notify.slack") || strings.Contains(line, "also_allow") {
		t.Errorf("it was told as %s", line)
	}
}

// until keeps the first line of a log, and stops what writes it then.
type until struct {
	told chan string
	stop func()
}

func (u until) Write(line []byte) (int, error) {
	select {
	case u.told <- string(line):
		u.stop()
	default:
	}
	return len(line), nil
}
