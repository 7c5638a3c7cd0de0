package sqltable

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
)

// good are settings without a fault.
func good() *Settings {
	return &Settings{DSN: "postgres://trueup:sesame@db.example.com/app", Table: "app.customers", ID: "id", Status: "status"}
}

// faultsOf are the faults of settings, each as path, problem and remedy.
func faultsOf(s *Settings, common config.Connection) []string {
	var all []string
	s.Check(config.NewChecker(func(path, problem, remedy string) {
		all = append(all, strings.TrimPrefix(path, "connection.")+" "+problem+"; "+remedy)
	}), common)
	return all
}

func TestSettingsWithAFaultAreRefusedWithARemedy(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(s *Settings)
		says   string
	}{
		"no dsn":                      {func(s *Settings) { s.DSN = "" }, "dsn is required; write postgres://"},
		"a dsn that is none":          {func(s *Settings) { s.DSN = "host=db password=sesame" }, "dsn does not begin with"},
		"a dsn that cannot be read":   {func(s *Settings) { s.DSN = "postgres://trueup:se%same@db/app" }, "dsn is not an address"},
		"a dsn of another engine":     {func(s *Settings) { s.DSN = "sqlserver://trueup:sesame@db/app" }, "dsn does not begin with"},
		"a dsn without a host":        {func(s *Settings) { s.DSN = "postgres:///app" }, "dsn has no host"},
		"a dsn with two hosts":        {func(s *Settings) { s.DSN = "postgres://trueup:sesame@a,b/app" }, "dsn has several hosts"},
		"a dsn without a user":        {func(s *Settings) { s.DSN = "postgres://db/app" }, "dsn has no user"},
		"a dsn without a database":    {func(s *Settings) { s.DSN = "postgres://trueup:sesame@db" }, "dsn has no database"},
		"a dsn with an option":        {func(s *Settings) { s.DSN += "?search_path=sesame" }, "dsn has an option that is not used"},
		"a dsn that wants plain text": {func(s *Settings) { s.DSN += "?sslmode=disable" }, "dsn asks for a connection without encryption; remove that option from it, or write tls: off"},
		"a MySQL dsn that wants it":   {func(s *Settings) { s.DSN = "mysql://trueup:sesame@db/app?tls=false" }, "dsn asks for a connection without encryption"},
		"a word for tls":              {func(s *Settings) { s.TLS = "prefer" }, "tls is neither verify nor off"},
		"a ca that is none":           {func(s *Settings) { s.CA = "sesame" }, "ca has no certificate in PEM; write ca_file"},
		"a ca that is not used":       {func(s *Settings) { s.CA, s.TLS = "sesame", tlsOff }, "ca is not used with tls: off"},
		"no table":                    {func(s *Settings) { s.Table = "" }, "table is required"},
		"a table without a database":  {func(s *Settings) { s.DSN, s.Table = "mysql://trueup:sesame@db", "customers" }, "table has no database"},
		"a long name":                 {func(s *Settings) { s.Table = strings.Repeat("x", 64) }, "table is longer than 63 bytes"},
		"a name with a zero byte":     {func(s *Settings) { s.Status = "a\x00b" }, "status holds a zero byte"},
		"no id":                       {func(s *Settings) { s.ID = nil }, "id is neither a column nor a list"},
		"an id that is a number":      {func(s *Settings) { s.ID = int64(7) }, "id is neither a column nor a list"},
		"an empty list as id":         {func(s *Settings) { s.ID = []any{} }, "id is neither a column nor a list"},
		"a column twice":              {func(s *Settings) { s.ID = []any{"a", "a"} }, "id names a column twice"},
		"no status":                   {func(s *Settings) { s.Status = "" }, "status is required"},
		"a status that is the id":     {func(s *Settings) { s.Status = "id" }, "status is a column of id"},
		"a key without a column":      {func(s *Settings) { s.Keys = map[string]string{"email": ""} }, "keys.email has no column"},
		"an editor without a time":    {func(s *Settings) { s.StatusBy = "x" }, "status_by is given without status_at"},
		"no such zone":                {func(s *Settings) { s.TimeZone = "Berlin" }, "time_zone is not a time zone"},
		"the zone of this machine":    {func(s *Settings) { s.TimeZone = "Local" }, "time_zone is not a time zone"},
		"an overlap before the start": {func(s *Settings) { s.Overlap = -time.Second }, "overlap is not between"},
		"a short local overlap":       {func(s *Settings) { s.Overlap, s.TimeZone = time.Minute, "Europe/Berlin" }, "overlap is shorter than 65m"},
		"Trueup as an automation":     {func(s *Settings) { s.Automations = []string{"trueup"} }, "automations names the writer"},
		"options of another kind":     {func(s *Settings) { s.Options = "catalog" }, "options is neither a list of texts nor database"},
		"an empty list of options":    {func(s *Settings) { s.Options = []any{} }, "options is neither"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good()
			tc.change(s)
			faults := strings.Join(faultsOf(s, config.Connection{}), "\n")
			if !strings.Contains(faults, tc.says) || strings.Contains(faults, "sesame") {
				t.Errorf("the faults are %q, want %q", faults, tc.says)
			}
		})
	}
	if faults := faultsOf(good(), config.Connection{BaseURL: "https://db.example.com"}); len(faults) != 1 || !strings.Contains(faults[0], "base_url is not used") {
		t.Errorf("a base_url: %q", faults)
	}
}

