package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/notify/smtp"
	"github.com/trueup-sync/trueup/internal/notify/smtp/fakesmtp"
)

// mailTo is the configuration of a mail server on this machine.
func mailTo(s *fakesmtp.Server) string {
	return fmt.Sprintf("\nnotify:\n  smtp: {host: %s, port: %d, starttls: off, user: %s, password: %s, from: trueup@example.com, to: [ana@example.com]}\n",
		s.Host, s.Port, fakesmtp.User, fakesmtp.Password)
}

// A group of exceptions is one email, also when the server asks for another try,
// and that it is over is another one; a customer's address is in neither.
func TestAGroupIsMailedOnce(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := fakesmtp.New(t, fakesmtp.Options{NoTLS: true, Login: true, Answer: func(verb string, nth int, _ string) string {
				if verb == "END" && nth == 1 {
					return "451 4.7.1 greylisted"
				}
				return ""
			}})
			l := newLive(t, dsn(t), mailTo(server))
			l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "active"})
			l.change(1, "evt_1", "paused") // the crm has no such customer
			l.until("it is mailed", func() bool { return len(server.Mails()) == 1 })
			l.until("nothing waits", func() bool {
				s, err := l.app.Status(t.Context())
				return err == nil && len(s.Undelivered) == 0
			})
			l.crm.Set(resttest.Record{ID: "rec_1", Email: mail(1), UpdatedBy: "human:ben"})
			l.change(1, "evt_2", "paused")
			l.until("that it is over is mailed", func() bool { return len(server.Mails()) == 2 })
			for _, m := range server.Mails() {
				if strings.Contains(m.Text, mail(1)) || !strings.Contains(m.Text, "Subject: [Trueup] No matching record in customer-status") {
					t.Errorf("it says %s", m.Text)
				}
			}
		})
	}
}

// What no one can be mailed shows in the status with what the server says, and the
// password is nowhere.
func TestAnEmailThatIsRefusedShowsInTheStatus(t *testing.T) {
	t.Parallel()
	server := fakesmtp.New(t, fakesmtp.Options{NoTLS: true, Login: true, Answer: func(verb string, _ int, _ string) string {
		if verb == "RCPT" {
			return "550 5.1.1 no such user"
		}
		return ""
	}})
	l := newLive(t, engines["sqlite"](t), mailTo(server))
	l.billing.Set(resttest.Record{ID: "cus_1", Email: mail(1), Status: "active"})
	l.change(1, "evt_1", "paused")
	l.until("the status says so", func() bool {
		s, err := l.app.Status(t.Context())
		return err == nil && len(s.Undelivered) == 1 && s.Undelivered[0].Setting == smtp.Setting && s.Undelivered[0].Waiting == 1 &&
			strings.Contains(s.Undelivered[0].Failure, "the mail server answers 550 to the address a***@example.com: 5.1.1 no such user") &&
			slices.ContainsFunc(s.NeedsPerson, func(text string) bool {
				return strings.HasPrefix(text, "notify.smtp: 1 message not delivered since ")
			})
	})
	l.stop(2 * time.Minute)
	if log := l.log.String(); strings.Contains(log, fakesmtp.Password) || strings.Contains(log, "ana@example.com") {
		t.Errorf("the log has a secret or an address: %s", log)
	}
}
