package sqltable

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestARowIsFoundReadAndWritten(t *testing.T) {
	each(t, func(w *world) {
		c := w.open(w.customers(), true)
		found, err := c.Target.Find(w.Context(), "email", "ana@example.com")
		if err != nil || len(found) != 1 || found[0].ID != "1" || found[0].Value != "Active" || found[0].Keys["email"] != "ana@example.com" || found[0].EditedAt.IsZero() {
			w.Fatalf("found %+v, %v", found, err)
		}
		shown, err := c.Target.Write(w.Context(), found[0], "Churned")
		if err != nil || shown == nil || shown.ID != "1" || shown.Value != "Churned" {
			w.Fatalf("written: %+v, %v", shown, err)
		}
		if got := w.value("select status from customers where id = 1"); got != "Churned" {
			w.Errorf("the row holds %q", got)
		}
		if got := w.value("select count(*) from customers where status = 'Churned'"); got != "1" {
			w.Errorf("%s rows hold it", got)
		}
		if after := shown.EditedAt; !after.After(found[0].EditedAt) {
			w.Errorf("updated_at was %v and is %v", found[0].EditedAt, after)
		}
		again, err := c.Target.Read(w.Context(), "1")
		if err != nil || again.Value != "Churned" {
			w.Errorf("read %+v, %v", again, err)
		}
	})
}

func TestARowThatIsNotAsItWasReadIsNotWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		between string // what somebody does between reading and writing
		id      string
		kind    connector.FailureKind
		left    string
	}{
		"somebody set another value":           {"update customers set status = 'Paused' where id = 1", "1", connector.Moved, "Paused"},
		"somebody set the value that we want":  {"update customers set status = 'Churned' where id = 1", "1", connector.Moved, "Churned"},
		"somebody emptied it":                  {"update customers set status = null where id = 1", "1", connector.Moved, "<null>"},
		"somebody filled an empty one":         {"update customers set status = 'Active' where id = 3", "3", connector.Moved, "Active"},
		"somebody changed only its case":       {"update customers set status = 'active' where id = 1", "1", connector.Moved, "active"},
		"somebody added a space":               {"update customers set status = 'Active ' where id = 1", "1", connector.Moved, "Active "},
		"somebody set the same value again":    {"update customers set status_at = '2030-01-01 00:00:00' where id = 1", "1", connector.Moved, "Active"},
		"somebody deleted it":                  {"delete from customers where id = 1", "1", connector.Gone, ""},
		"somebody marked it deleted":           {"update customers set deleted_at = '2026-01-01 00:00:00' where id = 1", "1", connector.Gone, "Active"},
		"somebody gave it another id":          {"update customers set id = 100 where id = 1", "1", connector.Gone, ""},
		"somebody changed another column":      {"update customers set email = 'x@example.com' where id = 1", "1", "", "Churned"},
		"nobody did anything to an empty one":  {"", "3", "", "Churned"},
		"an empty text is as empty as no text": {"update customers set status = '' where id = 3", "3", "", "Churned"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				s := w.customers()
				s.StatusAt, s.DeletedAt = "status_at", "deleted_at"
				c := w.open(s, true)
				r, err := c.Target.Read(w.Context(), tc.id)
				if err != nil {
					w.Fatal(err)
				}
				if tc.between != "" {
					w.exec(tc.between)
				}
				_, err = c.Target.Write(w.Context(), r, "Churned")
				if tc.kind == "" {
					if err != nil {
						w.Fatal(err)
					}
				} else if f := w.fails(err, tc.kind); f.Effect != connector.EffectNone {
					w.Errorf("the effect is %s", f.Effect)
				}
				if tc.left != "" {
					if got := w.value("select status from customers where id = " + tc.id); got != tc.left {
						w.Errorf("the row holds %q, want %q", got, tc.left)
					}
				}
			})
		})
	}
}

