// Package smtp tells people by email: it gives each message to one mail server, as
// plain text to all addresses of the configuration.
//
// Main type: SMTP. Main function: New.
//
// Invariants:
//
//  1. With starttls: required nothing is sent, not even a user's name, before the
//     connection is encrypted and the server's certificate was checked.
//  2. A message that is sent again has the same Message-ID, so that a mail program
//     can tell that it is the same.
//  3. An address that is refused does not keep the others from their mail, and one
//     that was taken gets no second one while this process runs.
//  4. No error text holds the password or an address in full.
//
// It must not import the pipeline or the store.
package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	wire "github.com/wneessen/go-mail/smtp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/notify"
)

// Setting is where the configuration has the mail server.
const Setting = "notify.smtp"

// callTime bounds a call, from the connection to the goodbye.
const callTime = 15 * time.Second

// mostPartly is how many messages are remembered that some addresses have and
// others wait for.
const mostPartly = 1000

// SMTP sends messages by a mail server.
type SMTP struct {
	config.SMTP
	log   *slog.Logger
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	roots *x509.CertPool // nil: the system's
	wait  time.Duration  // callTime

	mu     sync.Mutex
	partly map[string]map[string]bool // a message's id, and who has it already
}

// New returns the mail server of a valid configuration; log may be nil.
func New(c config.SMTP, log *slog.Logger) *SMTP {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dial, _ := dialguard.SettingDial(Setting) // a proxy for HTTP does not carry mail
	return &SMTP{SMTP: c, log: log, dial: dial, partly: map[string]map[string]bool{}, wait: callTime}
}

// Post implements notify.Notifier. The addresses are the configuration's; there is
// no channel.
func (s *SMTP) Post(ctx context.Context, _ string, m notify.Message) (place string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, from, err := s.letter(m)
	if err != nil {
		return "", fail(connector.Misconfigured, "the addresses under "+Setting+" cannot be used")
	}
	server, end, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	if err := server.Mail("<" + from + ">"); err != nil {
		return "", said("the sender's address", err)
	}
	return "", s.deliver(server, m.ID, text)
}

// deliver hands a message to those who do not have it yet. It is delivered when no
// address is left to try: those that were refused would be refused again.
func (s *SMTP) deliver(server *wire.Client, id string, text []byte) error {
	have := 0
	var later, refused *connector.Failure
	var now []string
	for _, to := range s.To {
		a, err := mail.ParseAddress(to)
		if err != nil {
			return fail(connector.Misconfigured, "an address under "+Setting+".to cannot be used")
		}
		if s.partly[id][a.Address] {
			have++
			continue
		}
		err = server.Rcpt("<" + a.Address + ">")
		switch f := said("the address "+notify.Mask(a.Address), err); {
		case err == nil:
			now = append(now, a.Address)
		case f.Code == "": // the connection is gone: no one has got anything
			return f
		case f.Kind == connector.Transient:
			later = f
		default:
			refused = f
			s.log.Warn("an address gets no email", slog.String("setting", Setting), slog.Any("error", f))
		}
	}
	if len(now) > 0 {
		if err := hand(server, text); err != nil {
			return err
		}
	}
	switch {
	case len(now)+have == 0 && later != nil:
		return later
	case len(now)+have == 0 && refused != nil:
		return refused
	case later == nil:
		delete(s.partly, id)
		return nil
	}
	// The server takes mail, so the next message need not wait for this address.
	later.Kind = connector.Refused
	if len(s.partly) >= mostPartly { // better one email twice than all memory
		clear(s.partly)
	}
	for _, a := range now {
		if s.partly[id] == nil {
			s.partly[id] = map[string]bool{}
		}
		s.partly[id][a] = true
	}
	return later
}

// hand gives the text to the server. Once all of it was sent and no answer came,
// nobody knows whether it was taken.
func hand(server *wire.Client, text []byte) error {
	w, err := server.Data()
	if err != nil {
		return said("the message", err)
	}
	_, err = w.Write(text)
	err = errors.Join(err, w.Close())
	if err == nil {
		return nil
	}
	f := said("the message", err)
	if f.Code == "" {
		f.Effect, f.Detail = connector.EffectUnknown, "send an email: the connection ended before the server said that it has the message"
	}
	return f
}

