package app_test

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/sqltable"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/proof/tools"
)

// atTables are the databases whose tables take part.
var atTables = map[string]func(*testing.T) database{"postgres": postgresDatabase, "mariadb": mariaDatabase}

var tableRoles atomic.Int64

// noneFree is what people are told of a database without a free connection.
const noneFree = "the server has no connection or no memory left"

// pick returns what is right for the database.
func (d database) pick(postgres, mariadb string) string {
	if d.postgres {
		return postgres
	}
	return mariadb
}

// as is the database as a user finds it who has what trueup export sql prints, and
// nothing else.
func (d database) as(t *testing.T, c config.Connection, source, target bool) (role string, as database) {
	t.Helper()
	role = fmt.Sprintf("tm%d_%d", os.Getpid(), tableRoles.Add(1))
	text, err := sqltable.Export(c, role, source, target)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		// Everybody may connect. Two who grant it at once are in each other's way.
		if !strings.HasPrefix(line, "--") && !strings.HasPrefix(line, "grant connect ") && strings.TrimSpace(line) != "" {
			d.run(t, line)
		}
	}
	t.Cleanup(func() {
		if d.postgres {
			d.run(t, "drop owned by "+role)
		}
		d.run(t, "drop user "+role)
	})
	as = d
	_, host, _ := strings.Cut(d.dsn, "@")
	as.dsn = d.pick("postgres://"+role, "mysql://"+role+":choose-a-password") + "@" + host
	return role, as
}

// barred keeps a user out, whose sessions end.
func (d database) barred(t *testing.T, role string) {
	t.Helper()
	d.run(t, d.pick("alter role "+role+" nologin", "alter user "+role+" account lock"))
	if d.postgres {
		d.run(t, "select pg_terminate_backend(pid) from pg_stat_activity where usename = '"+role+"'")
		return
	}
	d.run(t, "kill user "+role)
}

func (d database) allowed(t *testing.T, role string) {
	t.Helper()
	d.run(t, d.pick("alter role "+role+" login", "alter user "+role+" account unlock"))
}

