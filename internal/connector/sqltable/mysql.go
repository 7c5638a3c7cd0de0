package sqltable

import (
	"errors"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// myDialect is MySQL 8 and MariaDB 10.5, or newer.
type myDialect struct{}

func (myDialect) quote(name string) string  { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
func (myDialect) param(int) string          { return "?" }
func (myDialect) text(column string) string { return "cast(" + column + " as char)" }

// sameText compares bytes: the usual collations ignore case, accents and spaces at
// the end.
func (myDialect) sameText(column, param string) string {
	return "cast(coalesce(cast(" + column + " as char), '') as binary) = cast(" + param + " as binary)"
}

func (myDialect) stamp(column string, _ kind) string {
	return "date_format(" + column + ", '%Y-%m-%d %H:%i:%s.%f')"
}

func (myDialect) stampOf(param string, _ kind) string { return "cast(" + param + " as datetime(6))" }

func (d myDialect) clock() string { return d.stamp("utc_timestamp(6)", kindLocal) }

// now is in UTC for a column of type timestamp, since the session's zone is, and
// for one of type datetime in the file's. Its offset is that of this moment.
func (myDialect) now(k kind, zone *time.Location) string {
	if k != kindLocal || zone == nil || zone == time.UTC {
		return "utc_timestamp(6)"
	}
	return "convert_tz(utc_timestamp(6), '+00:00', '" + time.Now().In(zone).Format("-07:00") + "')"
}

func (d myDialect) until(k kind, zone *time.Location) string { return d.now(k, zone) }

// beginWrite leaves the wait for locks to innodb_lock_wait_timeout, which is the
// session's.
func (myDialect) beginWrite(time.Duration, time.Duration) string { return "start transaction" }

// columns has no names of which the user may see nothing: a column that is missing
// and one without a privilege look alike.
func (myDialect) columns() string {
	return `select c.column_name, c.data_type, case when c.data_type in ('enum', 'set') then 'e' else 'b' end,
	case when c.is_nullable = 'NO' then 'true' else 'false' end,
	case when c.extra like '%GENERATED%' and c.extra not like '%DEFAULT_GENERATED%' then 'true' else 'false' end,
	case when c.privileges like '%select%' then 'true' else 'false' end,
	case when c.privileges like '%update%' then 'true' else 'false' end,
	case t.table_type when 'VIEW' then 'v' else 'r' end
from information_schema.columns c
join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
where c.table_schema = ? and c.table_name = ?`
}

func (myDialect) indexes() string {
	return `select index_name, cast(seq_in_index as char), column_name, case when non_unique = 0 and sub_part is null then 'true' else 'false' end
from information_schema.statistics
where table_schema = ? and table_name = ?
order by index_name, seq_in_index`
}

func (myDialect) options() string {
	return `select 'type', column_type from information_schema.columns
where table_schema = ? and table_name = ? and column_name = ? and data_type = 'enum'`
}

// optionsIn reads enum('Active','Paused').
func (myDialect) optionsIn(columnType string) []string { return quoted(columnType) }

func (d myDialect) state() string {
	return "select " + d.clock() + ", case when cast(@@global.read_only as char) in ('1', 'ON') then 'true' else 'false' end, 'unknown'"
}

func (myDialect) server(err error) (answer, bool) {
	if errors.Is(err, driver.ErrInvalidConn) || errors.Is(err, driver.ErrBusyBuffer) || errors.Is(err, driver.ErrMalformPkt) {
		return answer{meaning: away}, true
	}
	var e *driver.MySQLError
	if !errors.As(err, &e) {
		return answer{}, false
	}
	a := answer{code: itoa(e.Number)}
	switch e.Number {
	case 1142, 1143, 1370, 1227:
		a.meaning = forbidden
	case 1044, 1045, 1698, 3118, 4151, 1862, 1820, 1130: // 3118 and 4151: the account is locked, in MySQL and in MariaDB
		a.meaning = wrongLogin
	case 1049:
		a.meaning = noDatabase
	case 1146, 1054, 1356, 1064, 1305:
		a.meaning = otherTable
	case 1205, 1213, 3572, 1020:
		a.meaning = busy
	case 3024, 1969, 1317:
		a.meaning = tooSlow
	case 1290, 1792, 1836:
		a.meaning = readOnly
	case 1040, 1203, 1226, 1129:
		a.meaning = crowded
	case 1053, 1927, 1077, 1152, 1158, 1159, 1160, 1161, 2006, 2013, 1041, 1037:
		a.meaning = away
	case 1265, 1366, 1406, 1264, 1292, 1411:
		a.meaning = badValue
	case 4025, 3819, 1452, 1048, 1062, 1451, 1364:
		a.meaning = breaksRule
	default:
		a.meaning = refusal
	}
	return a, true
}
