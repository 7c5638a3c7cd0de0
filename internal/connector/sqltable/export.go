package sqltable

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/trueup-sync/trueup/internal/config"
)

// Export returns the SQL that an administrator of the database runs once: the
// privileges that a connection needs and, where it has a change_table, that table
// and the triggers that fill it. target says that the connection is one. Nothing of
// the dsn is in it but the name of the database.
func Export(common config.Connection, role string, source, target bool) (string, error) {
	s, ok := common.Settings.(*Settings)
	if !ok {
		return "", fmt.Errorf("connection %s is of type %s and has no table", common.Name, common.Type)
	}
	at, problem := s.parseDSN()
	if problem != "" {
		return "", fmt.Errorf("connection %s: dsn %s", common.Name, problem)
	}
	e := exporter{Settings: s, at: at, role: role}
	e.d = pgDialect{}
	if at.engine == mysql {
		e.d = myDialect{}
	}
	fmt.Fprintf(&e.out, "-- The table of connection %s. Run it as the owner of the table, or as an administrator.\n", strings.ReplaceAll(common.Name, "\n", " "))
	e.login()
	e.grants(target)
	if s.ChangeTable != "" && source {
		e.changes()
	}
	return e.out.String(), nil
}

// exporter writes the SQL of one connection.
type exporter struct {
	*Settings
	at   address
	d    dialect
	role string
	out  strings.Builder
}

func (e *exporter) line(format string, args ...any) { fmt.Fprintf(&e.out, format+"\n", args...) }

