package sqltable

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestAGoodTableIsSaidToBeGood(t *testing.T) {
	each(t, func(w *world) {
		for _, target := range []bool{true, false} {
			said, err := w.open(w.goodTable(), target).Probe.Probe(w.Context())
			text := strings.Join(said, "; ")
			if err != nil || strings.Contains(text, "no index") || strings.Contains(text, "may also write") {
				w.Errorf("it says %q, %v", text, err)
			}
			for _, want := range []string{"may read the columns", "the first page of the table has 3 rows", "1 of them have no status", "the newest change is dated", "plain text"} {
				if !strings.Contains(text, want) {
					w.Errorf("it does not say %q: %q", want, text)
				}
			}
		}
	})
}

// goodTable makes the table customers once.
func (w *world) goodTable() *Settings {
	w.exec("drop table if exists customers")
	return w.customers()
}

// Each fault is named with what to do about it, and nothing is read or written.
func TestEachFaultOfATableIsNamedWithItsRemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(w *world, s *Settings)
		target bool
		kind   connector.FailureKind
		says   string
		// onlyChecked is a fault that check --live sees and that stops no call.
		onlyChecked bool
	}{
		"no such table":             {func(w *world, s *Settings) { w.exec("drop table customers") }, false, connector.Misconfigured, "there is no table", false},
		"a column that was renamed": {func(w *world, s *Settings) { w.exec("alter table customers rename column status to state") }, false, connector.Misconfigured, `has no column "status"`, false},
		"a key without its column":  {func(w *world, s *Settings) { s.Keys = map[string]string{"phone": "phone"} }, false, connector.Misconfigured, `has no column "phone"`, false},
		"a column of another type":  {func(w *world, s *Settings) { s.UpdatedAt = "email" }, false, connector.Misconfigured, "which is no time; name a column of type", false},
		"an id that is a time":      {func(w *world, s *Settings) { s.ID = "updated_at" }, false, connector.Misconfigured, "cannot be an id", false},
		"a status that is a time":   {func(w *world, s *Settings) { s.Status = "status_at" }, false, connector.Misconfigured, "cannot be a status", false},
		"an id that is not unique":  {func(w *world, s *Settings) { s.ID = "email" }, true, connector.Misconfigured, "create unique index on", true},
		"an enum without a status": {func(w *world, s *Settings) {
			w.exec(w.pick("create type word as enum ('Active', 'Paused'); alter table customers alter status type word using status::word", "alter table customers modify status enum('Active', 'Paused')"))
		}, true, connector.Misconfigured, `does not take "Churned"`, true},
		"options that cannot be read":  {func(w *world, s *Settings) { s.Options = optionsRead }, true, connector.Misconfigured, "may hold any text", true},
		"a table of changes, not made": {func(w *world, s *Settings) { s.ChangeTable = w.schema + ".none" }, false, connector.Misconfigured, "sees no table of changes", true},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				s := w.customers()
				s.DSN = w.dsn(w.role(s, true), w.host)
				tc.change(w, s)
				if w.engine == postgres {
					w.exec("grant select on all tables in schema " + w.schema + " to public")
				} else {
					w.exec("grant select on " + w.schema + ".* to '" + userOf(s) + "'@'%'")
				}
				c := w.openAs(s, tc.target)
				_, err := c.Probe.Probe(w.Context())
				w.fails(err, tc.kind, tc.says)
				_, err = c.Target.Read(w.Context(), "1")
				if tc.onlyChecked {
					return
				}
				w.fails(err, tc.kind, tc.says)
				_, err = c.Target.Write(w.Context(), status.TargetRecord{ID: "1", Value: "Active"}, "Churned")
				w.fails(err, tc.kind, tc.says)
			})
		})
	}
}

func userOf(s *Settings) string {
	at, _ := s.parseDSN()
	return at.user
}

func TestSeveralFaultsAreNamedAtOnce(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.DSN = w.dsn(w.role(s, false), w.host)
		s.UpdatedAt, s.StatusAt, s.TimeZone = "status", "nothing", "UTC"
		_, err := w.openAs(s, true).Probe.Probe(w.Context())
		for _, want := range []string{"is no time", `no column "nothing"`, "may not update column"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				w.Errorf("%v does not say %q", err, want)
			}
		}
	})
}

