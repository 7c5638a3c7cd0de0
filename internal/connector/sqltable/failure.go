package sqltable

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"

	mydriver "github.com/go-sql-driver/mysql"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

// meaning is what an error of the server is for us.
type meaning int

const (
	refusal    meaning = iota // some other final no, such as a trigger's
	forbidden                 // a privilege is missing
	wrongLogin                // user or password
	noDatabase                // it does not exist
	otherTable                // a table or column is not as the catalog had it
	busy                      // locked, or lost against another transaction
	tooSlow                   // the server ended the statement
	readOnly                  // a replica
	crowded                   // no connection or memory left
	away                      // shutting down, starting, or broken
	badValue                  // the value does not fit the column's type
	breaksRule                // a check, a foreign key, a unique key
)

// answer is an error of the server without anything that a row holds.
type answer struct {
	meaning meaning
	code    string
	names   string // of the rule that was broken, "" when not told
}

// phase is how far a call was when it failed.
type phase int

const (
	reading    phase = iota
	writing          // in a transaction whose commit was not sent: nothing can have been written
	committing       // its commit was sent
)

// fail turns an error into a Failure. Its text has nothing of the error but codes
// and names.
func (c *client) fail(err error, at phase) error {
	var known *connector.Failure
	if err == nil || errors.As(err, &known) {
		return err
	}
	f := &connector.Failure{Effect: connector.EffectNone}
	a, answered := c.dialect.server(err)
	switch {
	case answered:
		c.judge(f, a, at)
		if a.meaning == otherTable || a.meaning == forbidden {
			c.shapes.Forget() // it was altered
		}
	default:
		c.unreachable(f, err)
	}
	// A commit that the server refuses is undone; one without an answer may have
	// been done.
	if at == committing && (!answered || a.meaning == away) {
		f.Effect = connector.EffectUnknown
	}
	return f
}

// judge says what an answer of the server means.
func (c *client) judge(f *connector.Failure, a answer, at phase) {
	f.Code = a.code
	f.Kind = connector.Transient
	doing := "reading"
	if at != reading {
		doing = "writing"
	}
	switch a.meaning {
	case forbidden:
		f.Kind, f.Detail = connector.Unauthorized, "the user of the dsn lacks a privilege for "+doing+"; run trueup export sql and have the printed grants run"
	case wrongLogin:
		f.Kind, f.Detail = connector.Unauthorized, "the server does not accept the user or the password of the dsn; correct the dsn, or the server's rules for that user"
	case noDatabase:
		f.Kind, f.Detail = connector.Misconfigured, "the server has no such database; correct the dsn"
	case otherTable:
		f.Kind, f.Detail = connector.Misconfigured, "the table does not have what the connection names; run trueup check --live"
	case busy:
		f.Detail = "the row or the table was locked by another transaction"
	case tooSlow:
		f.Detail = "the server ended the statement because it took too long"
	case readOnly:
		f.Detail = "the server is read-only: it is a replica, or a failover is under way; if it stays so, name the primary in the dsn"
	case crowded:
		f.Detail = "the server has no connection or no memory left"
	case away:
		f.Detail = "the server is shutting down, starting, or broke the connection"
	case badValue:
		f.Kind, f.Detail = connector.Refused, "the value does not fit the type of its column"
	case breaksRule:
		f.Kind, f.Detail = connector.Refused, "the value breaks a rule of the table"
	default:
		f.Kind, f.Detail = connector.Refused, "the server refused the statement"
	}
	if a.names != "" {
		f.Detail += " (" + a.names + ")"
	}
	if a.code != "" {
		f.Detail += " (" + c.at.engine.label() + " error " + a.code + ")"
	}
}

// unreachable says why there was no answer.
func (c *client) unreachable(f *connector.Failure, err error) {
	f.Kind = connector.Transient
	server := "the database at " + c.at.hostPort()
	var refused *dialguard.Refused
	var dns *net.DNSError
	var number syscall.Errno
	var certificate *tls.CertificateVerificationError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var slow net.Error
	switch {
	case errors.As(err, &refused):
		f.Kind, f.Detail = connector.Misconfigured, refused.Error()
	case errors.As(err, &name):
		f.Kind, f.Detail = connector.Misconfigured, "the certificate of "+server+" is for another name; write the name that it has into the dsn"
	case errors.As(err, &authority):
		f.Kind, f.Detail = connector.Misconfigured, "the certificate of "+server+" is signed by an unknown authority; name that authority's certificate under ca_file"
	case errors.As(err, &certificate):
		f.Kind, f.Detail = connector.Misconfigured, "the certificate of "+server+" is not valid; renew it at the server"
	case errors.Is(err, mydriver.ErrNoTLS) || strings.Contains(err.Error(), "server refused TLS connection"):
		f.Kind, f.Detail = connector.Misconfigured, server+" does not encrypt; switch TLS on at the server, or write tls: off to send everything in plain text"
	case errors.Is(err, context.Canceled):
		f.Detail, f.Err = "the call was canceled before the answer", context.Canceled
	case errors.As(err, &dns) && dns.IsNotFound:
		f.Detail = "cannot connect to " + server + ": its name cannot be resolved"
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout():
		f.Detail, f.Err = server+" did not answer in time", context.DeadlineExceeded
	case errors.As(err, &number):
		f.Detail = "cannot reach " + server + ": " + number.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, driver.ErrBadConn):
		f.Detail = server + " closed the connection without an answer"
	default:
		f.Detail = "the call to " + server + " did not complete"
	}
}

func misconfigured(detail string) error {
	return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: detail}
}

func gone() error {
	return &connector.Failure{Kind: connector.Gone, Effect: connector.EffectNone, Detail: "the table has no such row"}
}

func itoa(n uint16) string { return strconv.Itoa(int(n)) }