func TestAWriteSaysWhoSetTheStatusAndWhen(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.UpdatedBy, s.StatusAt, s.StatusBy, s.Automations = "updated_by", "status_at", "status_by", []string{"importer"}
		c := w.open(s, true)
		shown, err := w.write(c, "1", "Paused")
		if err != nil || shown.Actor != status.ActorUs || !shown.FieldTime || time.Since(shown.EditedAt).Abs() > time.Minute {
			w.Fatalf("shown %+v, %v", shown, err)
		}
		if got := w.value("select concat(updated_by, ' ', status_by, ' ', status_at = updated_at) from customers where id = 1"); !strings.HasPrefix(got, "trueup trueup ") {
			w.Errorf("the row has %q", got)
		}
		for by, want := range map[string]status.Actor{"ana": status.ActorHuman, "importer": status.ActorAutomation, "": status.ActorUnknown} {
			w.exec("update customers set status_by = '" + by + "', status_at = '2026-01-01 00:00:00' where id = 1")
			r, err := c.Target.Read(w.Context(), "1")
			if err != nil || r.Actor != want || r.By != by {
				w.Errorf("set by %q: %+v, %v", by, r, err)
			}
		}
	})
}

func TestATableWithoutUpdatedAtIsATarget(t *testing.T) {
	each(t, func(w *world) {
		w.exec("create table customers (id int primary key, email varchar(100), status varchar(20))")
		w.exec("insert into customers values (7, 'ana@example.com', 'Active')")
		s := w.settings()
		s.UpdatedAt, s.TimeZone = "", ""
		c := w.open(s, true)
		if c.Changes != nil || c.Knows.Order {
			w.Error("it claims to tell when rows changed")
		}
		for range 2 { // an equal value is a row that was found
			if shown, err := w.write(c, "7", "Churned"); err != nil || shown.Value != "Churned" || !shown.EditedAt.IsZero() {
				w.Errorf("written: %+v, %v", shown, err)
			}
		}
	})
}

func TestATriggerThatKeepsAnotherValueIsShown(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		if w.engine == postgres {
			w.exec("create function keep() returns trigger language plpgsql as $$ begin new.status := lower(new.status); return new; end $$")
			w.exec("create trigger keep before update on customers for each row execute function keep()")
		} else {
			w.exec("create trigger keep before update on customers for each row set new.status = lower(new.status)")
		}
		c := w.open(s, true)
		if shown, err := w.write(c, "1", "Churned"); err != nil || shown.Value != "churned" {
			w.Errorf("shown %+v, %v", shown, err)
		}
	})
}

func TestAValueThatTheColumnDoesNotTakeIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ postgres, mariadb string }{
		"an enum":            {"create type word as enum ('Active', 'Paused'); create table customers (id int primary key, email text, status word)", "create table customers (id int primary key, email varchar(100), status enum('Active', 'Paused'))"},
		"a check constraint": {"create table customers (id int primary key, email text, status text check (status in ('Active', 'Paused')))", "create table customers (id int primary key, email varchar(100), status varchar(20) check (status in ('Active', 'Paused')))"},
		"a foreign key":      {"create table words (w text primary key); insert into words values ('Active'); create table customers (id int primary key, email text, status text references words)", "create table words (w varchar(20) primary key); insert into words values ('Active'); create table customers (id int primary key, email varchar(100), status varchar(20), foreign key (status) references words (w))"},
		"a short column":     {"create table customers (id int primary key, email text, status varchar(6))", "create table customers (id int primary key, email varchar(100), status varchar(6))"},
		"a column of numbers": {"create table customers (id int primary key, email text, status text); create table x (y int)",
			"create table customers (id int primary key, email varchar(100), status varchar(20)); create table x (y int)"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				w.exec(w.pick(tc.postgres, tc.mariadb))
				if name == "a column of numbers" {
					w.exec("alter table customers drop column status")
					w.exec("alter table customers add column status int")
					w.exec("insert into customers (id, status) values (1, 4)")
				} else {
					w.exec("insert into customers (id, status) values (1, 'Active')")
				}
				s := w.settings()
				s.UpdatedAt, s.TimeZone = "", ""
				c := w.open(s, true)
				before, err := c.Target.Read(w.Context(), "1")
				if err != nil {
					w.Fatal(err)
				}
				_, err = c.Target.Write(w.Context(), before, "Churned and secret")
				f := w.fails(err, connector.Refused, "value")
				if f.Effect != connector.EffectNone || strings.Contains(err.Error(), "secret") {
					w.Errorf("%v, with effect %s", err, f.Effect)
				}
				if got := w.value("select status from customers where id = 1"); got != before.Value {
					w.Errorf("the row holds %q", got)
				}
			})
		})
	}
}

