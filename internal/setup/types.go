package setup

import (
	"slices"

	"github.com/trueup-sync/trueup/internal/connector/gohighlevel"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/connector/makecom"
	"github.com/trueup-sync/trueup/internal/connector/sqltable"
	"github.com/trueup-sync/trueup/internal/connector/stripe"
)

// Type is a type of tool as the set-up asks for it.
type Type struct {
	Name  string // as trueup.yaml has it
	Label string
	// Usual is the name that a connection of it gets when it decides and when it follows.
	Usual [2]string
	// Decides and Follows say which side it can be.
	Decides, Follows bool
	// Polls says that it can be asked for changes, however it is configured.
	Polls  bool
	Fields []Field
	// Events says where in the tool its webhooks are set up, and Choose which events to
	// choose there, "" where nothing is chosen.
	Events, Choose string
}

// Field is one thing that is asked of a person about a tool.
type Field struct {
	Key   string
	Label string
	Hint  string
	// Secret is kept in a file of its own.
	Secret   bool
	Optional bool
	// Long is a text of several lines; Sample is what it is before somebody changes it.
	Long   bool
	Sample [2]string // when the tool decides and when it follows
	// OnlySource is asked only of the tool that decides.
	OnlySource bool
}

var address = Field{Key: "base_url", Label: "Another address", Optional: true, Hint: "Only for a proxy or a test server"}

// Types are the types that can be set up, in the order in which they are offered.
var Types = []Type{
	{Name: stripe.Type, Label: "Stripe", Usual: [2]string{"billing", ""}, Decides: true, Polls: true,
		Events: "In Stripe: Developers, Webhooks, Add endpoint.",
		Choose: "customer.subscription.*, customer.created, customer.updated, customer.deleted",
		Fields: []Field{
			{Key: "api_key", Label: "Restricted key", Secret: true, Hint: "In Stripe: Developers, API keys, Create restricted key, with Read on Customers, Subscriptions and Events"},
			{Key: "webhook_secrets", Label: "Signing secret of the webhook", Secret: true, Hint: "In Stripe: Developers, Webhooks, your endpoint, Reveal signing secret. It begins with whsec_"},
			address,
		}},
	{Name: gohighlevel.Type, Label: "HighLevel", Usual: [2]string{"crm", "crm"}, Decides: true, Follows: true, Polls: true,
		Fields: []Field{
			{Key: "token", Label: "Private integration token", Secret: true, Hint: "In the sub-account: Settings, Private Integrations. It begins with pit-"},
			{Key: "location_id", Label: "Location id", Hint: "In the address of the sub-account in the browser: /v2/location/<location id>/"},
			address,
		}},
	{Name: httpconn.Type, Label: "Any REST API", Usual: [2]string{"billing", "crm"}, Decides: true, Follows: true,
		Events: "In the tool's settings for webhooks.",
		Fields: []Field{
			{Key: "base_url", Label: "Address of its API", Hint: "Such as https://crm.example.com/api"},
			{Key: "token", Label: "Token", Secret: true, Hint: "Sent as Authorization: Bearer"},
			{Key: "webhook_secrets", Label: "Signing secret of its webhooks", Secret: true, OnlySource: true, Hint: "From the tool's settings for webhooks. The lines about its API, which come next, name it WEBHOOK_SECRET"},
			{Key: "description", Label: "How its API looks", Long: true, Hint: "Lines of trueup.yaml. docs/connectors/http.md explains each of them", Sample: [2]string{sourceSample, targetSample}},
		}},
	{Name: sqltable.Type, Label: "A database table", Usual: [2]string{"billing", "crm"}, Decides: true, Follows: true, Polls: true,
		Fields: []Field{
			{Key: "dsn", Label: "Address of the database, with user and password", Secret: true, Hint: "postgres://trueup:password@db.example.com:5432/app, or mysql://… for MySQL and MariaDB. A user of its own; what it needs is shown below once this is entered"}, // #nosec G101 -- an example
			{Key: "table", Label: "Table", Hint: "With its schema before a dot, such as app.customers"},
			{Key: "id", Label: "Column with the id", Hint: "The primary key, such as id"},
			{Key: "status", Label: "Column with the status", Hint: "Text, an enum or a number"},
			{Key: "tls", Label: "Encryption", Optional: true, Hint: "off for a server without TLS: everything is then sent in plain text"},
			{Key: "description", Label: "Other columns", Long: true, Hint: "Lines of trueup.yaml. docs/connectors/sql.md explains each of them", Sample: [2]string{tableDecides, tableFollows}},
		}},
	{Name: makecom.Type, Label: "Make", Usual: [2]string{"make", "make"}, Decides: true, Follows: true,
		Events: "In the scenario that sends events: the HTTP module, with the header X-Trueup-Key.",
		Fields: []Field{
			{Key: "webhook_url", Label: "Address of the scenario's webhook", Secret: true, Hint: "From the Custom webhook module. It is a secret: anyone who has it reaches the scenario"},
			{Key: "api_key", Label: "API key of that webhook", Secret: true, Hint: "In Make: Webhooks, Edit, API Key authentication"},
			{Key: "webhook_secrets", Label: "Value of the header X-Trueup-Key", Secret: true, OnlySource: true, Hint: "Any long random text, the same in the scenario that sends events"},
		}},
}

