package sqltable

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
)

// Type is the connection's type in the configuration.
const Type = "sql"

// Settings are the keys of a connection of type sql.
type Settings struct {
	DSN config.Secret `yaml:"dsn" jsonschema:"required,example=postgres://trueup:${PASSWORD}@db.example.com:5432/app" jsonschema_description:"The address of the database with user and password: postgres://… or mysql://… (also for MariaDB)."`
	TLS string        `yaml:"tls" jsonschema:"enum=verify,enum=off,default=verify" jsonschema_description:"verify encrypts and checks the server's certificate; off sends everything in plain text."`
	// CA is not secret; as one it may also be named by a file.
	CA     config.Secret `yaml:"ca" jsonschema_description:"The certificate (PEM) of the authority that signed the server's certificate, if the system does not know it."`
	Schema string        `yaml:"schema" jsonschema_description:"The table's schema (MySQL: database), for a table whose name contains a dot."`
	Table  string        `yaml:"table" jsonschema:"required,example=app.customers" jsonschema_description:"The table, with its schema before a dot (default: public; MySQL: the database of dsn)."`
	ID     any           `yaml:"id" jsonschema:"required" jsonschema_description:"The column that identifies a row, or a list of columns that do so together."`
	Status string        `yaml:"status" jsonschema:"required" jsonschema_description:"The column that holds the status."`

	UpdatedAt string `yaml:"updated_at" jsonschema_description:"The column with the time at which the row changed last. A source without change_table is polled by it; a write sets it."`
	UpdatedBy string `yaml:"updated_by" jsonschema_description:"The column that says who changed the row last. A write sets it to writer."`
	StatusAt  string `yaml:"status_at" jsonschema_description:"The column with the time at which the status itself changed last. A write sets it."`
	StatusBy  string `yaml:"status_by" jsonschema_description:"The column that says who changed the status itself last; needs status_at. A write sets it to writer."`
	DeletedAt string `yaml:"deleted_at" jsonschema_description:"The column that is not null in rows that count as deleted."`
	TimeZone  string `yaml:"time_zone" jsonschema:"example=UTC" jsonschema_description:"The time zone of time columns that have none of their own, such as Europe/Berlin."`

	Writer      string            `yaml:"writer" jsonschema:"default=trueup" jsonschema_description:"What a write puts into updated_by and status_by."`
	Automations []string          `yaml:"automations" jsonschema_description:"The values of updated_by and status_by that are programs; anyone else, except writer, counts as a person."`
	Keys        map[string]string `yaml:"keys" jsonschema_description:"The keys that match rules use, each with its column."`
	Options     any               `yaml:"options" jsonschema_description:"The values that the status may have: a list, or database to read them from the column (enum, check constraint)."`

	Overlap     time.Duration `yaml:"overlap" jsonschema:"default=5m" jsonschema_description:"How far before its position a poll looks again: longer than the longest writing transaction."`
	ChangeTable string        `yaml:"change_table" jsonschema:"example=trueup.change" jsonschema_description:"The table that a trigger fills with changes; trueup export sql prints both. Trueup deletes what it has read."`
}

// The values of tls and of options.
const (
	tlsVerify   = "verify"
	tlsOff      = "off"
	optionsRead = "database"
)

const (
	defaultWriter  = "trueup"
	defaultOverlap = 5 * time.Minute
	// localOverlap is the least where the clock goes back by an hour once a year.
	localOverlap = 65 * time.Minute
	maxOverlap   = 7 * 24 * time.Hour
)

// Check implements config.Settings.
func (s *Settings) Check(c *config.Checker, common config.Connection) {
	at, problem := s.parseDSN()
	if problem != "" {
		c.Fault("dsn", problem, "write postgres://user:password@host:5432/database or mysql://user:password@host:3306/database, with special characters of the password percent-encoded")
	}
	if common.BaseURL != "" {
		c.Fault("base_url", "is not used by a table, whose address is in dsn", "remove it")
	}
	s.checkTLS(c, at)
	s.checkColumns(c, at)
	s.checkTimes(c)
	s.checkOptions(c)
}

func (s *Settings) checkTLS(c *config.Checker, at address) {
	switch s.TLS {
	case "", tlsVerify:
		if at.plain {
			c.Fault("dsn", "asks for a connection without encryption", "remove that option from it, or write tls: off to send everything in plain text")
		}
	case tlsOff:
		if s.CA != "" {
			c.Fault("ca", "is not used with tls: off", "remove one of them")
		}
	default:
		c.Fault("tls", "is neither verify nor off", "remove it to encrypt and to check the server's certificate, or write off")
	}
	if s.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.CA.Reveal())) {
		c.Fault("ca", "has no certificate in PEM", "write ca_file: ca.pem with the certificate of the authority that signed the server's")
	}
}