func TestMoreThanOneRowIsNeverWritten(t *testing.T) {
	each(t, func(w *world) {
		w.exec("create table customers (id int, email varchar(100), status varchar(20))")
		w.exec("insert into customers values (1, 'a@example.com', 'Active'), (1, 'b@example.com', 'Active')")
		s := w.settings()
		s.UpdatedAt, s.TimeZone = "", ""
		c := w.open(s, true)
		_, err := c.Target.Read(w.Context(), "1")
		w.fails(err, connector.Misconfigured, "two rows have the same id")
		for range 3 { // nor by the transaction of the next write, on the same connection
			_, err = c.Target.Write(w.Context(), status.TargetRecord{ID: "1", Value: "Active"}, "Churned")
			w.fails(err, connector.Misconfigured, "nothing was written")
		}
		if got := w.value("select count(*) from customers where status = 'Active'"); got != "2" {
			w.Errorf("%s rows are as they were", got)
		}
	})
}

func TestIdsOfEveryTypeAreReadAsTheyAre(t *testing.T) {
	const uuid = "0b6f3c1e-7d2a-4c55-9d0e-1f2a3b4c5d6e"
	for name, tc := range map[string]struct {
		postgres, mariadb string
		id                any
		rows              string
		ids               []string // in the order of a list
		none              []string
	}{
		"numbers": {"id bigint primary key", "id bigint primary key", "id", "(2), (10), (9007199254740993)",
			[]string{"2", "10", "9007199254740993"}, []string{"9007199254740992", "02", "2 ", "2.0", "1e1", "x", "", "99999999999999999999", "2'; drop table customers; --"}},
		"texts": {"id text primary key", "id varchar(50) primary key", "id", "('a'), ('b''c'), ('日本')",
			[]string{"a", "b'c", "日本"}, []string{"A", "a ", "á", "", "\x00", "b"}},
		"UUIDs": {"id uuid primary key", "id uuid primary key", "id", "('" + uuid + "')",
			[]string{uuid}, []string{strings.ToUpper(uuid), "0b6f3c1e", "x"}},
		"two columns": {"tenant text, number int, primary key (tenant, number)", "tenant varchar(20), number int, primary key (tenant, number)", []any{"tenant", "number"},
			`('a', 2), ('a', 10), ('b"<&,', 1)`, []string{`["a","2"]`, `["a","10"]`, `["b\"\u003c\u0026,","1"]`}, []string{"a", `["a"]`, `["a","2","3"]`, `["a","02"]`, `["A","2"]`, `["a","x"]`, `{}`}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				w.exec("create table customers (" + w.pick(tc.postgres, tc.mariadb) + ", status varchar(20) default 'Active')")
				columns := "id"
				if tc.id != "id" {
					columns = "tenant, number"
				}
				w.exec("insert into customers (" + columns + ") values " + tc.rows)
				s := w.settings()
				s.UpdatedAt, s.TimeZone, s.Keys, s.ID, s.ChangeTable = "", "", nil, tc.id, w.schema+".changed"
				c := w.open(s, true)
				_, cursor := w.poll(c, "")
				var listed []string
				page, _, err := c.TargetList.List(w.Context(), "")
				if err != nil {
					w.Fatal(err)
				}
				for _, r := range page {
					listed = append(listed, r.ID)
				}
				if strings.Join(listed, " ") != strings.Join(tc.ids, " ") {
					w.Errorf("listed %q, want %q", listed, tc.ids)
				}
				for _, id := range tc.ids {
					if shown, err := w.write(c, id, "Churned"); err != nil || shown.ID != id || shown.Value != "Churned" {
						w.Errorf("%s is written: %+v, %v", id, shown, err)
					}
				}
				if told, _ := w.poll(c, cursor); strings.Join(told, " ") != strings.Join(tc.ids, " ") {
					w.Errorf("the table of changes tells of %q, want %q", told, tc.ids)
				}
				for _, id := range tc.none {
					if r, err := c.Target.Read(w.Context(), id); err == nil || connector.FailureOf(err).Kind != connector.Gone {
						w.Errorf("%q is read as %+v, %v", id, r, err)
					}
				}
			})
		})
	}
}

