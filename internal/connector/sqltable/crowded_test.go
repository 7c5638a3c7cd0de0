package sqltable

import (
	"strings"
	"testing"

	mydriver "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/trueup-sync/trueup/internal/connector"
)

// A server that has no connection left has done nothing, and will have one again:
// whoever asked waits, and nobody's credentials or file are at fault.
func TestAServerWithoutAFreeConnectionIsTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		dialect dialect
		err     error
		code    string
	}{
		"PostgreSQL, of the server or of the user": {pgDialect{}, &pgconn.PgError{Code: "53300", Message: "too many connections for role"}, "53300"},
		"PostgreSQL, what is reserved":             {pgDialect{}, &pgconn.PgError{Code: "53300", Message: "remaining connection slots are reserved"}, "53300"},
		"MariaDB and MySQL, of the server":         {myDialect{}, &mydriver.MySQLError{Number: 1040, Message: "Too many connections"}, "1040"},
		"MariaDB and MySQL, of all users":          {myDialect{}, &mydriver.MySQLError{Number: 1203, Message: "User already has more than 'max_user_connections' active connections"}, "1203"},
		"MariaDB and MySQL, of the user":           {myDialect{}, &mydriver.MySQLError{Number: 1226, Message: "User has exceeded the 'max_user_connections' resource"}, "1226"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []phase{reading, writing, committing} {
				f := connector.FailureOf((&client{dialect: c.dialect}).fail(c.err, at))
				if f.Kind != connector.Transient || f.Effect != connector.EffectNone || f.Code != c.code || !strings.Contains(f.Detail, "no connection or no memory left") {
					t.Errorf("in phase %d it is %+v", at, f)
				}
			}
		})
	}
}
