package connectortest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Webhook is one genuine delivery and what may be done to it.
type Webhook struct {
	// Body is a delivery that holds at least one event that can be read, unless Ping.
	Body []byte
	// Now is the time of the delivery.
	Now time.Time
	// Sign returns the headers of a genuine delivery of the body at Now; nil
	// for a connection that believes anyone.
	Sign func(body []byte) http.Header
	// SignWrong does the same with a key that is not configured.
	SignWrong func(body []byte) http.Header
	// BodyNotCovered is set when the scheme proves the sender only (a secret
	// in a header), so that a changed body cannot be noticed.
	BodyNotCovered bool
	// Ping is set where nothing is in it but that something changed.
	Ping bool
	// Type is the body's type, where it is no JSON. No signature covers it.
	Type string
	// Expires is set when the signature covers the time of the delivery.
	Expires bool
}

const (
	ruleGenuine   = "what the tool signs must be accepted, or its events are lost"
	ruleTampered  = "a signature is for exactly these bytes; a delivery that was changed on its way is stored by nobody"
	ruleWrongKey  = "only the tool knows the key; anyone can sign with another one"
	ruleAbsent    = "a delivery without a signature is anybody's"
	ruleRepeated  = "of a header that comes twice a proxy may read the first and we the last; only one may be there"
	ruleExpired   = "a delivery that was recorded must not be good for ever"
	ruleUnsigned  = "a connection that believes anyone says so, because the answers to malformed bodies differ"
	ruleReadable  = "an event without an id cannot be recognised when it comes again, one without a customer wakes nobody"
	ruleGarbage   = "whatever arrives, reading it ends in events or in an error"
	ruleSameTwice = "reading the same delivery twice gives the same events, or a retry would count as new"
)

func testWebhook(t *testing.T, h Harness) {
	wh := h.Webhook
	w := open(t, h, func(rw http.ResponseWriter, r *http.Request) {
		t.Errorf("receiving a webhook made a call to the tool: %s", r.Method)
	})
	r := w.conn.Receiver
	if r == nil {
		t.Fatal("the harness has a webhook and the connection has no Receiver")
	}
	header := http.Header{}
	if wh.Sign != nil {
		header = wh.Sign(wh.Body)
	}
	// How a delivery is read depends on its type.
	typed := header.Clone()
	if wh.Type != "" {
		typed.Set("Content-Type", wh.Type)
	}
	verify := func(h http.Header, body []byte, now time.Time) error {
		err := r.Verify(h, body, now)
		w.discreet("the verdict's", err)
		return err
	}
	refused := func(t *testing.T, rule string, h http.Header, body []byte, now time.Time) {
		t.Helper()
		if verify(h, body, now) == nil {
			t.Errorf("the delivery was accepted\nrule: %s", rule)
		}
	}

	if got := r.Signed(); got != (wh.Sign != nil) {
		t.Errorf("Signed() is %v\nrule: %s", got, ruleUnsigned)
	}
	if err := verify(header, wh.Body, wh.Now); err != nil {
		t.Fatalf("a genuine delivery was refused: %v\nrule: %s", err, ruleGenuine)
	}
	if wh.Sign != nil {
		testSignature(t, wh, header, refused)
	}

	if wh.Ping {
		return
	}
	t.Run("a delivery is read the same each time", func(t *testing.T) {
		first, err := r.Events(typed, wh.Body)
		if err != nil || len(first) == 0 {
			t.Fatalf("got %d events and %v", len(first), err)
		}
		second, err := r.Events(typed, wh.Body)
		if err != nil || len(second) != len(first) {
			t.Fatalf("the second time: %d events and %v\nrule: %s", len(second), err, ruleSameTwice)
		}
		readable := 0
		for i, e := range first {
			if e.Event.ID != second[i].Event.ID || e.Event.Customer != second[i].Event.Customer {
				t.Errorf("event %d differs the second time\nrule: %s", i, ruleSameTwice)
			}
			if len(e.Event.Payload) == 0 {
				t.Errorf("event %d has no payload to be read again later", i)
			}
			if e.Err != nil || e.Skip != "" {
				continue
			}
			readable++
			if e.Event.ID == "" || e.Event.Customer == "" {
				t.Errorf("event %d has id %q and customer %q\nrule: %s", i, e.Event.ID, e.Event.Customer, ruleReadable)
			}
		}
		if readable == 0 {
			t.Error("none of the events can be read")
		}
	})

	t.Run("garbage ends in an error that does not repeat it", func(t *testing.T) {
		for _, body := range []string{"", " ", "null", "[]", "{}", "[[[", "{\"" + personal + "\":1}", `"` + personal + `"`, personal,
			"\xff\xfe", `{"id":{"id":{}}}`, `[{"id":1},{"id":"` + personal + `"}]`, strings.Repeat("[", 5000), "<html>" + personal + "</html>",
			string(wh.Body) + string(wh.Body), string(wh.Body[:len(wh.Body)/2]),
			// the same keys with other kinds of values
			strings.NewReplacer(`":"`, `":["`, `",`, `"],`, `"}`, `"]}`).Replace(string(wh.Body)),
		} {
			readings, err := r.Events(typed, []byte(body))
			w.discreet("the reader's", err)
			for _, e := range readings {
				w.discreet("the event's", e.Err)
				if e.Err == nil && e.Skip == "" && (e.Event.ID == "" || e.Event.Customer == "") {
					t.Errorf("an event without id or customer was read\nrule: %s", ruleReadable)
				}
			}
			if err == nil && len(readings) == 0 && len(body) < 3 && body != "[]" {
				t.Errorf("%q was read as no events at all\nrule: %s", body, ruleGarbage)
			}
		}
	})
}

