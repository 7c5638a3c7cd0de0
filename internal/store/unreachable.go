package store

import (
	"errors"
	"fmt"
	"net"
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
	at := c.Config.Host
	if !strings.HasPrefix(at, "/") { // else the folder of a socket
		at = net.JoinHostPort(at, strconv.Itoa(int(c.Config.Port)))
	}
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
	}
	return err
}