func TestAMissingPrivilegeIsNamed(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.DSN = w.dsn(w.role(s, false), w.host) // reads only
		c := w.openAs(s, true)
		_, err := c.Probe.Probe(w.Context())
		w.fails(err, connector.Unauthorized, `may not update column "status"`, "trueup export sql")
		_, err = c.Target.Write(w.Context(), status.TargetRecord{ID: "1", Value: "Active"}, "Churned")
		w.fails(err, connector.Unauthorized)
		if got := w.value("select status from customers where id = 1"); got != "Active" {
			w.Errorf("the row holds %q", got)
		}
		s.Keys["phone"] = "deleted_at" // not granted
		_, err = w.openAs(s, false).Source.Read(w.Context(), "1")
		if err == nil || !strings.Contains(err.Error(), "deleted_at") || !strings.Contains(err.Error(), "trueup export sql") {
			w.Errorf("a column without a privilege: %v", err)
		}
	})
}

// What a privilege was taken from after the catalog was read is noticed at the next call.
func TestATableThatIsAlteredIsLookedAtAgain(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		c := w.open(s, true)
		if _, err := c.Target.Read(w.Context(), "1"); err != nil {
			w.Fatal(err)
		}
		w.exec("alter table customers drop column email")
		_, err := c.Target.Read(w.Context(), "1")
		w.fails(err, connector.Misconfigured)
		_, err = c.Target.Read(w.Context(), "1")
		w.fails(err, connector.Misconfigured, `no column "email"`)
		w.exec("alter table customers add column email varchar(100)")
		if w.engine == postgres {
			w.exec("grant select (email) on customers to " + userOf(s))
		} else {
			w.exec("grant select (email) on customers to '" + userOf(s) + "'@'%'")
		}
		if r, err := c.Target.Read(w.Context(), "1"); err != nil || r.Value != "Active" {
			w.Errorf("read %+v, %v", r, err)
		}
	})
}

func TestTimesWithoutAZoneAreNotGuessed(t *testing.T) {
	each(t, func(w *world) {
		w.exec("create table customers (id int primary key, email varchar(100), status varchar(20), updated_at " + w.pick("timestamp", "datetime") + ")")
		s := w.settings()
		s.TimeZone = ""
		c := w.open(s, false)
		_, err := c.Probe.Probe(w.Context())
		w.fails(err, connector.Misconfigured, "time_zone: UTC")
		_, _, _, err = c.Changes.Since(w.Context(), "")
		w.fails(err, connector.Misconfigured, "time_zone: UTC")
	})
}

func TestAQuestionWithoutAnIndexIsNamed(t *testing.T) {
	each(t, func(w *world) {
		w.exec("create table customers (id int primary key, email varchar(100), status varchar(20), updated_at " + w.pick("timestamptz", "timestamp(6)") + ")")
		for target, want := range map[bool]string{true: "no index begins with email", false: "no index begins with updated_at"} {
			said, err := w.open(w.settings(), target).Probe.Probe(w.Context())
			if err != nil || !strings.Contains(strings.Join(said, "; "), want) || !strings.Contains(strings.Join(said, "; "), "create index on") {
				w.Errorf("it says %q, %v", said, err)
			}
		}
	})
}

func TestASourceThatCouldWriteIsTold(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.DSN = w.dsn(w.role(s, true), w.host)
		said, err := w.openAs(s, false).Probe.Probe(w.Context())
		if err != nil || !strings.Contains(strings.Join(said, "; "), "a source is only read") {
			w.Errorf("it says %q, %v", said, err)
		}
	})
}

