package sqltable

import (
	"net"
	"net/url"
	"strings"
	"unicode/utf8"
)

// engine is a kind of database.
type engine string

const (
	postgres engine = "postgres"
	mysql    engine = "mysql"
)

// label is its name for people.
func (e engine) label() string {
	if e == postgres {
		return "PostgreSQL"
	}
	return "MySQL"
}

// address is a dsn, read.
type address struct {
	engine         engine
	host, port     string
	user, password string
	database       string
	// plain says that the dsn asks for no encryption.
	plain bool
}

func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// databaseKey tells one database of the server from another. In MySQL the table's
// schema does.
func (a address) databaseKey() string {
	if a.engine == mysql {
		return ""
	}
	return a.database
}

// ofEncryption are the options of a dsn that say how to encrypt. The key tls says
// so here, and more strictly: of them only "not at all" matters.
var ofEncryption = map[string][]string{"sslmode": {"disable"}, "tls": {"false", "0"}, "ssl-mode": {"DISABLED"}}

// parseDSN reads the dsn. problem says what is wrong, without quoting it.
//
// It is not left to the drivers: they take what is missing from the environment
// and from files in the home folder, and then fall back to plain text.
func (s *Settings) parseDSN() (at address, problem string) {
	text := s.DSN.Reveal()
	if text == "" {
		return at, "is required"
	}
	u, err := url.Parse(text)
	if err != nil {
		return at, "is not an address"
	}
	port := ""
	switch u.Scheme {
	case "postgres", "postgresql":
		at.engine, port = postgres, "5432"
	case "mysql", "mariadb":
		at.engine, port = mysql, "3306"
	default:
		return at, "does not begin with postgres:// or mysql://"
	}
	at.host, at.port = u.Hostname(), u.Port()
	if at.port == "" {
		at.port = port
	}
	at.user = u.User.Username()
	at.password, _ = u.User.Password()
	at.database = strings.TrimPrefix(u.Path, "/")
	switch {
	case at.host == "":
		return at, "has no host"
	case strings.Contains(u.Host, ","):
		return at, "has several hosts, and a connection has one"
	case at.user == "":
		return at, "has no user"
	case at.engine == postgres && at.database == "":
		return at, "has no database"
	case strings.ContainsRune(at.database+at.user+at.password, 0):
		return at, "holds a zero byte"
	}
	for key, values := range u.Query() {
		off, known := ofEncryption[key]
		if !known {
			return at, "has an option that is not used here"
		}
		for _, v := range values {
			for _, no := range off {
				at.plain = at.plain || strings.EqualFold(v, no)
			}
		}
	}
	return at, ""
}

// User is who the dsn connects as, "" where it is at fault.
func (s *Settings) User() string {
	at, _ := s.parseDSN()
	return at.user
}

// badName says why a name cannot be one of the database's, "" when it can.
func badName(name string, e engine) string {
	switch {
	case name == "":
		return "is an empty name"
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return "holds a zero byte or is not UTF-8"
	case e == mysql && utf8.RuneCountInString(name) > 64:
		return "is longer than 64 characters, and MySQL has no such names"
	case e != mysql && len(name) > 63:
		return "is longer than 63 bytes, and PostgreSQL has no such names"
	}
	return ""
}
