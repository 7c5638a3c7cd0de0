package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrUnreachable means that a PostgreSQL server does not let us in. What stands behind the
// semicolon of such an error is what to do.
var ErrUnreachable = errors.New("the PostgreSQL server cannot be reached")

// unreachableError says which server it is and why, without the driver's words.
type unreachableError struct {
	text string
	err  error
}

func (e *unreachableError) Error() string   { return e.text }
func (e *unreachableError) Unwrap() []error { return []error{ErrUnreachable, e.err} }

// unreachable puts the failure of a first connection into words; any other error stays.
func unreachable(err error) error {
	var c *pgconn.ConnectError
	if !errors.As(err, &c) || c.Config == nil {
		return err
	}
	const correct = "correct database in trueup.yaml"
	at := serversOf(c.Config)
	said := func(format string, args ...any) error {
		return &unreachableError{fmt.Sprintf(format, args...), err}
	}
	var refused *pgconn.PgError
	var unknown *net.DNSError
	var broken *net.OpError
	switch {
	case errors.As(err, &refused) && refused.Code == "3D000":
		return said("PostgreSQL at %s has no database %q; make it with createdb, or %s", at, c.Config.Database, correct)
	case errors.As(err, &refused) && strings.HasPrefix(refused.Code, "28"):
		return said("PostgreSQL at %s does not let the user %q in: %s; %s, where the user and the password stand", at, c.Config.User, refused.Message, correct)
	case errors.As(err, &refused):
		return said("PostgreSQL at %s refuses the connection: %s; try again later, or ask who runs it", at, refused.Message)
	case errors.As(err, &unknown):
		return said("the host %q of the database is not known; %s, or the DNS", c.Config.Host, correct)
	case errors.As(err, &broken):
		return said("PostgreSQL at %s does not answer: %s; start it, or %s", at, broken.Err, correct)
	case errors.Is(err, context.DeadlineExceeded):
		return said("PostgreSQL at %s does not answer in time; start it, or %s", at, correct)
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	return said("could not connect to PostgreSQL at %s: %s; %s", at, cause, correct)
}

// serversOf names the servers that an address has, each once.
func serversOf(c *pgconn.Config) string {
	var all []string
	add := func(host string, port uint16) {
		if !strings.HasPrefix(host, "/") { // else the folder of a socket
			host = net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
		if !slices.Contains(all, host) {
			all = append(all, host)
		}
	}
	add(c.Host, c.Port)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port)
	}
	return strings.Join(all, " and ")
}
