package sqltable

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgDialect is PostgreSQL, 12 or newer.
type pgDialect struct{}

func (pgDialect) quote(name string) string  { return pgx.Identifier{name}.Sanitize() }
func (pgDialect) param(n int) string        { return "$" + strconv.Itoa(n) }
func (pgDialect) text(column string) string { return column + "::text" }

func (pgDialect) sameText(column, param string) string {
	return "coalesce(" + column + "::text, '') collate \"C\" = " + param + "::text"
}

func (pgDialect) stamp(column string, k kind) string {
	if k == kindZoned {
		column += " at time zone 'UTC'"
	}
	return "to_char(" + column + ", 'YYYY-MM-DD HH24:MI:SS.US')"
}

func (pgDialect) stampOf(param string, k kind) string {
	if k == kindZoned {
		return "(" + param + "::text::timestamp at time zone 'UTC')"
	}
	return param + "::text::timestamp"
}

func (d pgDialect) clock() string { return d.stamp("clock_timestamp()", kindZoned) }

func (pgDialect) now(k kind, zone *time.Location) string { return pgTime("clock_timestamp()", k, zone) }

func (pgDialect) until(k kind, zone *time.Location) string {
	return pgTime("statement_timestamp()", k, zone)
}

func pgTime(function string, k kind, zone *time.Location) string {
	if k == kindLocal {
		return function + " at time zone " + literal(zone.String())
	}
	return function
}

// literal is a text of the file in SQL, for where no parameter can stand.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// beginWrite sets what lasts to the end of the transaction: a setting of the
// session would stay with whoever gets it next from a pooler. If the wire breaks
// without a word, the server waits no longer than a call lasts, and lets go of the
// row.
func (pgDialect) beginWrite(lockWait, timeout time.Duration) string {
	return fmt.Sprintf("begin isolation level read committed; set local lock_timeout = %d; set local idle_in_transaction_session_timeout = %d",
		lockWait.Milliseconds(), timeout.Milliseconds())
}

func (pgDialect) columns() string {
	return `select a.attname, coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype)::text,
	a.attnotnull::text, (a.attgenerated <> '')::text,
	(has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select'))::text,
	(has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'update'))::text,
	c.relkind::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_type b on t.typtype = 'd' and b.oid = t.typbasetype
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')`
}

func (pgDialect) indexes() string {
	return `select i.indexrelid::text, k.place::text, a.attname, (i.indisunique and i.indpred is null)::text
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral unnest(i.indkey::int2[]) with ordinality as k(number, place)
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
where n.nspname = $1 and c.relname = $2 and i.indisvalid and k.place <= i.indnkeyatts
	and not exists (select 1 from unnest(i.indkey::int2[]) e where e = 0)
order by i.indexrelid, k.place`
}

// options has a line for each word of an enum, and the text of each check
// constraint of the column alone.
func (pgDialect) options() string {
	return `select 'enum', e.enumlabel::text
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_enum e on e.enumtypid = case when t.typtype = 'd' then t.typbasetype else t.oid end
where n.nspname = $1 and c.relname = $2
union all
select 'check', pg_get_constraintdef(k.oid)
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3
where n.nspname = $1 and c.relname = $2 and k.contype = 'c' and k.conkey = array[a.attnum]`
}

// optionsIn reads the texts of a check constraint as PostgreSQL prints it:
// CHECK ((status = ANY (ARRAY['Active'::text, 'Paused'::text]))).
func (pgDialect) optionsIn(check string) []string {
	if !strings.Contains(check, "= ANY (") || strings.Contains(check, " AND ") || strings.Contains(check, "NOT ") {
		return nil
	}
	return quoted(check)
}

// quoted are the texts between single quotes; a quote inside is doubled.
func quoted(sql string) (texts []string) {
	for {
		_, rest, found := strings.Cut(sql, "'")
		if !found {
			return texts
		}
		var text strings.Builder
		for {
			part, after, closed := strings.Cut(rest, "'")
			if !closed {
				return nil
			}
			text.WriteString(part)
			if rest = after; !strings.HasPrefix(rest, "'") {
				break
			}
			text.WriteByte('\'')
			rest = rest[1:]
		}
		texts, sql = append(texts, text.String()), rest
	}
}

func (d pgDialect) state() string {
	return "select " + d.clock() + ", pg_is_in_recovery()::text, coalesce((select ssl::text from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()), 'false')"
}

func (pgDialect) server(err error) (answer, bool) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return answer{}, false
	}
	a := answer{code: e.Code, names: constraint(e.ConstraintName, e.ColumnName)}
	class := e.Code[:min(2, len(e.Code))]
	switch {
	case e.Code == "42501":
		a.meaning = forbidden
	case class == "28":
		a.meaning = wrongLogin
	case e.Code == "3D000":
		a.meaning = noDatabase
	case e.Code == "42P01", e.Code == "42703", e.Code == "3F000":
		a.meaning = otherTable
	case e.Code == "55P03", e.Code == "40P01", class == "40":
		a.meaning = busy
	case e.Code == "57014":
		a.meaning = tooSlow
	case e.Code == "25006":
		a.meaning = readOnly
	case class == "53":
		a.meaning = crowded
	case class == "57", class == "08", class == "58", class == "XX":
		a.meaning = away
	case class == "22":
		a.meaning = badValue
	case class == "23":
		a.meaning = breaksRule
	case class == "42":
		a.meaning = otherTable
	default:
		a.meaning = refusal
	}
	return a, true
}

// constraint names the rule that a value breaks. Both are names of the schema.
func constraint(name, column string) string {
	switch {
	case name != "":
		return "constraint " + strconv.Quote(name)
	case column != "":
		return "column " + strconv.Quote(column)
	}
	return ""
}
