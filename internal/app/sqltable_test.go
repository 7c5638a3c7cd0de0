package app_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/sqltable"
	"github.com/trueup-sync/trueup/internal/connector/sqltable/mysqltest"
	"github.com/trueup-sync/trueup/internal/signature"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// database is an empty database of an engine, and how its example's lines find it.
type database struct {
	admin       *sql.DB
	dsn, schema string
	postgres    bool
}

func postgresDatabase(t *testing.T) database {
	u, err := url.Parse(pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	return database{admin: admin, schema: u.Query().Get("search_path"), dsn: "postgres://" + u.User.String() + "@" + u.Host + u.Path, postgres: true}
}

func mariaDatabase(t *testing.T) database {
	admin, host, name := mysqltest.Database(t)
	return database{admin: admin, schema: name, dsn: "mysql://root@" + host + "/" + name}
}

// run runs statements as the administrator.
func (d database) run(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.admin.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (d database) value(t *testing.T, query string) string {
	t.Helper()
	var v sql.NullString
	if err := d.admin.QueryRow(query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v.String
}

// followed is the table of the example postgres.yaml, with a row for the customer who
// is sought and one for somebody else.
func (d database) followed(t *testing.T) {
	d.run(t, `create type word as enum ('Active', 'Paused', 'Churned');
		create table customers (id bigint primary key, email text, name text, stripe_customer_id text, status word, updated_at timestamptz not null default now(), status_changed_at timestamptz, status_changed_by text)`)
	d.run(t, fmt.Sprintf(`insert into customers (id, email, status, status_changed_at) values (1, '%s', 'Active', now() - interval '1 day'), (2, 'other@example.com', 'Active', now() - interval '1 day')`, strings.ReplaceAll(sought, "'", "''")))
}

// lines are what a test replaces in an example to reach the database.
func (d database) lines(variable, schema string) []string {
	return []string{"    dsn: ${" + variable + "}", "    dsn: " + d.dsn + "\n    tls: off", "    table: " + schema + ".", "    table: " + d.schema + "."}
}

func TestStripeDecidesAndAPostgreSQLTableFollows(t *testing.T) {
	t.Parallel()
	d := postgresDatabase(t)
	d.followed(t)
	hook := started(t, exampleAt(t, "postgres", append(d.lines("CRM_DSN", "app"), "    type: stripe\n", "    type: stripe\n    base_url: "+leaving(t)+"\n")...))
	d.run(t, "update customers set status = 'Paused', status_changed_by = 'importer', status_changed_at = now() - interval '1 hour' where id = 1")
	body := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"customer.subscription.deleted","created":%d,"livemode":false,"data":{"object":{"id":"sub_1","customer":"cus_1"}}}`, time.Now().Unix())
	hook(signature.SignStripe([]byte("whsec_x"), time.Now(), []byte(body)), body)
	(&live{T: t}).until("the change is carried", func() bool { return d.value(t, "select status from customers where id = 1") == "Churned" })
	if got := d.value(t, "select status_changed_by || ' ' || (now() - status_changed_at < interval '1 minute') from customers where id = 1"); got != "trueup true" {
		t.Errorf("the row says %q of who wrote it and when", got)
	}
	if got := d.value(t, "select count(*) from customers where status = 'Active'"); got != "1" {
		t.Errorf("%s other rows are as they were", got)
	}
}

// HubSpot is the source of its own example, polled; the table is that of postgres.yaml.
func TestHubSpotDecidesAndAPostgreSQLTableFollows(t *testing.T) {
	t.Parallel()
	d := postgresDatabase(t)
	d.followed(t)
	s := newShop(t, 50)
	hubspot(s)
	s.rows[50].status = "Active"
	crm := part(t, docs.Examples["postgres"], "  crm:\n", "\nsyncs:")
	file := docs.Examples["hubspot-source"]
	file = strings.Replace(file, part(t, file, "  crm:\n", "\nsyncs:"), crm, 1)
	replaced := append(d.lines("CRM_DSN", "app"), "https://api.hubapi.com", s.url, "poll: 1h", "poll: 10s", "      - {source: contact_id, target: id}\n", "", ", field: customer_status", "",
		"keys: {email: email, stripe_customer_id: stripe_customer_id, name: name}", "keys: {email: email}")
	started(t, fileAt(t, "hubspot-source", file, replaced...))
	(&live{T: t}).until("the change is carried", func() bool {
		s.mu.Lock() // again and again: what is there at the first poll is no change
		s.rows[50].status, s.rows[50].at = "Churned", time.Now()
		s.mu.Unlock()
		return d.value(t, "select status from customers where id = 1") == "Churned"
	})
}

// part is what stands in a text from a line on, up to another.
func part(t *testing.T, text, from, to string) string {
	t.Helper()
	_, after, found := strings.Cut(text, from)
	between, _, ended := strings.Cut(after, to)
	if !found || !ended {
		t.Fatalf("no part from %q to %q", from, to)
	}
	return from + between
}

// install runs what trueup export sql prints, as its only user.
func (d database) install(t *testing.T, cfg *config.Config) {
	t.Helper()
	text, err := sqltable.Export(cfg.Connections["billing"], "nobody", true, false)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = strings.Cut(text, "-- The table of changes") // a user is there already
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "grant ") && !strings.HasPrefix(line, "--") && !strings.HasPrefix(line, ",") && !strings.HasPrefix(line, "delimiter ") {
			lines = append(lines, strings.ReplaceAll(line, "//\n", ";\n"))
		}
	}
	d.run(t, strings.Join(lines, ""))
}

// The example mysql.yaml, whose table is polled, on both engines.
func TestATableDecidesAndHubSpotFollows(t *testing.T) {
	for name, make := range map[string]func(*testing.T) database{"PostgreSQL": postgresDatabase, "MariaDB": mariaDatabase} {
		for _, byTrigger := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, by triggers: %v", name, byTrigger), func(t *testing.T) {
				t.Parallel()
				d := make(t)
				stamp, now := "datetime(6)", "utc_timestamp(6)"
				if d.postgres {
					stamp, now = "timestamptz", "now()"
				}
				d.run(t, "create table customers (id bigint primary key, email varchar(200), name varchar(100), status varchar(20), updated_at "+stamp+" not null)")
				d.run(t, fmt.Sprintf("insert into customers values (7, '%s', 'A B', 'trial', %s)", strings.ReplaceAll(sought, "'", "''"), now))
				s := newShop(t, 50)
				hubspot(s)
				replaced := append(d.lines("BILLING_DSN", "billing"), "https://api.hubapi.com", s.url, "poll: 30s", "poll: 10s")
				if byTrigger {
					replaced = append(replaced, "    # change_table: billing.trueup_change #", "    change_table: "+d.schema+".trueup_change #")
				}
				cfg := exampleAt(t, "mysql", replaced...)
				if byTrigger {
					d.install(t, cfg)
				}
				started(t, cfg)
				(&live{T: t}).until("the change is carried", func() bool {
					// Again and again: what is there at the first poll is no change.
					d.run(t, "update customers set status = 'canceled', updated_at = "+now+" where id = 7")
					return s.status(51) == "Churned"
				})
			})
		}
	}
}

// The connection that docs/connectors/sql.md shows is one, and each key that its
// table explains is a key.
func TestThePageAboutTablesIsRight(t *testing.T) {
	page, err := os.ReadFile("../../docs/connectors/sql.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.TrimPrefix(part(t, string(page), "```yaml\n", "```"), "```yaml\n")
	_, rest, _ := strings.Cut(docs.Examples["postgres"], "  crm:\n")
	_, syncs, _ := strings.Cut(rest, "\nsyncs:")
	head, _, _ := strings.Cut(docs.Examples["postgres"], "  crm:\n")
	fileAt(t, "sql.md", head+strings.TrimPrefix(shown, "connections:\n")+"\nsyncs:"+syncs, "    dsn: ${CRM_DSN}", "    dsn: postgres://trueup@127.0.0.1:1/app")
	schema, err := config.Schema(app.Types())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|.*\\|.*\\|$").FindAllStringSubmatch(string(page), -1) {
		for _, key := range strings.Split(row[1], ", ") {
			if !strings.Contains(string(schema), `"`+strings.Trim(key, "`")+`"`) {
				t.Errorf("%s is no key", key)
			}
		}
	}
}