// full leaves a user no free connection, and returns what frees some.
func (d database) full(t *testing.T, role string, as database) (free func()) {
	t.Helper()
	if d.postgres {
		d.run(t, "alter role "+role+" connection limit 0")
		d.run(t, "select pg_terminate_backend(pid) from pg_stat_activity where usename = '"+role+"'")
		return func() { d.run(t, "alter role "+role+" connection limit -1") }
	}
	d.run(t, "alter user "+role+" with max_user_connections 1")
	user, place, _ := strings.Cut(strings.TrimPrefix(as.dsn, "mysql://"), "@")
	host, _, _ := strings.Cut(place, "/")
	somebody, err := sql.Open("mysql", user+"@tcp("+host+")/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { somebody.Close() })
	somebody.SetMaxOpenConns(1)
	(&live{T: t}).until("somebody has the only connection", func() bool {
		d.run(t, "kill user "+role)
		return somebody.Ping() == nil
	})
	return func() {
		somebody.Close()
		d.run(t, "alter user "+role+" with max_user_connections 0")
	}
}

// rows makes the table customers with as many of them.
func (d database) rows(t *testing.T, n int, word string) {
	t.Helper()
	stamp := d.pick("timestamptz", "timestamp(6)")
	d.run(t, "create table customers (id bigint primary key, email varchar(200), name varchar(100), stripe_customer_id varchar(100), status "+word+
		", updated_at "+stamp+" not null default now(), status_changed_at "+stamp+" null, status_changed_by varchar(40))")
	d.run(t, "create index by_time on customers (updated_at, id)")
	for from := 1; from <= n; from += 1000 {
		var values []string
		for i := from; i < min(from+1000, n+1); i++ {
			values = append(values, fmt.Sprintf("(%d, '%s')", i, mail(i)))
		}
		d.run(t, "insert into customers (id, email) values "+strings.Join(values, ", "))
	}
}

// tableFollows starts the example in which a table follows Stripe.
func tableFollows(t *testing.T, name, engine string) (*cell, func(tools.Situation) tools.Result) {
	d := atTables[name](t)
	word := "enum('Active', 'Churned', 'Lead')"
	if d.postgres {
		d.run(t, "create type word as enum ('Active', 'Churned', 'Lead')")
		word = "word"
	}
	d.rows(t, 12, word)
	billing, replace := stripeDecides(t)
	role, user := d.as(t, exampleAt(t, "postgres", d.lines("CRM_DSN", "app")...).Connections["crm"], false, true)
	cfg := exampleAt(t, "postgres", append(replace, user.lines("CRM_DSN", "app")...)...)
	cfg.Database = config.Secret(engines[engine](t))
	c := newCell(t, cfg, follower{
		shows: func(n int, word string) bool { return d.status(t, n) == word },
		edit: func(n int) {
			d.run(t, fmt.Sprintf("update customers set status = 'Lead', status_changed_by = 'ana', status_changed_at = now() where id = %d", n))
		},
		edited: "Lead",
	})
	c.decider = atSources["stripe"].decides(c, billing, nil, started(t, cfg))
	return c, func(situation tools.Situation) tools.Result {
		switch situation {
		case tools.Option:
			c.changed(4, "paused")
			c.wants("the exception", c.asked(4), status.WriteFailed)
			c.wants("the row", d.status(t, 4), "")
			return tools.Refused
		case tools.Limit:
			c.carried(5, "churned")
			free := d.full(t, role, user)
			c.changed(5, "active")
			c.until("it was tried without a connection", func() bool {
				customer, err := c.db.Customer(t.Context(), "customer-status", c.customer(5))
				return err == nil && customer.Attempts > 0 && strings.Contains(fmt.Sprint(customer.Reason), noneFree)
			})
			c.wants("the row", c.shows(5, "Churned"), true)
			free()
			c.follows(5, "active")
			return tools.Retried
		case tools.Gone:
			c.carried(6, "churned")
			d.run(t, "delete from customers where id = 6")
			c.changed(6, "active")
			c.wants("the exception", c.asked(6), status.BrokenLink)
			return tools.Asked
		case tools.Token:
			c.carried(9, "churned")
			d.barred(t, role)
			c.changed(9, "active")
			c.refused(9)
			d.allowed(t, role)
			c.again(9)
			return tools.Told
		}
		c.Fatalf("nothing makes %q happen", situation)
		return ""
	}
}

func (d database) status(t *testing.T, n int) string {
	t.Helper()
	var v sql.NullString
	if err := d.admin.QueryRow(fmt.Sprint("select status from customers where id = ", n)).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v.String
}

// tableDecides starts the example in which a table decides, which is polled, and
// HubSpot follows.
func tableDecides(t *testing.T, name, engine string) (*cell, func(tools.Situation) tools.Result) {
	d := atTables[name](t)
	d.rows(t, 95, "varchar(20)")
	crm := newShop(t, 11)
	hubspot(crm)
	replace := append(unlimited("mysql"), "https://api.hubapi.com", crm.url, "    time_zone: UTC", "    # time_zone: UTC")
	role, user := d.as(t, exampleAt(t, "mysql", append(replace, d.lines("BILLING_DSN", "billing")...)...).Connections["billing"], true, false)
	cfg := exampleAt(t, "mysql", append(replace, user.lines("BILLING_DSN", "billing")...)...)
	cfg.Database = config.Secret(engines[engine](t))
	c := newCell(t, cfg, shopFollows(crm, atTools["hubspot"]))
	again := c.polled(cfg)
	c.decider = decider{
		customer: func(n int) string { return fmt.Sprint(n) },
		set: func(n int, word string) {
			d.run(t, fmt.Sprintf("update customers set status = '%s', updated_at = now() where id = %d", map[string]string{"churned": "canceled"}[word]+map[string]string{"active": "active", "grace": "grace"}[word], n))
		},
		tell: again,
	}
	return c, func(situation tools.Situation) tools.Result {
		switch situation {
		case tools.Unknown:
			c.carried(4, "active")
			c.changed(4, "grace")
			c.wants("the exception", c.asked(4), status.UnmappedStatus)
			c.wants("the record", c.shows(4, "Active"), true)
			return tools.Asked
		case tools.Limit:
			c.carried(9, "churned")
			free := func() {}
			return c.toldOfAll(func() { free = d.full(t, role, user) }, func() {
				c.exception("people are told why", func(x store.Exception) bool { return strings.Contains(fmt.Sprint(x.Reason), noneFree) })
				free()
			})
		case tools.Token:
			c.carried(9, "churned")
			return c.toldOfAll(func() { d.barred(t, role) }, func() { d.allowed(t, role) })
		}
		c.Fatalf("nothing makes %q happen", situation)
		return ""
	}
}