// A name or a value may hold whatever SQL and its quotes are made of.
func TestHostileNamesAndValuesAreOnlyNamesAndValues(t *testing.T) {
	for _, evil := range []string{`a"b`, "a`b", `a'b`, `a\b`, `a.b`, "a;drop table customers;--", "select", "A b", "$1", "?", "日本", "a\nb", `"; select 1 --`, "$trueup$"} {
		t.Run(evil, func(t *testing.T) {
			each(t, func(w *world) {
				q := w.dialect().quote
				w.exec2("create table " + q(evil) + " (" + q(evil+"i") + " varchar(50) primary key, " + q(evil+"k") + " varchar(100), " + q(evil+"s") + " varchar(50), " + q(evil+"t") + " " + w.pick("timestamptz", "timestamp(6)") + ", " + q(evil+"b") + " varchar(20))")
				s := w.settings()
				s.Schema, s.Table, s.ID, s.Status, s.UpdatedAt, s.UpdatedBy, s.Keys = w.schema, evil, evil+"i", evil+"s", evil+"t", evil+"b", map[string]string{"email": evil + "k"}
				s.ChangeTable = w.schema + "." + strings.ReplaceAll(evil, ".", "") + "c"
				c := w.open(s, true)
				if _, err := w.admin.Exec("insert into "+q(evil)+" ("+q(evil+"i")+", "+q(evil+"k")+", "+q(evil+"s")+") values ("+w.params(3)+")", evil, evil, evil); err != nil {
					w.Fatal(err)
				}
				found, err := c.Target.Find(w.Context(), "email", evil)
				if err != nil || len(found) != 1 || found[0].ID != evil || found[0].Value != evil {
					w.Fatalf("found %+v, %v", found, err)
				}
				if shown, err := c.Target.Write(w.Context(), found[0], evil+"!"); err != nil || shown.Value != evil+"!" {
					w.Errorf("shown %+v, %v", shown, err)
				}
				if _, err := c.Probe.Probe(w.Context()); err != nil {
					w.Errorf("probe: %v", err)
				}
			})
		})
	}
}

func TestAKeyIsFoundWhateverItHolds(t *testing.T) {
	each(t, func(w *world) {
		c := w.open(w.customers(), true)
		for _, value := range []string{"", "nobody@example.com", "\x00", "' or true --", strings.Repeat("x", 5000), "\xff"} {
			if found, err := c.Target.Find(w.Context(), "email", value); err != nil || len(found) != 0 {
				w.Errorf("%q finds %+v, %v", value, found, err)
			}
		}
		_, err := c.Target.Find(w.Context(), "phone", "1")
		w.fails(err, connector.Misconfigured, "add it under keys")
	})
}

// The usual collations of MySQL take Ana and ana for one, and a space at the end for
// none. What is found is compared again by whoever asked; what is written is compared
// byte by byte.
func TestACollationThatIgnoresCaseHidesNothing(t *testing.T) {
	w := mariaWorld(t)
	w.exec("create table customers (id varchar(20) collate utf8mb4_general_ci primary key, email varchar(100) collate utf8mb4_general_ci, status varchar(20) collate utf8mb4_general_ci)")
	w.exec("insert into customers values ('a', 'Ana@example.com', 'paused')")
	s := w.settings()
	s.UpdatedAt, s.TimeZone = "", ""
	c := w.open(s, true)
	found, err := c.Target.Find(w.Context(), "email", "ana@example.com")
	if err != nil || len(found) != 1 || found[0].Keys["email"] != "Ana@example.com" {
		w.Fatalf("found %+v, %v", found, err)
	}
	stale := found[0]
	stale.Value = "Paused"
	_, err = c.Target.Write(w.Context(), stale, "Churned")
	w.fails(err, connector.Moved)
	if shown, err := c.Target.Write(w.Context(), found[0], "Paused"); err != nil || shown.Value != "Paused" {
		w.Errorf("a change of case alone: %+v, %v", shown, err)
	}
}

func TestALockedRowIsTriedAgainLater(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.DSN = w.dsn(w.role(s, true), w.host)
		c := w.openAs(s, true)
		c2 := w.impatient(s)
		r, err := c.Target.Read(w.Context(), "1")
		if err != nil {
			w.Fatal(err)
		}
		tx, err := w.admin.Begin()
		if err != nil {
			w.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("update customers set email = 'locked@example.com' where id = 1"); err != nil {
			w.Fatal(err)
		}
		_, err = c2.Target.Write(w.Context(), r, "Churned")
		if f := w.fails(err, connector.Transient, "locked"); f.Effect != connector.EffectNone {
			w.Errorf("the effect is %s", f.Effect)
		}
		if err := tx.Rollback(); err != nil {
			w.Fatal(err)
		}
		if got := w.value("select status from customers where id = 1"); got != "Active" {
			w.Errorf("the row holds %q", got)
		}
		if _, err := c2.Target.Write(w.Context(), r, "Churned"); err != nil {
			w.Error(err)
		}
	})
}