func TestSettingsWithoutAFaultAreTaken(t *testing.T) {
	for _, change := range []func(s *Settings){
		func(*Settings) {},
		func(s *Settings) { s.DSN += "?sslmode=require" },
		func(s *Settings) { s.DSN, s.TLS = s.DSN+"?sslmode=disable", tlsOff },
		func(s *Settings) { s.DSN = "mariadb://trueup:p%40ss@[::1]:3307/app" },
		func(s *Settings) { s.DSN, s.Table = "mysql://trueup@db", "app.customers" },
		func(s *Settings) { s.ID, s.Options = []any{"tenant", "number"}, []any{"Active"} },
	} {
		s := good()
		change(s)
		if faults := faultsOf(s, config.Connection{}); len(faults) > 0 {
			t.Errorf("%q", faults)
		}
	}
}

// Another password is the same table, another user too; another server, database or
// table is not. Two connections to one table are one place, whatever they are called.
func TestATableIsToldFromAnother(t *testing.T) {
	same := func(a, b *Settings) bool {
		x, _ := a.Identity(config.Connection{}, nil)
		y, _ := b.Identity(config.Connection{}, nil)
		return x == y && a.Account(config.Connection{}) == b.Account(config.Connection{})
	}
	for name, tc := range map[string]struct {
		change func(s *Settings)
		same   bool
	}{
		"another password":          {func(s *Settings) { s.DSN = "postgres://trueup:other@db.example.com/app" }, true},
		"another user":              {func(s *Settings) { s.DSN = "postgres://other:sesame@DB.example.com:5432/app?sslmode=require" }, true},
		"the schema written apart":  {func(s *Settings) { s.Schema, s.Table = "app", "customers" }, true},
		"another server":            {func(s *Settings) { s.DSN = "postgres://trueup:sesame@db2.example.com/app" }, false},
		"another port":              {func(s *Settings) { s.DSN = "postgres://trueup:sesame@db.example.com:5433/app" }, false},
		"another database":          {func(s *Settings) { s.DSN = "postgres://trueup:sesame@db.example.com/app2" }, false},
		"another table":             {func(s *Settings) { s.Table = "app.people" }, false},
		"another schema":            {func(s *Settings) { s.Table = "customers" }, false},
		"a dot at another place":    {func(s *Settings) { s.Schema, s.Table = "app.customers", "x" }, false},
		"another column of the row": {func(s *Settings) { s.Keys = map[string]string{"email": "email"} }, true},
	} {
		s := good()
		tc.change(s)
		if same(good(), s) != tc.same {
			t.Errorf("%s: the same is %v", name, !tc.same)
		}
	}
	if key, shown := good().Identity(config.Connection{}, nil); strings.Contains(key+shown, "sesame") || shown != "table app.customers at db.example.com:5432" {
		t.Errorf("it is shown as %q", shown)
	}
}
