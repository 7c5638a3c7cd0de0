package sqltable

import (
	"strings"
	"time"
)

// dialect is what differs between the engines. Every text it returns is SQL; every
// column it is given is quoted already.
type dialect interface {
	// quote makes a name of the file a name in SQL.
	quote(name string) string
	// param is the placeholder of the parameter with the number.
	param(n int) string
	// text is a column as text, in the database's own spelling.
	text(column string) string
	// sameText compares two texts byte by byte; null and empty are the same.
	sameText(column, param string) string
	// stamp is a time as text in stampForm, in UTC where the column's type has a
	// zone, else as it stands there.
	stamp(column string, k kind) string
	// stampOf is a parameter in stampForm as a time of the column's type.
	stampOf(param string, k kind) string
	// clock is the present time in UTC, in stampForm.
	clock() string
	// now is the present time for a column, until the same for a comparison, which
	// an index can answer.
	now(k kind, zone *time.Location) string
	until(k kind, zone *time.Location) string
	// beginWrite begins the transaction of a write. A call lasts as long as timeout.
	beginWrite(lockWait, timeout time.Duration) string
	// columns and indexes ask the catalog about a table; their parameters are the
	// schema and the table.
	columns() string
	indexes() string
	// options asks for the words that a column may hold; its parameters are the
	// schema, the table and the column.
	options() string
	// optionsIn reads them out of one answer.
	optionsIn(answer string) []string
	// state asks for facts about the session: see session.
	state() string
	// server says what an error of the server means; ok is false of another error.
	server(err error) (answer, bool)
}

// stampForm is how times travel.
const stampForm = "2006-01-02 15:04:05.000000"

// kind is what a column's type is for us.
type kind string

const (
	kindText   kind = "text"
	kindNumber kind = "number" // integers and decimals
	kindUUID   kind = "uuid"
	kindEnum   kind = "enum"
	kindZoned  kind = "zoned" // a time with a fixed meaning
	kindLocal  kind = "local" // a time without a zone
	kindBinary kind = "binary"
	kindOther  kind = "other"
)

func (k kind) isTime() bool { return k == kindZoned || k == kindLocal }

// query is a statement being written, with its parameters.
type query struct {
	dialect
	text strings.Builder
	args []any
}

func (c *client) query() *query { return &query{dialect: c.dialect} }

// add appends SQL.
func (q *query) add(sql string) *query {
	q.text.WriteString(sql)
	return q
}

// arg returns the placeholder of a value.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return q.param(len(q.args))
}
