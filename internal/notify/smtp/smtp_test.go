package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/notify/smtp/fakesmtp"
)

// to is a client of a server, with all that it logs.
func to(server *fakesmtp.Server, change func(c *config.SMTP)) (*SMTP, *bytes.Buffer) {
	c := config.SMTP{Host: server.Host, Port: server.Port, StartTLS: config.StartTLSRequired, From: "Trueup <trueup@example.com>", To: []string{"ana@example.com", "Ben <ben@example.com>"}}
	if server.Login {
		c.User, c.Password = fakesmtp.User, fakesmtp.Password
	}
	if change != nil {
		change(&c)
	}
	log := &bytes.Buffer{}
	s := New(c, slog.New(slog.NewTextHandler(log, nil)))
	s.roots = server.Roots
	return s, log
}

func sample() notify.Message {
	return notify.Message{ID: "msg_1", Icon: notify.Alarm, Title: "Customers wait too long in customer-status\r\nBcc: eve@example.com", Owner: notify.Person{Name: "ana@example.com"},
		Text: "3 customers waiting for more than 15m. What to do: check that Trueup is running", Facts: []notify.Fact{{Name: "Customer", Value: "carla.müller@example.com"}},
		List: []string{"cus_1, source: paused", "."}, Notes: []string{"trueup events"}, Links: []notify.Link{{Text: "Open Trueup", URL: "https://sync.example.com"}}}
}

// post sends the sample and returns what failed.
func post(t *testing.T, s *SMTP) *connector.Failure {
	t.Helper()
	_, err := s.Post(t.Context(), Setting, sample())
	if err == nil {
		return nil
	}
	return connector.FailureOf(err)
}