// Probe logs in and sends nothing.
func (s *SMTP) Probe(ctx context.Context) (told []string, err error) {
	_, end, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	end()
	told = []string{"the mail server can be reached"}
	if s.StartTLS == config.StartTLSRequired {
		told = append(told, "its certificate is valid")
	}
	if s.User != "" {
		told = append(told, "it accepts the user and password")
	}
	return told, nil
}

// open connects, encrypts and logs in. end closes the connection, and ctx does.
func (s *SMTP) open(ctx context.Context) (server *wire.Client, end func(), err error) {
	var conn net.Conn
	stop := func() bool { return false }
	options := []gomail.Option{
		gomail.WithPort(s.Port), gomail.WithTimeout(s.wait), gomail.WithoutSMTPUTF8(),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}),
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (_ net.Conn, err error) {
			if conn, err = s.dial(dialing, network, address); err == nil {
				stop = context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		}),
	}
	login := []gomail.SMTPAuthType{gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthCramMD5}
	if s.StartTLS == config.StartTLSOff { // a valid configuration has a user only on this machine then
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
		login = []gomail.SMTPAuthType{gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc}
	} else {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, gomail.WithUsername(s.User), gomail.WithPassword(s.Password.Reveal()), gomail.WithOpportunisticSMTPAuth(login...))
	}
	client, err := gomail.NewClient(s.Host, options...)
	if err != nil {
		return nil, nil, fail(connector.Misconfigured, "the settings under "+Setting+" cannot be used")
	}
	server, err = client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		if stop(); conn != nil {
			conn.Close()
		}
		return nil, nil, s.notOpen(err, conn != nil)
	}
	return server, func() {
		stop()
		server.Quit() // whether it says goodbye changes nothing
		conn.Close()
	}, nil
}

// notOpen says why there is no connection to send by. Its text is ours alone: what a
// server says to a login may repeat it.
func (s *SMTP) notOpen(err error, connected bool) *connector.Failure {
	var refused *dialguard.Refused
	var certificate *tls.CertificateVerificationError
	var answer *textproto.Error
	switch {
	case errors.As(err, &refused):
		return fail(connector.Misconfigured, refused.Error())
	case errors.As(err, &certificate):
		return fail(connector.Misconfigured, "the mail server's certificate is not valid for "+s.Host+", so nothing was sent; correct "+Setting+".host, or the server's certificate")
	case !connected:
		return fail(connector.Transient, "the mail server cannot be reached")
	case errors.As(err, &answer) && answer.Code < 500:
		return answered(connector.Transient, fmt.Sprintf("the mail server answers %d", answer.Code), answer.Code)
	case strings.Contains(err.Error(), "does not support STARTTLS"): // the library has no value for it
		return fail(connector.Misconfigured, "the mail server offers no STARTTLS, so nothing was sent; write a port that does under "+Setting+".port, usually 587")
	case errors.As(err, &answer) && strings.Contains(err.Error(), "SMTP AUTH failed"):
		return answered(connector.Unauthorized, fmt.Sprintf("the mail server answers %d to the login; correct %s.user and password", answer.Code, Setting), answer.Code)
	case errors.As(err, &answer):
		return answered(connector.Misconfigured, fmt.Sprintf("the mail server answers %d before it takes a message", answer.Code), answer.Code)
	case strings.Contains(err.Error(), "AUTH"):
		return fail(connector.Misconfigured, "the mail server offers no login that Trueup knows (PLAIN, LOGIN); remove "+Setting+".user and password, or write another port")
	}
	return fail(connector.Transient, "the connection to the mail server ended early")
}

// said makes a Failure of a server's answer, whose Code is "" when there was none.
func said(what string, err error) *connector.Failure {
	var answer *textproto.Error
	switch {
	case err == nil:
		return &connector.Failure{}
	case !errors.As(err, &answer):
		return fail(connector.Transient, "the connection to the mail server ended early")
	}
	kind := connector.Refused
	if answer.Code < 500 {
		kind = connector.Transient
	}
	return answered(kind, fmt.Sprintf("the mail server answers %d to %s: %s", answer.Code, what, line(answer.Msg, mostAnswer)), answer.Code)
}

func answered(kind connector.FailureKind, detail string, code int) *connector.Failure {
	f := fail(kind, detail)
	f.Code = fmt.Sprint(code)
	return f
}

// fail is a failure after which the server has no message.
func fail(kind connector.FailureKind, detail string) *connector.Failure {
	return &connector.Failure{Kind: kind, Effect: connector.EffectNone, Detail: "send an email: " + detail}
}