const sourceSample = `webhook:                           # what it sends: who signed it, and where things stand in it
  verify: {scheme: standard-webhooks, secrets_file: WEBHOOK_SECRET}
  id: event.id
  customer: event.data.id
  status: event.data.status
  occurred_at: event.occurred_at
record:                            # one customer, as its API shows it
  id: record.id
  status: record.status
  updated_at: record.updated_at
  keys: {customer_id: record.id, email: record.email, name: record.name}
read: {get: "/customers/{id}", record: body}
list: {get: "/customers?limit=200&after={cursor}", records: body.customers, next: body.next}
`

const targetSample = `record:                            # one customer, as its API shows it
  id: record.id
  status: record.status
  updated_at: record.updated_at
  updated_by: record.updated_by
  keys: {external_id: record.external_id, email: record.email, name: record.name}
humans: "!record.updated_by.startsWith('api:')"   # is the last editor a person?
find: {get: "/contacts?{key}={value}", records: body.contacts}
read: {get: "/contacts/{id}", record: body}
write: {put: "/contacts/{id}", body: {status: "{value}"}, if_match: record.etag}
list: {get: "/contacts?limit=200&after={cursor}", records: body.contacts, next: body.next}
`

const tableDecides = `updated_at: updated_at             # every write of a row moves it, and it has an index
# time_zone: UTC                   # for times without a zone: what they mean
keys: {email: email, name: name}   # of the match rules, each with its column
`

const tableFollows = `updated_at: updated_at             # these as far as the table has them: a write sets them
# status_at: status_changed_at     # of the status alone
# status_by: status_changed_by
# options: database                # the column is an enum, or a check constraint lists its values
keys: {email: email, name: name}   # of the match rules, each with its column
`

// TypeOf returns a type by its name in trueup.yaml.
func TypeOf(name string) (Type, bool) {
	i := slices.IndexFunc(Types, func(t Type) bool { return t.Name == name })
	if i < 0 {
		return Type{}, false
	}
	return Types[i], true
}

// Can reports whether a tool of this type can be on a side.
func (t Type) Can(side Side) bool {
	if side == Target {
		return t.Follows
	}
	return t.Decides
}

// First is what a tool needs before anything else, in a word.
func (t Type) First() string {
	if t.Name == sqltable.Type {
		return "address"
	}
	return "token"
}

// TypesOf are the names of the types that can be on a side.
func TypesOf(side Side) (names []string) {
	for _, t := range Types {
		if t.Can(side) {
			names = append(names, t.Name)
		}
	}
	return names
}

// FieldsOf are what is asked about a tool on one side.
func (t Type) FieldsOf(side Side) (all []Field) {
	for _, f := range t.Fields {
		if side == Source || !f.OnlySource {
			all = append(all, f)
		}
	}
	return all
}

// Side is one side of the sync.
type Side string

// The sides.
const (
	Source Side = "source"
	Target Side = "target"
)

func (s Side) index() int {
	if s == Target {
		return 1
	}
	return 0
}