func testSignature(t *testing.T, wh *Webhook, header http.Header, refused func(*testing.T, string, http.Header, []byte, time.Time)) {
	t.Run("a changed body is refused", func(t *testing.T) {
		if wh.BodyNotCovered {
			return
		}
		for i := range wh.Body {
			for _, bit := range []byte{1, 0x80} {
				body := slices.Clone(wh.Body)
				body[i] ^= bit
				refused(t, ruleTampered, header, body, wh.Now)
			}
		}
		refused(t, ruleTampered, header, wh.Body[:len(wh.Body)-1], wh.Now)
		refused(t, ruleTampered, header, append(slices.Clone(wh.Body), ' '), wh.Now)
		refused(t, ruleTampered, header, nil, wh.Now)
	})
	t.Run("a changed header is refused", func(t *testing.T) {
		for name := range header {
			for i := range header.Get(name) {
				value := []byte(header.Get(name))
				value[i] ^= 1
				changed := header.Clone()
				changed.Set(name, string(value))
				refused(t, ruleTampered, changed, wh.Body, wh.Now)
			}
		}
	})
	t.Run("another key is refused", func(t *testing.T) {
		if wh.SignWrong == nil {
			t.Fatal("the harness has no SignWrong")
		}
		refused(t, ruleWrongKey, wh.SignWrong(wh.Body), wh.Body, wh.Now)
	})
	t.Run("an absent, empty or repeated header is refused", func(t *testing.T) {
		refused(t, ruleAbsent, http.Header{}, wh.Body, wh.Now)
		wrong := wh.SignWrong(wh.Body)
		for name := range header {
			without := header.Clone()
			without.Del(name)
			refused(t, ruleAbsent, without, wh.Body, wh.Now)
			without.Set(name, "")
			refused(t, ruleAbsent, without, wh.Body, wh.Now)
			for _, other := range []string{header.Get(name), wrong.Get(name), ""} {
				after := header.Clone()
				after.Add(name, other)
				refused(t, ruleRepeated, after, wh.Body, wh.Now)
				before := header.Clone()
				before[http.CanonicalHeaderKey(name)] = []string{other, header.Get(name)}
				refused(t, ruleRepeated, before, wh.Body, wh.Now)
			}
		}
	})
	t.Run("a recorded delivery is refused later", func(t *testing.T) {
		if !wh.Expires {
			return
		}
		refused(t, ruleExpired, header, wh.Body, wh.Now.Add(time.Hour))
		refused(t, ruleExpired, header, wh.Body, wh.Now.Add(-time.Hour))
	})
}