// grantee is the role as a grant names it.
func (e *exporter) grantee() string {
	if e.at.engine == postgres {
		return e.d.quote(e.role)
	}
	return literal(strings.ReplaceAll(e.role, `\`, `\\`)) + "@'%'"
}

func (e *exporter) login() {
	if e.at.engine == postgres {
		e.line("-- Give it a password:  \\password %s", strings.ReplaceAll(e.role, "\n", " "))
		e.line("create role %s login;", e.grantee())
		e.line("grant connect on database %s to %s;", e.d.quote(e.at.database), e.grantee())
		return
	}
	require := " require ssl"
	if e.TLS == tlsOff {
		require = ""
	}
	e.line("-- Instead of %%, write the address that Trueup connects from, and choose a password.")
	e.line("create user %s identified by 'choose-a-password'%s;", e.grantee(), require)
}

func (e *exporter) name(schema, table string) string {
	return e.d.quote(schema) + "." + e.d.quote(table)
}

// grants are the least that the connection needs.
func (e *exporter) grants(target bool) {
	schema, table := e.table(e.at)
	c := &client{Settings: e.Settings, dialect: e.d, at: e.at}
	c.columns, _ = e.ids()
	quoted := func(all []named) string {
		var names []string
		for _, n := range all {
			if q := e.d.quote(n.column); !slices.Contains(names, q) {
				names = append(names, q)
			}
		}
		return strings.Join(names, ", ")
	}
	if e.at.engine == postgres {
		e.line("grant usage on schema %s to %s;", e.d.quote(schema), e.grantee())
	}
	e.line("grant select (%s) on %s to %s;", quoted(c.names()), e.name(schema, table), e.grantee())
	if target {
		e.line("grant update (%s) on %s to %s;", quoted(append([]named{{"status", e.Status}}, c.written()...)), e.name(schema, table), e.grantee())
	}
	if e.at.engine == mysql && e.Options == optionsRead {
		e.line("-- To see the table's check constraints, for options: database. An enum needs no such line.")
		e.line("grant references on %s to %s;", e.name(schema, table), e.grantee())
	}
}

// changes are the table of changes and the triggers.
func (e *exporter) changes() {
	if e.at.engine == postgres {
		e.postgresTrigger()
		return
	}
	e.mysqlTrigger()
}

// rowID is the id of a row of a trigger, of several columns a JSON list.
func (e *exporter) rowID(row string) string {
	columns, _ := e.ids()
	var parts []string
	for _, column := range columns {
		parts = append(parts, e.d.text(row+"."+e.d.quote(column)))
	}
	switch {
	case len(parts) == 1:
		return parts[0]
	case e.at.engine == postgres:
		return "json_build_array(" + strings.Join(parts, ", ") + ")::text"
	}
	return "json_array(" + strings.Join(parts, ", ") + ")"
}

// differs is the condition that a row of a trigger has other values than before.
func (e *exporter) differs(columns ...string) string {
	var parts []string
	for _, column := range columns {
		q := e.d.quote(column)
		if e.at.engine == postgres {
			parts = append(parts, "old."+q+" is distinct from new."+q)
			continue
		}
		parts = append(parts, fmt.Sprintf("not (cast(old.%s as binary) <=> cast(new.%s as binary))", q, q))
	}
	return strings.Join(parts, " or ")
}

// noted are the columns whose change is of interest beside those of the id.
func (e *exporter) noted() []string {
	all := []string{e.Status}
	if e.DeletedAt != "" {
		all = append(all, e.DeletedAt)
	}
	return all
}

func (e *exporter) postgresTrigger() {
	schema, table := e.table(e.at)
	changeSchema, changes := e.changeTable(e.at)
	into, ids := e.name(changeSchema, changes), e.differs(firstOf(e.ids())...)
	function := e.name(changeSchema, cutTo(changes, 58)+"_note")
	name := e.d.quote(cutTo(changes+"_"+table, 58))
	insert := func(op, row string) string {
		return fmt.Sprintf("insert into %s (op, row_id) values ('%s', %s);", into, op, e.rowID(row))
	}
	e.line("\n-- The table of changes, and the triggers that fill it. If a trigger fails, the")
	e.line("-- writes of your application fail: that is why they do so little.")
	e.line("set lock_timeout = '5s';  -- the table is locked for a moment; run it again if that is not enough")
	e.line("create schema if not exists %s;", e.d.quote(changeSchema))
	e.line("create table %s (\n  seq bigint generated always as identity primary key,\n  at timestamptz not null default clock_timestamp(),\n  op char(1) not null,  -- I, U, D\n  row_id text not null\n);", into)
	body := fmt.Sprintf("begin\n  if tg_op = 'INSERT' then\n    %s\n  elsif tg_op = 'DELETE' then\n    %s\n  elsif %s then\n    %s\n    %s\n  else\n    %s\n  end if;\n  return null;\nend",
		insert("I", "new"), insert("D", "old"), ids, insert("D", "old"), insert("I", "new"), insert("U", "new"))
	mark := "$trueup$"
	for n := 2; strings.Contains(body, mark); n++ {
		mark = fmt.Sprintf("$trueup%d$", n)
	}
	e.line("create function %s() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as %s\n%s %s;", function, mark, body, mark)
	e.line("revoke all on function %s() from public;", function)
	e.line("create trigger %s after insert or delete on %s\n  for each row execute function %s();", e.d.quote(cutTo(changes+"_"+table, 58)+"_id"), e.name(schema, table), function)
	e.line("create trigger %s after update on %s for each row\n  when (%s or %s)\n  execute function %s();", name, e.name(schema, table), e.differs(e.noted()...), ids, function)
	e.line("grant usage on schema %s to %s;", e.d.quote(changeSchema), e.grantee())
	e.line("grant select, delete on %s to %s;", into, e.grantee())
	e.line("-- To remove it: drop function %s() cascade; drop table %s;", comment(function), comment(into))
}

func (e *exporter) mysqlTrigger() {
	schema, table := e.table(e.at)
	changeSchema, changes := e.changeTable(e.at)
	into, ids := e.name(changeSchema, changes), e.differs(firstOf(e.ids())...)
	insert := func(op, row string) string {
		return fmt.Sprintf("insert into %s (at, op, row_id) values (utc_timestamp(6), '%s', %s);", into, op, e.rowID(row))
	}
	trigger := func(suffix string) string { return e.name(schema, cutTo(changes+"_"+table, 60)+"_"+suffix) }
	e.line("\n-- The table of changes, and the triggers that fill it. If a trigger fails, the")
	e.line("-- writes of your application fail: that is why they do so little. They run with")
	e.line("-- the privileges of the user who creates them: one who stays.")
	e.line("set lock_wait_timeout = 5;  -- the table is locked for a moment; run it again if that is not enough")
	e.line("create table %s (\n  seq bigint not null auto_increment primary key,\n  at datetime(6) not null,\n  op char(1) not null,  -- I, U, D\n  row_id text not null\n) engine=InnoDB default charset=utf8mb4;", into)
	e.line("delimiter //")
	e.line("create trigger %s after insert on %s for each row\n  %s//", trigger("i"), e.name(schema, table), strings.TrimSuffix(insert("I", "new"), ";"))
	e.line("create trigger %s after delete on %s for each row\n  %s//", trigger("d"), e.name(schema, table), strings.TrimSuffix(insert("D", "old"), ";"))
	e.line("create trigger %s after update on %s for each row\nbegin\n  if %s then\n    %s\n    %s\n  elseif %s then\n    %s\n  end if;\nend//", trigger("u"), e.name(schema, table), ids, insert("D", "old"), insert("I", "new"), e.differs(e.noted()...), insert("U", "new"))
	e.line("delimiter ;")
	e.line("grant select, delete on %s to %s;", into, e.grantee())
	e.line("-- To remove it: drop trigger %s; drop trigger %s; drop trigger %s; drop table %s;", comment(trigger("i")), comment(trigger("d")), comment(trigger("u")), comment(into))
}

func firstOf(columns []string, _ bool) []string { return columns }

// comment keeps a name on its line.
func comment(name string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(name) }

// cutTo cuts a name that is made here, so that the database does not.
func cutTo(name string, most int) string {
	for len(name) > most {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}