func TestTheWordsOfAColumnAreListed(t *testing.T) {
	for name, tc := range map[string]struct {
		postgres, mariadb string
		want              string
	}{
		"an enum":             {"create type word as enum ('Active', 'it''s', 'Churned'); create table customers (id int primary key, email text, status word)", "create table customers (id int primary key, email varchar(100), status enum('Active', 'it''s', 'Churned'))", "Active|it's|Churned"},
		"a domain of an enum": {"create type word as enum ('Active'); create domain dom as word; create table customers (id int primary key, email text, status dom)", "", "Active"},
		"a check constraint": {"create table customers (id int primary key, email text, status text check (status in ('Active', 'it''s', 'a\\b')))",
			"create table customers (id int primary key, email varchar(100), status varchar(20) check (status in ('Active', 'it''s', 'a\\\\b')))", `Active|it's|a\b`},
		"two check constraints": {"create table customers (id int primary key, email text, status text check (status in ('Active', 'Old')), check (status in ('Active', 'Churned')))",
			"create table customers (id int primary key, email varchar(100), status varchar(20) check (status in ('Active', 'Old')), check (status in ('Active', 'Churned')))", "Active"},
		"a check of something else": {"create table customers (id int primary key, email text, status text check (status <> 'Active'))",
			"create table customers (id int primary key, email varchar(100), status varchar(20) check (status <> 'Active'), constraint other check (email in ('a', 'b')), constraint more check (status in ('a', 'b') and id > 3))", ""},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(w *world) {
				ddl := w.pick(tc.postgres, tc.mariadb)
				if ddl == "" {
					return // MariaDB has no domains
				}
				w.exec2(ddl)
				s := w.settings()
				s.UpdatedAt, s.TimeZone, s.Options = "", "", optionsRead
				words, err := w.open(s, true).Options.Options(w.Context())
				if tc.want == "" {
					w.fails(err, connector.Misconfigured, "write them under options")
					return
				}
				if err != nil || strings.Join(words, "|") != tc.want {
					w.Errorf("got %q, %v", words, err)
				}
			})
		})
	}
}

func TestAWrongDSNIsNamedWithItsRemedy(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		role := w.role(s, true)
		const closed = "127.0.0.1:1" // one that was free a moment ago may be another test's by now
		password := w.pick("", ":choose-a-password")
		for name, tc := range map[string]struct {
			dsn, tls, says string
			kind           connector.FailureKind
		}{
			"nobody listens":         {w.pick("postgres", "mysql") + "://" + role + password + "@" + closed + "/" + w.database, tlsOff, "connection refused", connector.Transient},
			"no such host":           {w.pick("postgres", "mysql") + "://" + role + password + "@nowhere.invalid/" + w.database, tlsOff, "nowhere.invalid", connector.Transient},
			"no such user":           {w.pick("postgres", "mysql") + "://sesame-user:sesame@" + w.host + "/" + w.database, tlsOff, "does not accept the user or the password", connector.Unauthorized},
			"no such database":       {w.pick("postgres", "mysql") + "://" + role + password + "@" + w.host + "/sesame", tlsOff, "", ""},
			"a server without TLS":   {w.pick("postgres", "mysql") + "://" + role + password + "@" + w.host + "/" + w.database, "", "switch TLS on at the server, or write tls: off", connector.Misconfigured},
			"a metadata service":     {w.pick("postgres", "mysql") + "://" + role + password + "@169.254.169.254/" + w.database, tlsOff, "correct dsn or the DNS", connector.Misconfigured},
			"a service that is none": {w.pick("postgres", "mysql") + "://" + role + password + "@" + babbler(w) + "/" + w.database, tlsOff, "", connector.Transient},
		} {
			t := *s
			t.DSN, t.TLS = config.Secret(tc.dsn), tc.tls
			_, err := w.openAs(&t, true).Target.Read(w.Context(), "1")
			f := connector.FailureOf(err)
			if err == nil || tc.kind != "" && f.Kind != tc.kind || !strings.Contains(err.Error(), tc.says) {
				w.Errorf("%s: %v (kind %s)", name, err, f.Kind)
			}
			if text := fmt.Sprintf("%v %v", err, f.Err); strings.Contains(text, "sesame") || strings.Contains(text, "choose-a-password") {
				w.Errorf("%s: %s quotes the dsn", name, text)
			}
		}
	})
}

// babbler is a service that answers in no database's protocol.
func babbler(w *world) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\nsesame"))
			c.Close()
		}
	}()
	return l.Addr().String()
}