func TestAnEmailIsPlainTextWithoutAnAddressInFull(t *testing.T) {
	server := fakesmtp.New(t, fakesmtp.Options{Login: true})
	s, _ := to(server, nil)
	if f := post(t, s); f != nil {
		t.Fatal(f)
	}
	all := server.Mails()
	if len(all) != 1 || !all[0].TLS || !slices.Equal(all[0].To, []string{"ana@example.com", "ben@example.com"}) || !strings.HasPrefix(all[0].From, "FROM:<trueup@example.com>") {
		t.Fatalf("it took %+v", all)
	}
	m, err := mail.ReadMessage(strings.NewReader(all[0].Text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "[Trueup] Customers wait too long in customer-status Bcc: e***@example.com" || m.Header.Get("Bcc") != "" {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	for name, want := range map[string]string{"Message-ID": "<msg_1@example.com>", "Auto-Submitted": "auto-generated", "From": `"Trueup" <trueup@example.com>`} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if m.Header.Get("Date") == "" || !strings.HasPrefix(m.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("the header is %v", m.Header)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := `Customers wait too long in customer-status Bcc: e***@example.com

3 customers waiting for more than 15m. What to do: check that Trueup is running

Owner: a***@example.com
Customer: c***@example.com

- cus_1, source: paused
- .

trueup events
Open Trueup: https://sync.example.com
`
	if got := strings.ReplaceAll(string(text), "\r\n", "\n"); got != want {
		t.Errorf("it says\n%s", got)
	}
}

// answers plants an answer to one use of a verb.
func answers(verb string, nth int, answer string) func(string, int, string) string {
	return func(v string, n int, _ string) string {
		if v == verb && (nth == 0 || n == nth) {
			return answer
		}
		return ""
	}
}

func TestAnEmailThatFailsIsTriedAgainOrNeedsAPerson(t *testing.T) {
	for name, c := range map[string]struct {
		server fakesmtp.Options
		change func(c *config.SMTP)
		kind   connector.FailureKind
		effect connector.Effect
		says   string
		mails  int // at once
		then   bool
	}{
		"the server is busy at the start":            {server: fakesmtp.Options{Answer: answers("EHLO", 2, "421 busy")}, kind: connector.Transient, says: "answers 421", then: true},
		"the sender is deferred":                     {server: fakesmtp.Options{Answer: answers("MAIL", 1, "451 later")}, kind: connector.Transient, says: "answers 451 to the sender's address: later", then: true},
		"the message is deferred":                    {server: fakesmtp.Options{Answer: answers("END", 1, "451 4.7.1 greylisted")}, kind: connector.Transient, says: "answers 451 to the message", then: true},
		"the connection ends after the message":      {server: fakesmtp.Options{Answer: answers("END", 1, fakesmtp.Cut)}, kind: connector.Transient, effect: connector.EffectUnknown, says: "before the server said that it has the message", mails: 1, then: true},
		"the connection ends before":                 {server: fakesmtp.Options{Answer: answers("RCPT", 1, fakesmtp.Cut)}, kind: connector.Transient, says: "ended early", then: true},
		"all addresses are refused":                  {server: fakesmtp.Options{Answer: answers("RCPT", 0, "550 5.1.1 no ana@example.com here")}, kind: connector.Refused, says: "answers 550 to the address b***@example.com: 5.1.1 no a***@example.com here"},
		"the message is refused":                     {server: fakesmtp.Options{Answer: answers("END", 0, "554 spam")}, kind: connector.Refused, says: "answers 554 to the message"},
		"there is no STARTTLS":                       {server: fakesmtp.Options{NoTLS: true}, kind: connector.Misconfigured, says: "offers no STARTTLS, so nothing was sent"},
		"the certificate is of another host":         {server: fakesmtp.Options{Login: true}, change: func(c *config.SMTP) { c.Host = "localhost" }, kind: connector.Misconfigured, says: "certificate is not valid for localhost"},
		"the password is wrong":                      {server: fakesmtp.Options{Login: true}, change: func(c *config.SMTP) { c.Password = "wr0ng-horse" }, kind: connector.Unauthorized, says: "answers 535 to the login; correct notify.smtp.user and password"},
		"there is no login":                          {server: fakesmtp.Options{}, change: func(c *config.SMTP) { c.User, c.Password = "trueup", "wr0ng-horse" }, kind: connector.Misconfigured, says: "offers no login"},
		"there is a login that is not in the file":   {server: fakesmtp.Options{Answer: answers("MAIL", 0, "530 5.7.0 log in first")}, kind: connector.Refused, says: "answers 530"},
		"it is the address of a cloud's credentials": {server: fakesmtp.Options{}, change: func(c *config.SMTP) { c.Host = "169.254.169.254" }, kind: connector.Misconfigured, says: "169.254.169.254 is not called"},
	} {
		t.Run(name, func(t *testing.T) {
			server := fakesmtp.New(t, c.server)
			s, log := to(server, c.change)
			f := post(t, s)
			if f == nil || f.Kind != c.kind || f.Effect != first(c.effect) || !strings.Contains(f.Error(), c.says) {
				t.Fatalf("it failed with %+v", f)
			}
			if got := len(server.Mails()); got != c.mails {
				t.Errorf("there are %d mails", got)
			}
			if c.then {
				if f := post(t, s); f != nil {
					t.Fatalf("the second try: %v", f)
				}
				all := server.Mails()
				if len(all) != c.mails+1 {
					t.Errorf("there are %d mails after the second try", len(all))
				}
				for _, m := range all {
					if !strings.Contains(m.Text, "Message-ID: <msg_1@example.com>") {
						t.Errorf("another id: %s", m.Text)
					}
				}
			}
			said := fmt.Sprintf("%s %+v %v", log, f, errors.Unwrap(f))
			for _, secret := range []string{"horse", "aG9yc2U", "ob3Jz", "LWhvcn", "ana@example.com", "ben@example.com"} { // the password, also in base64
				if strings.Contains(said, secret) {
					t.Errorf("%q is in %s", secret, said)
				}
			}
		})
	}
}

func first(e connector.Effect) connector.Effect {
	if e == "" {
		return connector.EffectNone
	}
	return e
}

func TestAnAddressThatFailsDoesNotKeepTheOthersFromTheirMail(t *testing.T) {
	at := func(address, answer string, times int) func(string, int, string) string {
		return func(verb string, nth int, argument string) string {
			if verb == "RCPT" && strings.Contains(argument, address) && nth <= times {
				return answer
			}
			return ""
		}
	}
	t.Run("refused for good, it is left out", func(t *testing.T) {
		server := fakesmtp.New(t, fakesmtp.Options{Answer: at("ana", "550 no such user", 99)})
		s, log := to(server, nil)
		if f := post(t, s); f != nil {
			t.Fatal(f)
		}
		if all := server.Mails(); len(all) != 1 || !slices.Equal(all[0].To, []string{"ben@example.com"}) {
			t.Errorf("it took %+v", all)
		}
		if !strings.Contains(log.String(), "a***@example.com") {
			t.Errorf("the log says %s", log)
		}
	})
	t.Run("deferred, it alone is tried again", func(t *testing.T) {
		server := fakesmtp.New(t, fakesmtp.Options{Answer: at("ana", "452 mailbox full", 1)})
		s, _ := to(server, nil)
		if f := post(t, s); f == nil || f.Kind != connector.Refused { // a Transient one would have all other messages wait
			t.Fatalf("it failed with %v", f)
		}
		if f := post(t, s); f != nil {
			t.Fatal(f)
		}
		all := server.Mails()
		if len(all) != 2 || !slices.Equal(all[0].To, []string{"ben@example.com"}) || !slices.Equal(all[1].To, []string{"ana@example.com"}) {
			t.Errorf("it took %+v", all)
		}
		if len(s.partly) != 0 {
			t.Errorf("it remembers %v", s.partly)
		}
	})
}

// What a name leads to is checked as well, and before anything is sent there.
func TestAMailServerAtAnAddressThatIsRefusedIsNotCalled(t *testing.T) {
	s, _ := to(fakesmtp.New(t, fakesmtp.Options{}), nil)
	s.dial = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &dialguard.Refused{Setting: Setting, Address: netip.MustParseAddr("169.254.169.254"), Why: "refused"}}
	}
	if f := post(t, s); f == nil || f.Kind != connector.Misconfigured {
		t.Errorf("it failed with %v", f)
	}
}

func TestWithoutEncryptionOnlyThisMachineGetsThePassword(t *testing.T) {
	server := fakesmtp.New(t, fakesmtp.Options{NoTLS: true, Login: true})
	s, _ := to(server, func(c *config.SMTP) { c.StartTLS = config.StartTLSOff })
	if f := post(t, s); f != nil || len(server.Mails()) != 1 {
		t.Errorf("it took %v, %v", server.Mails(), f)
	}
}

func TestACheckLogsInAndSendsNothing(t *testing.T) {
	server := fakesmtp.New(t, fakesmtp.Options{Login: true})
	s, _ := to(server, nil)
	said, err := s.Probe(t.Context())
	if err != nil || !slices.Contains(said, "it accepts the user and password") || server.Uses("MAIL") > 0 || server.Uses("AUTH") != 1 {
		t.Errorf("it says %v, %v", said, err)
	}
	s, _ = to(server, func(c *config.SMTP) { c.Password = "wr0ng-horse" })
	if _, err := s.Probe(t.Context()); connector.FailureOf(err).Kind != connector.Unauthorized {
		t.Errorf("a wrong password: %v", err)
	}
}

// A server that says nothing is left when the service stops.
func TestAServerThatDoesNotAnswerIsLeftWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := fakesmtp.New(t, fakesmtp.Options{Answer: func(verb string, _ int, _ string) string {
		if verb == "MAIL" {
			cancel()
			<-t.Context().Done()
		}
		return ""
	}})
	s, _ := to(server, nil)
	s.wait = time.Hour // else that would end it
	if _, err := s.Post(ctx, Setting, sample()); err == nil {
		t.Error("it was sent")
	}
}
