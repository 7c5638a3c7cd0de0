// Package fakesmtp is a mail server for tests: strict about the order of commands,
// with STARTTLS and AUTH PLAIN, and with failures that a test plants.
//
// Main type: Server. It keeps what it took, and never sends mail.
package fakesmtp

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The user that a Server with a login knows.
const (
	User     = "trueup"
	Password = "c0rrect-horse"
)

// Cut as an answer ends the connection without one.
const Cut = "cut"

// Options is how a Server behaves.
type Options struct {
	NoTLS bool // it offers no STARTTLS
	Login bool // it wants User and Password
	// Answer replaces the answer to the nth (from 1) use of a verb; "" is the usual
	// one. END is the end of a message, which is taken before it is answered with Cut.
	Answer func(verb string, nth int, argument string) string
}

// Mail is what a Server took.
type Mail struct {
	TLS  bool
	From string
	To   []string
	Text string
}

// Server is a mail server.
type Server struct {
	Options
	Host  string
	Port  int
	Roots *x509.CertPool

	t           testing.TB
	certificate tls.Certificate
	mu          sync.Mutex
	mails       []Mail
	uses        map[string]int
}

// New starts a Server on 127.0.0.1, which ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate, of 127.0.0.1 and example.com
	s := &Server{Options: o, Host: "127.0.0.1", Roots: x509.NewCertPool(), t: t, certificate: web.TLS.Certificates[0], uses: map[string]int{}}
	s.Roots.AddCert(web.Certificate())
	web.Close()
	listener, err := net.Listen("tcp", s.Host+":0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = listener.Addr().(*net.TCPAddr).Port
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			all.Go(func() {
				defer conn.Close()
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return s
}

// Mails is what was taken.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Uses is how often a verb was used.
func (s *Server) Uses(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uses[verb]
}

// session is one connection.
type session struct {
	*Server
	conn      net.Conn
	text      *textproto.Conn
	encrypted bool
	known     bool // who it is
	mail      *Mail
}

var errCut = errors.New("cut")

func (s *Server) serve(conn net.Conn) {
	c := &session{Server: s, conn: conn, text: textproto.NewConn(conn)}
	err := c.say("220 fake.example.com ESMTP")
	for err == nil {
		var line string
		if line, err = c.text.ReadLine(); err == nil {
			verb, argument, _ := strings.Cut(line, " ")
			err = c.command(strings.ToUpper(verb), argument)
		}
	}
}

func (c *session) say(lines ...string) error {
	for _, l := range lines {
		if err := c.text.PrintfLine("%s", l); err != nil {
			return err
		}
	}
	return nil
}

// planted is what the test wants to be answered.
func (c *session) planted(verb, argument string) (string, error) {
	c.mu.Lock()
	c.uses[verb]++
	nth := c.uses[verb]
	c.mu.Unlock()
	if c.Answer == nil {
		return "", nil
	}
	answer := c.Answer(verb, nth, argument)
	if answer == Cut {
		return "", errCut
	}
	return answer, nil
}

func (c *session) command(verb, argument string) error {
	if answer, err := c.planted(verb, argument); err != nil || answer != "" {
		if err != nil {
			return err
		}
		return c.say(answer)
	}
	switch verb {
	case "EHLO":
		return c.hello()
	case "STARTTLS":
		if c.NoTLS || c.encrypted {
			return c.wrong("503 no STARTTLS here")
		}
		if err := c.say("220 go ahead"); err != nil {
			return err
		}
		secure := tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{c.certificate}})
		if err := secure.Handshake(); err != nil {
			return err
		}
		c.text, c.encrypted = textproto.NewConn(secure), true
		return nil
	case "AUTH":
		if !c.Login || !c.encrypted && !c.NoTLS {
			return c.wrong("503 no AUTH here")
		}
		if argument != "PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00"+User+"\x00"+Password)) {
			return c.say("535 5.7.8 wrong: " + argument) // as a careless server does
		}
		c.known = true
		return c.say("235 welcome")
	case "MAIL":
		if c.Login && !c.known || c.mail != nil {
			return c.wrong("503 not now")
		}
		c.mail = &Mail{TLS: c.encrypted, From: argument}
		return c.say("250 ok")
	case "RCPT":
		if c.mail == nil {
			return c.wrong("503 not now")
		}
		c.mail.To = append(c.mail.To, strings.Trim(strings.TrimPrefix(argument, "TO:"), "<>"))
		return c.say("250 ok")
	case "DATA":
		if c.mail == nil || len(c.mail.To) == 0 {
			return c.wrong("503 not now")
		}
		return c.data()
	case "*": // it gives up the login
		return c.say("501 as you wish")
	case "QUIT":
		c.say("221 bye")
		return errCut
	}
	return c.wrong("500 " + verb + " is not known")
}

func (c *session) hello() error {
	lines := []string{"250-fake.example.com", "250-8BITMIME"}
	if !c.NoTLS && !c.encrypted {
		lines = append(lines, "250-STARTTLS")
	}
	if c.Login && (c.encrypted || c.NoTLS) {
		lines = append(lines, "250-AUTH LOGIN PLAIN")
	}
	return c.say(append(lines, "250 SIZE 1000000")...)
}

func (c *session) data() error {
	if err := c.say("354 go ahead"); err != nil {
		return err
	}
	text, err := c.text.ReadDotBytes()
	if err != nil {
		return err
	}
	c.mail.Text = string(text)
	taken := *c.mail
	c.mail = nil
	answer, err := c.planted("END", "")
	if answer == "" {
		c.mu.Lock()
		c.mails = append(c.mails, taken)
		c.mu.Unlock()
		answer = "250 taken"
	}
	if err != nil {
		return err
	}
	return c.say(answer)
}

// wrong is a mistake of the client, not one that the test planted.
func (c *session) wrong(answer string) error {
	c.t.Errorf("the mail server was used wrongly: %s", answer)
	return c.say(fmt.Sprint(answer))
}
