package config

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Webhook is an address that gets messages as JSON, signed by Standard Webhooks.
type Webhook struct {
	URL     Secret   `yaml:"url" jsonschema:"required,example=https://alerts.example.com/trueup" jsonschema_description:"The address that gets a POST for each message."`
	Secrets []Secret `yaml:"secrets" jsonschema:"required" jsonschema_description:"The secrets that sign each message, whsec_ and at least 24 bytes in base64; with several, each signs."`
	Events  []Event  `yaml:"events" jsonschema:"enum=alarm.began,enum=alarm.ended,enum=exceptions.opened,enum=exceptions.closed,enum=exceptions.overdue,enum=exceptions.many,enum=file.refused,enum=file.used" jsonschema_description:"Only these events (default: all)."`
}

// Event is what a message to a program is about.
type Event string

// The events.
const (
	AlarmBegan        Event = "alarm.began"
	AlarmEnded        Event = "alarm.ended"
	ExceptionsOpened  Event = "exceptions.opened"  // a group
	ExceptionsClosed  Event = "exceptions.closed"  // all of it
	ExceptionsOverdue Event = "exceptions.overdue" // some of it
	ExceptionsMany    Event = "exceptions.many"    // many groups at once, in one message
	FileRefused       Event = "file.refused"       // a changed trueup.yaml is not used
	FileUsed          Event = "file.used"
)

// Events lists the closed set.
var Events = []Event{AlarmBegan, AlarmEnded, ExceptionsOpened, ExceptionsClosed, ExceptionsOverdue, ExceptionsMany, FileRefused, FileUsed}

// Wants reports whether an event is sent.
func (w Webhook) Wants(e Event) bool { return len(w.Events) == 0 || slices.Contains(w.Events, e) }

// leastSecret is the shortest key that Standard Webhooks allows, in bytes.
const leastSecret = 24

func (v *validator) webhook(path string, w Webhook) {
	if u, err := url.Parse(w.URL.Reveal()); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		v.invalid(path+".url", "it is missing, or not an absolute URL", "write the address that gets the messages, such as https://alerts.example.com/trueup")
	}
	if len(w.Secrets) == 0 {
		v.invalid(path+".secrets", "it is missing", "write at least one secret, which the receiver knows too: whsec_ and the output of openssl rand -base64 32")
	}
	for i, s := range w.Secrets {
		key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
		if err != nil || len(key) < leastSecret {
			v.invalid(fmt.Sprintf("%s.secrets[%d]", path, i), fmt.Sprintf("it is not whsec_ and at least %d bytes in base64", leastSecret), "write whsec_ and the output of openssl rand -base64 32")
		}
	}
	for i, e := range w.Events {
		if !slices.Contains(Events, e) {
			var all []string
			for _, known := range Events {
				all = append(all, string(known))
			}
			v.invalid(fmt.Sprintf("%s.events[%d]", path, i), "no such event", didYouMean(string(e), all, "events"))
		}
	}
}