func (s *Settings) checkColumns(c *config.Checker, at address) {
	name := func(path, name string) {
		if problem := badName(name, at.engine); problem != "" {
			c.Fault(path, problem, "write the name as the database has it, without quotes")
		}
	}
	if s.Table == "" {
		c.Fault("table", "is required", "write the table with its schema, such as app.customers")
	} else {
		schema, table := s.table(at)
		name("table", table)
		if schema != "" {
			name("table", schema)
		} else if at.engine != "" {
			c.Fault("table", "has no database", "write it before the table, such as app.customers, or at the end of dsn")
		}
	}
	ids, ok := s.ids()
	if !ok {
		c.Fault("id", "is neither a column nor a list of columns", "write the column that identifies a row, such as id, or a list such as [tenant_id, number]")
	}
	for i, id := range ids {
		name("id", id)
		if slices.Contains(ids[:i], id) {
			c.Fault("id", "names a column twice", "name each once")
		}
	}
	if s.Status == "" {
		c.Fault("status", "is required", "write the column that holds the status")
	}
	if slices.Contains(ids, s.Status) {
		c.Fault("status", "is a column of id, which is never written", "write the column that holds the status")
	}
	for path, column := range map[string]string{"status": s.Status, "updated_at": s.UpdatedAt, "updated_by": s.UpdatedBy,
		"status_at": s.StatusAt, "status_by": s.StatusBy, "deleted_at": s.DeletedAt} {
		if column != "" {
			name(path, column)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Keys)) {
		if s.Keys[key] == "" {
			c.Fault("keys."+key, "has no column", "write the column that holds the key")
			continue
		}
		name("keys."+key, s.Keys[key])
	}
	if s.ChangeTable != "" {
		schema, table := s.changeTable(at)
		name("change_table", schema)
		name("change_table", table)
	}
}

func (s *Settings) checkTimes(c *config.Checker) {
	if s.StatusBy != "" && s.StatusAt == "" {
		c.Fault("status_by", "is given without status_at", "add status_at, or write updated_by for who changed the whole row")
	}
	if _, err := s.zone(); err != nil {
		c.Fault("time_zone", "is not a time zone", "write one such as UTC or Europe/Berlin")
	}
	switch least := s.leastOverlap(); {
	case s.Overlap != 0 && (s.Overlap < 0 || s.Overlap > maxOverlap):
		c.Fault("overlap", "is not between 0s and 7d", "write a duration that is longer than the longest writing transaction, such as 5m")
	case s.Overlap != 0 && s.Overlap < least && least == localOverlap:
		c.Fault("overlap", "is shorter than 65m, and time_zone is a local one, whose clock goes back by an hour once a year", "write 65m or more, or remove it")
	}
	if slices.Contains(s.Automations, s.writer()) {
		c.Fault("automations", "names the writer, which is Trueup", "remove it from the list, or choose another writer")
	}
}

func (s *Settings) checkOptions(c *config.Checker) {
	if s.Options == nil || s.Options == optionsRead {
		return
	}
	if list, ok := textsOf(s.Options); !ok || len(list) == 0 {
		c.Fault("options", "is neither a list of texts nor database", "write the values that the status may have, such as [Active, Paused], or database to read them from the column")
	}
}

// CheckSide implements config.HasSides.
func (s *Settings) CheckSide(c *config.Checker, side config.Side) {
	if side.Field != "" {
		c.Fault("field", "is not used by a table, whose status column is in its connection", "remove it, or write another connection with another status")
	}
}

// CanList implements config.HasList.
func (s *Settings) CanList(bool) bool { return true }

// ClosedSet implements config.HasClosedSet: the values that are written in the file.
func (s *Settings) ClosedSet(config.Side) config.ClosedSet {
	list, _ := textsOf(s.Options)
	return config.ClosedSet{Values: list}
}

// Account implements config.HasAccount: two connections to one column are one place.
func (s *Settings) Account(config.Connection) string { return s.place() }

// Identity implements config.HasIdentity. Another user or password is the same
// table; another server or database is another one.
func (s *Settings) Identity(config.Connection, func(string) string) (key, shown string) {
	at, problem := s.parseDSN()
	if problem != "" {
		return "", ""
	}
	schema, table := s.table(at)
	return s.place(), "table " + schema + "." + table + " at " + at.hostPort()
}

func (s *Settings) place() string {
	at, problem := s.parseDSN()
	if problem != "" {
		return ""
	}
	schema, table := s.table(at)
	return fmt.Sprintf("%s %q %q %q", config.Address("sql://"+at.hostPort()), at.databaseKey(), schema, table)
}

// Credentials implements config.HasCredentials.
func (s *Settings) Credentials() []config.Credential {
	return []config.Credential{{Key: "dsn", Secret: s.DSN}}
}

// table is the table's schema and name.
func (s *Settings) table(at address) (schema, table string) { return split(s.Table, s.Schema, at) }

// changeTable is the same of the table of changes.
func (s *Settings) changeTable(at address) (schema, table string) {
	return split(s.ChangeTable, "", at)
}

func split(name, schema string, at address) (string, string) {
	if schema != "" {
		return schema, name
	}
	if before, after, found := strings.Cut(name, "."); found {
		return before, after
	}
	if at.engine == postgres {
		return "public", name
	}
	return at.database, name
}

// ids are the columns of the id.
func (s *Settings) ids() (columns []string, ok bool) {
	if one, ok := s.ID.(string); ok {
		return []string{one}, one != ""
	}
	list, ok := textsOf(s.ID)
	return list, ok && len(list) > 0
}

// textsOf is a list of texts, none of them empty.
func textsOf(v any) (texts []string, ok bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	for _, one := range list {
		text, ok := one.(string)
		if !ok || text == "" {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// zone is the time zone of columns without one, nil when the file does not say.
func (s *Settings) zone() (*time.Location, error) {
	if s.TimeZone == "" {
		return nil, nil
	}
	if s.TimeZone == "Local" {
		return nil, fmt.Errorf("the zone of this machine is no zone of a column")
	}
	return time.LoadLocation(s.TimeZone)
}

func (s *Settings) leastOverlap() time.Duration {
	if zone, err := s.zone(); err == nil && zone != nil && zone != time.UTC {
		return localOverlap
	}
	return 0
}

func (s *Settings) overlap() time.Duration {
	if s.Overlap != 0 {
		return s.Overlap
	}
	return max(defaultOverlap, s.leastOverlap())
}

func (s *Settings) writer() string {
	if s.Writer == "" {
		return defaultWriter
	}
	return s.Writer
}
