package httpconn

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/connectortest"
)

// publicURL is set where a case needs one.
var publicURL string

type fault struct{ path, problem, remedy string }

// faultsOf are what the check of a description says; to open it must say the same.
func faultsOf(t *testing.T, s *Settings, base string) []fault {
	t.Helper()
	var found []fault
	agreed(t, s, base, connector.Use{})
	s.Check(config.NewChecker(func(path, problem, remedy string) {
		found = append(found, fault{strings.TrimPrefix(strings.TrimPrefix(path, "connection"), "."), problem, remedy})
	}), config.Connection{Name: "crm", BaseURL: base, PublicURL: publicURL})
	return found
}

// agreed asks the check and the opening of a connection, which must say the same,
// and returns where the check finds faults.
func agreed(t *testing.T, s *Settings, base string, use connector.Use) string {
	t.Helper()
	paths := connectortest.Agree(t, connectortest.Described{Name: t.Name(), Common: config.Connection{Name: "crm", BaseURL: base, PublicURL: publicURL}, Settings: s, Use: use},
		func(common config.Connection, s config.Settings, deps connector.Deps) (connector.Connection, error) {
			return Open(common.Name, common, s.(*Settings), deps)
		})
	return strings.Join(paths, " ")
}

// verified is the documented connection with another verify, hooked with a changed
// one of scheme hmac, and shaken with a hand-shake.
func verified(v Verify) func(s *Settings) {
	return func(s *Settings) { s.Webhook.Verify = v }
}

func hooked(change func(v *Verify)) func(s *Settings) {
	v := Verify{Scheme: schemeHMAC, Header: "X-Sig", TimestampHeader: "X-Time", Signed: "{timestamp}.{body}", Secrets: []config.Secret{"k"}}
	change(&v)
	return verified(v)
}

func shaken(h Handshake) func(s *Settings) {
	return func(s *Settings) { s.Webhook.Handshake = &h }
}

func TestTheDocumentedConnectionIsSound(t *testing.T) {
	for _, f := range faultsOf(t, full(), "http://127.0.0.1:9002") {
		t.Errorf("%s: %s; %s", f.path, f.problem, f.remedy)
	}
}

func TestEveryFaultIsReportedAtItsPlace(t *testing.T) {
	cases := []struct {
		name   string
		change func(s *Settings)
		want   string // the paths, in the order they are reported
	}{
		{"nothing at all", func(s *Settings) { *s = Settings{} }, "(itself)"},
		{"two kinds of auth", func(s *Settings) { s.Auth.Basic = &BasicAuth{User: "u"} }, "auth"},
		{"no kind of auth", func(s *Settings) { s.Auth = &Auth{} }, "auth"},
		{"auth header without parts", func(s *Settings) { s.Auth = &Auth{Header: &HeaderAuth{}} }, "auth.header.name auth.header.value"},
		{"auth header with a bad name", func(s *Settings) { s.Auth = &Auth{Header: &HeaderAuth{Name: "X Key", Value: "v"}} }, "auth.header.name"},
		{"basic auth without a user", func(s *Settings) { s.Auth = &Auth{Basic: &BasicAuth{Password: "p"}} }, "auth.basic.user"},
		{"basic auth with a colon in the user", func(s *Settings) { s.Auth = &Auth{Basic: &BasicAuth{User: "a:b"}} }, "auth.basic.user"},
		{"a line break in the token", func(s *Settings) { s.Auth.Bearer = "x\n" }, "auth.bearer"},
		{"a webhook without verify", func(s *Settings) { s.Webhook.Verify = Verify{} }, "webhook.verify"},
		{"none: true beside a scheme", func(s *Settings) { s.Webhook.Verify.None = true }, "webhook.verify.scheme webhook.verify.secrets"},
		{"an unknown scheme", func(s *Settings) { s.Webhook.Verify.Scheme = "md5" }, "webhook.verify.scheme"},
		{"standard-webhooks without secrets", func(s *Settings) { s.Webhook.Verify.Secrets = nil }, "webhook.verify.secrets"},
		{"standard-webhooks with a bad secret", func(s *Settings) { s.Webhook.Verify.Secrets[0] = "canary" }, "webhook.verify.secrets"},
		{"standard-webhooks with keys of others", func(s *Settings) { s.Webhook.Verify.Header, s.Webhook.Verify.Name = "X", "Y" }, "webhook.verify.header webhook.verify.name"},
		{"hmac without a header", func(s *Settings) { s.Webhook.Verify.Scheme = schemeHMAC256 }, "webhook.verify.header"},
		{"hmac with a bad encoding", func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: schemeHMAC256, Header: "X-Sig", Encoding: "base32", Secrets: []config.Secret{"k"}}
		}, "webhook.verify.encoding"},
		{"hmac with one header for both", func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: schemeHMAC256, Header: "X-Sig", TimestampHeader: "x-sig", Secrets: []config.Secret{"k"}}
		}, "webhook.verify.timestamp_header"},
		{"hmac without secrets", func(s *Settings) { s.Webhook.Verify = Verify{Scheme: schemeHMAC256, Header: "X-Sig"} }, "webhook.verify.secrets"},
		{"header without a name", func(s *Settings) { s.Webhook.Verify = Verify{Scheme: schemeHeader, Secrets: []config.Secret{"k"}} }, "webhook.verify.name"},
		{"header with an encoding", func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: schemeHeader, Name: "X", Encoding: "hex", Secrets: []config.Secret{"k"}}
		}, "webhook.verify.encoding"},
		{"an algorithm that is not known", hooked(func(v *Verify) { v.Algorithm = "md5" }), "webhook.verify.algorithm"},
		{"a key in an unknown encoding", hooked(func(v *Verify) { v.KeyEncoding = "base32" }), "webhook.verify.key_encoding"},
		{"a key that is not in its encoding", hooked(func(v *Verify) { v.KeyEncoding = "hex" }), "webhook.verify.secrets"},
		{"a unit that is not known", hooked(func(v *Verify) { v.TimestampUnit = "minutes" }), "webhook.verify.timestamp_unit"},
		{"a unit of no time", hooked(func(v *Verify) { v.TimestampHeader, v.Signed, v.TimestampUnit = "", "", "ms" }), "webhook.verify.timestamp_unit"},
		{"a tolerance of no time", hooked(func(v *Verify) { v.TimestampHeader, v.Signed, v.Tolerance = "", "", time.Minute }), "webhook.verify.tolerance"},
		{"a tolerance of two days", hooked(func(v *Verify) { v.Tolerance = 48 * time.Hour }), "webhook.verify.tolerance"},
		{"a tolerance below a second", hooked(func(v *Verify) { v.Tolerance = time.Millisecond }), "webhook.verify.tolerance"},
		{"a time that is not signed", hooked(func(v *Verify) { v.Signed = "{body}" }), "webhook.verify.signed"},
		{"a time and nothing about what is signed", hooked(func(v *Verify) { v.Signed = "" }), "webhook.verify.signed"},
		{"a body that is not signed", hooked(func(v *Verify) { v.Signed = "{timestamp}" }), "webhook.verify.signed"},
		{"a signed time that is nowhere", hooked(func(v *Verify) { v.TimestampHeader = "" }), "webhook.verify.signed"},
		{"a signed address without public_url", hooked(func(v *Verify) { v.Signed = "{url}{timestamp}{body}" }), "webhook.verify.signed"},
		{"a signed text with an unknown placeholder", hooked(func(v *Verify) { v.Signed = "{id}.{timestamp}.{body}" }), "webhook.verify.signed"},
		{"a signed text with half a placeholder", hooked(func(v *Verify) { v.Signed = "{timestamp}.{body}{" }), "webhook.verify.signed"},
		{"a signed body that comes twice", hooked(func(v *Verify) { v.Signed = "{timestamp}{body}{body}" }), "webhook.verify.signed"},
		{"a format that is no list", hooked(func(v *Verify) { v.Format = "v1:{signature}" }), "webhook.verify.format"},
		{"a time in two places", hooked(func(v *Verify) { v.Format = "t={timestamp},v1={signature}" }), "webhook.verify.timestamp_header"},
		{"a time in the header of the signature", hooked(func(v *Verify) { v.TimestampHeader = "x-sig" }), "webhook.verify.timestamp_header"},
		{"hmac-sha256 with the keys of hmac", hooked(func(v *Verify) { v.Scheme = schemeHMAC256 }), "webhook.verify.signed"},
		{"hmac with public keys", hooked(func(v *Verify) { v.PublicKeys = []string{"x"} }), "webhook.verify.public_keys"},
		{"names of nobody", func(s *Settings) { s.Webhook.Verify.Names = "stripe" }, "webhook.verify.names"},
		{"names without headers of its own", hooked(func(v *Verify) { v.Names = "svix" }), "webhook.verify.names"},
		{"ed25519 without a key", verified(Verify{Scheme: schemeEd25519, Header: "X-Sig"}), "webhook.verify.public_keys"},
		{"ed25519 with a secret", verified(Verify{Scheme: schemeEd25519, Header: "X-Sig", PublicKeys: []string{strings.Repeat("8b", 32)}, Secrets: []config.Secret{"k"}}), "webhook.verify.secrets"},
		{"ed25519 with something else", verified(Verify{Scheme: schemeEd25519, Header: "X-Sig", PublicKeys: []string{"canary"}}), "webhook.verify.public_keys[0]"},
		{"basic without a user", verified(Verify{Scheme: schemeBasic, Secrets: []config.Secret{"k"}}), "webhook.verify.user"},
		{"basic with a colon in the user", verified(Verify{Scheme: schemeBasic, User: "a:b", Secrets: []config.Secret{"k"}}), "webhook.verify.user"},
		{"basic without a password", verified(Verify{Scheme: schemeBasic, User: "hooks"}), "webhook.verify.secrets"},
		{"basic with a line break", verified(Verify{Scheme: schemeBasic, User: "hooks", Secrets: []config.Secret{"k\n"}}), "webhook.verify.secrets[0]"},
		{"path without a secret", verified(Verify{Scheme: schemePath}), "webhook.verify.secrets"},
		{"path with a secret that is guessed", verified(Verify{Scheme: schemePath, Secrets: []config.Secret{"canary"}}), "webhook.verify.secrets[0]"},
		{"path with a slash", verified(Verify{Scheme: schemePath, Secrets: []config.Secret{"canary/canary/canary"}}), "webhook.verify.secrets[0]"},
		{"path with a header", verified(Verify{Scheme: schemePath, Header: "X", Secrets: []config.Secret{"0123456789abcdef"}}), "webhook.verify.header"},
		{"a filter that is no expression", func(s *Settings) { s.Webhook.When = "event." }, "webhook.when"},
		{"a filter of the record", func(s *Settings) { s.Webhook.When = "record.x" }, "webhook.when"},
		{"a ping with an event", func(s *Settings) { s.Webhook.Ping = true }, "webhook.customer webhook.events webhook.id webhook.occurred_at webhook.status"},
		{"a ping without a list", func(s *Settings) { s.Webhook, s.List = &Webhook{Verify: s.Webhook.Verify, Ping: true}, nil }, "webhook.ping"},
		{"a ping without a time of change", func(s *Settings) {
			s.Webhook, s.Record.UpdatedAt = &Webhook{Verify: s.Webhook.Verify, Ping: true}, ""
		}, "webhook.ping"},
		{"a hand-shake about nothing", shaken(Handshake{}), "webhook.handshake"},
		{"a hand-shake with a bad header", shaken(Handshake{Header: "X Hook"}), "webhook.handshake.header"},
		{"a hand-shake with a header that is ours", shaken(Handshake{Header: "set-cookie"}), "webhook.handshake.header"},
		{"a hand-shake with bad expressions", shaken(Handshake{Challenge: "event.x", Token: "("}), "webhook.handshake.challenge webhook.handshake.token"},
		{"an answer to no challenge", shaken(Handshake{Get: true, Answer: map[string]string{"a": "{challenge}"}}), "webhook.handshake.answer"},
		{"an answer without the challenge", shaken(Handshake{Challenge: "body.x", Answer: map[string]string{"a": "b"}}), "webhook.handshake.answer"},
		{"an answer with an unknown placeholder", shaken(Handshake{Challenge: "body.x", Answer: map[string]string{"a": "{challenge}{x}"}}), "webhook.handshake.answer"},
		{"an answer that is signed with no key", shaken(Handshake{Challenge: "body.x", Answer: map[string]string{"a": "{hmac}"}}), "webhook.handshake.answer"},
		{"no event id where the scheme has none", func(s *Settings) {
			s.Webhook.ID, s.Webhook.Verify = "", Verify{None: true}
		}, "webhook.id"},
		{"no customer", func(s *Settings) { s.Webhook.Customer = "" }, "webhook.customer"},
		{"an expression that does not parse", func(s *Settings) { s.Webhook.ID = "event." }, "webhook.id"},
		{"a name that is not known there", func(s *Settings) { s.Webhook.Customer = "record.id" }, "webhook.customer"},
		{"events of events", func(s *Settings) { s.Webhook.Events = "event.events" }, "webhook.events"},
		{"every expression of record", func(s *Settings) {
			s.Record = Record{ID: "x.id", Status: "x.s", UpdatedAt: "x.at", UpdatedBy: "x.by", Keys: map[string]string{"email": "x.email"}}
			s.Humans = "x.human"
		}, "record.id record.status record.updated_at record.updated_by humans record.keys.email"},
		{"the status's own time and editor that do not parse", func(s *Settings) {
			s.Record.StatusAt, s.Record.StatusBy, s.Humans = "x.at", "x.by", "x.human"
		}, "record.status_at record.status_by humans"},
		{"an editor of the status without its time", func(s *Settings) { s.Record.StatusBy = "record.sb" }, "record.status_by"},
		{"the record's time as the status's own", func(s *Settings) { s.Record.StatusAt = "record.updated_at" }, "record.status_at"},
		{"the status's own time and the record's editor", func(s *Settings) { s.Record.StatusAt = "record.sa" }, "record.status_by"},
		{"humans about the record's editor beside the status's own", func(s *Settings) {
			s.Record.StatusAt, s.Record.StatusBy = "record.sa", "record.sb"
		}, "humans"},
		{"an editor of the status of whom nobody says what he is", func(s *Settings) {
			s.Record.StatusAt, s.Record.StatusBy, s.Humans = "record.sa", "record.sb", ""
		}, "humans"},
		{"the status's own time where a write names the record's", func(s *Settings) {
			s.Record.StatusAt, s.Humans = "record.sa", ""
			s.Write.Body = map[string]any{"status": "{value}", "seen": "{updated_at}"}
		}, "record.status_at"},
		{"a key called id", func(s *Settings) { s.Record.Keys["id"] = "record.id" }, "record.keys.id"},
		{"an empty key", func(s *Settings) { s.Record.Keys["email"] = "" }, "record.keys.email"},
		{"no id and status of the record", func(s *Settings) { s.Record.ID, s.Record.Status = "", "" }, "record.id record.status"},
		{"read without {id}", func(s *Settings) { s.Read.Get = "/customers" }, "read.get"},
		{"read of another host", func(s *Settings) { s.Read.Get = "https://other.example/{id}" }, "read.get"},
		{"read with an unknown placeholder", func(s *Settings) { s.Read.Get = "/customers/{id}?x={value}" }, "read.get"},
		{"read with half a placeholder", func(s *Settings) { s.Read.Get = "/customers/{id}{" }, "read.get"},
		{"read with a dot segment", func(s *Settings) { s.Read.Get = "/customers/../{id}" }, "read.get"},
		{"read with a fragment", func(s *Settings) { s.Read.Get = "/customers/{id}#x" }, "read.get"},
		{"read with a space", func(s *Settings) { s.Read.Get = "/customers/{id}?q=a b" }, "read.get"},
		{"read without get", func(s *Settings) { s.Read.Get = "" }, "read.get"},
		{"a record expression of read that fails", func(s *Settings) { s.Read.Record = "record" }, "read.record"},
		{"find without {value}", func(s *Settings) { s.Find.Get = "/customers?key={key}" }, "find.get"},
		{"find with bad records", func(s *Settings) { s.Find.Records = "(" }, "find.records"},
		{"list with bad records and next", func(s *Settings) { s.List.Records, s.List.Next = "(", ")" }, "list.records list.next"},
		{"list with {cursor} and no next", func(s *Settings) { s.List.Next = "" }, "list"},
		{"list with next and no {cursor}", func(s *Settings) { s.List.Get = "/customers" }, "list"},
		{"list with get and post", func(s *Settings) { s.List.Post = "/c" }, "list"},
		{"list without either", func(s *Settings) { s.List.Get = "" }, "list.get"},
		{"list with a body and get", func(s *Settings) { s.List.Body = map[string]any{"a": "{cursor}"} }, "list.body"},
		{"list with an unknown placeholder in its body", func(s *Settings) {
			s.List.Get, s.List.Post, s.List.Body = "", "/c", map[string]any{"a": "{curser}"}
		}, "list.body"},
		{"list with next and next_url", func(s *Settings) { s.List.NextURL = "body.url" }, "list.next_url"},
		{"list with next_url and {cursor}", func(s *Settings) { s.List.Next, s.List.NextURL = "", "body.url" }, "list.next_url"},
		{"list with next_url and post", func(s *Settings) { *s.List = List{Post: "/c", NextURL: "body.url"} }, "list.next_url"},
		{"list with a next_url that does not parse", func(s *Settings) { *s.List = List{Get: "/c", NextURL: "cursor"} }, "list.next_url"},
		{"list with first and no {cursor}", func(s *Settings) { *s.List = List{Get: "/c", First: "1"} }, "list.first"},
		{"list with a first that is a book", func(s *Settings) { s.List.First = strings.Repeat("1", 600) }, "list.first"},
		{"list with a format and no {since}", func(s *Settings) { s.List.SinceFormat = "unix" }, "list.since_format"},
		{"list with an unknown format", func(s *Settings) { s.List.Get, s.List.SinceFormat = "/c?a={cursor}&s={since}", "iso" }, "list.since_format"},
		{"list with {since} and records without a time", func(s *Settings) { s.List.Get, s.Record.UpdatedAt = "/c?a={cursor}&s={since}", "" }, "list"},
		{"list with a negative overlap", func(s *Settings) { s.List.Overlap = -time.Second }, "list.overlap"},
		{"list with an overlap of a year", func(s *Settings) { s.List.Overlap = 365 * 24 * time.Hour }, "list.overlap"},
		{"list with an overlap and no poll", func(s *Settings) { s.List.Overlap, s.Record.UpdatedAt = time.Hour, "" }, "list.overlap"},
		{"a number in an address", func(s *Settings) { s.List.Get = "/c?a={cursor|number}" }, "list.get"},
		{"a number inside a text", func(s *Settings) {
			s.List.Get, s.List.Post, s.List.Body = "", "/c", map[string]any{"a": "page {cursor|number}"}
		}, "list.body"},
		{"a filter that there is not", func(s *Settings) { s.Find.Get = "/c?q={value|sql}" }, "find.get"},
		{"an empty filter", func(s *Settings) { s.Find.Get = "/c?q={value|}" }, "find.get"},
		{"find with get and post", func(s *Settings) { s.Find.Post = "/c" }, "find"},
		{"find with nothing", func(s *Settings) { s.Find = &Find{} }, "find.get"},
		{"find by a key that no record has", func(s *Settings) { s.Find.By = map[string]Search{"phone": {Get: "/c?p={value}"}} }, "find.phone"},
		{"find by a key without {value}", func(s *Settings) {
			s.Find.By = map[string]Search{"email": {Post: "/c", Body: map[string]any{"k": "{key}"}}}
		}, "find.email.post"},
		{"find by a key with bad records", func(s *Settings) { s.Find.By = map[string]Search{"email": {Get: "/c?p={value}", Records: "("}} }, "find.email.records"},
		{"write without a method", func(s *Settings) { s.Write.Put = "" }, "write"},
		{"write with two methods", func(s *Settings) { s.Write.Patch = "/customers/{id}" }, "write"},
		{"write without {value}", func(s *Settings) { s.Write.Body = map[string]any{"status": "Active"} }, "write.body"},
		{"write without a body or {value}", func(s *Settings) { s.Write.Body = nil }, "write.body"},
		{"write without {id}", func(s *Settings) { s.Write.Put = "/customers" }, "write.put"},
		{"write with a misspelt placeholder", func(s *Settings) { s.Write.Body = []any{"{value}", map[string]any{"a": "{vlaue}"}} }, "write.body"},
		{"write with a placeholder as key", func(s *Settings) { s.Write.Body = map[string]any{"{value}": "{value}"} }, "write.body"},
		{"write with what JSON cannot say", func(s *Settings) { s.Write.Body = map[any]any{"status": "{value}"} }, "write.body"},
		{"a bad if_match", func(s *Settings) { s.Write.IfMatch = "event.etag" }, "write.if_match"},
		{"write without read", func(s *Settings) { s.Read = nil }, "read"},
		{"no status anywhere and no read", func(s *Settings) {
			*s = Settings{Webhook: &Webhook{Verify: Verify{None: true}, ID: "event.id", Customer: "event.c"}}
		}, "webhook.status"},
		{"no read and a status from a header", func(s *Settings) {
			*s = Settings{Webhook: &Webhook{Verify: Verify{None: true}, ID: "event.id", Customer: "event.c", Status: "headers.status"}}
		}, "webhook.status"},
		{"no read and a customer from the rest of the batch", func(s *Settings) {
			*s = Settings{Webhook: &Webhook{Verify: Verify{None: true}, Events: "body.events", ID: "event.id", Customer: "body.c", Status: "event.s"}}
		}, "webhook.customer"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			c.change(s)
			var paths []string
			for _, f := range faultsOf(t, s, "http://127.0.0.1:9002") {
				if f.path == "" {
					f.path = "(itself)"
				}
				paths = append(paths, f.path)
				if f.remedy == "" || f.problem == "" {
					t.Errorf("%s: problem %q, remedy %q", f.path, f.problem, f.remedy)
				}
				if strings.Contains(f.problem+f.remedy, "canary") {
					t.Errorf("the fault quotes a secret: %+v", f)
				}
			}
			if got := strings.Join(paths, " "); got != c.want {
				t.Errorf("faults at %q, want %q", got, c.want)
			}
			for _, target := range []bool{false, true} {
				agreed(t, s, "http://127.0.0.1:9002", connector.Use{Target: target})
			}
		})
	}
}

func TestABaseAddressIsRequired(t *testing.T) {
	if got := faultsOf(t, full(), ""); len(got) != 1 || got[0].path != "base_url" {
		t.Errorf("got %+v", got)
	}
	if _, err := Open("crm", config.Connection{BaseURL: "ftp://x"}, full(), connector.Deps{}); err == nil {
		t.Error("an ftp address is accepted")
	}
}

func TestEachDocumentedVariantIsSound(t *testing.T) {
	secrets := []config.Secret{hmacKey}
	cases := map[string]func(s *Settings){
		"header auth":                   func(s *Settings) { s.Auth = &Auth{Header: &HeaderAuth{Name: "X-Api-Key", Value: token}} },
		"basic auth":                    func(s *Settings) { s.Auth = &Auth{Basic: &BasicAuth{User: "u", Password: token}} },
		"basic auth without a password": func(s *Settings) { s.Auth = &Auth{Basic: &BasicAuth{User: token}} },
		"no auth":                       func(s *Settings) { s.Auth = nil },
		"hmac with the defaults":        func(s *Settings) { s.Webhook.Verify = Verify{Scheme: schemeHMAC256, Header: "X-Sig", Secrets: secrets} },
		"hmac with everything": func(s *Settings) {
			s.Webhook.Verify = Verify{Scheme: schemeHMAC256, Header: "X-Sig", Encoding: "base64", Prefix: "v1=", TimestampHeader: "X-Time", Secrets: secrets}
		},
		"hmac of another kind": hooked(func(v *Verify) {
			v.Algorithm, v.KeyEncoding, v.TimestampUnit, v.Tolerance, v.Secrets = "sha512", "base64", "iso", time.Hour, []config.Secret{"AP8="}
		}),
		"hmac with one header for both": hooked(func(v *Verify) { v.TimestampHeader, v.Format = "", "ts={timestamp};h1={signature}" }),
		"hmac over method and address":  hooked(func(v *Verify) { v.Signed = "{method}{url}{body}{timestamp}" }),
		"the names of svix":             func(s *Settings) { s.Webhook.Verify.Names, s.Webhook.ID = "svix", "" },
		"ed25519 with a key in hex":     verified(Verify{Scheme: schemeEd25519, Header: "X-Sig", PublicKeys: []string{strings.Repeat("8b", 32)}}),
		"ed25519 over the time":         verified(Verify{Scheme: schemeEd25519, Header: "X-Sig", TimestampHeader: "X-Time", Signed: "{timestamp}{body}", PublicKeys: []string{strings.Repeat("8b", 32)}}),
		"basic":                         verified(Verify{Scheme: schemeBasic, User: "hooks", Secrets: secrets}),
		"a secret in the address":       verified(Verify{Scheme: schemePath, Secrets: []config.Secret{"0123456789abcdef", "0123456789ABCDEF-_"}}),
		"a filter":                      func(s *Settings) { s.Webhook.When = "event.type == 'x'" },
		"pings":                         func(s *Settings) { s.Webhook = &Webhook{Verify: s.Webhook.Verify, Ping: true} },
		"each hand-shake":               shaken(Handshake{Get: true, Query: "q", Header: "X-Hook-Secret", Challenge: "body.x", Answer: map[string]string{"a": "{challenge}"}, Token: "body.t"}),
		"a static header":               func(s *Settings) { s.Webhook.Verify = Verify{Scheme: schemeHeader, Name: "X-Token", Secrets: secrets} },
		"none":                          func(s *Settings) { s.Webhook.Verify = Verify{None: true} },
		"two secrets while rotating":    func(s *Settings) { s.Webhook.Verify.Secrets = []config.Secret{whsec, otherSec} },
		"the body is the event":         func(s *Settings) { s.Webhook.Events = "" },
		"the id of the delivery":        func(s *Settings) { s.Webhook.ID = "" },
		"no status in the webhook":      func(s *Settings) { s.Webhook.Status = "" },
		"a webhook alone":               func(s *Settings) { *s = Settings{Webhook: s.Webhook} },
		"a webhook with record.status": func(s *Settings) {
			*s = Settings{Webhook: s.Webhook, Record: Record{Status: "event.s"}}
			s.Webhook.Status = ""
		},
		"patch": func(s *Settings) { s.Write.Put, s.Write.Patch = "", s.Write.Put },
		"post with the id in the body": func(s *Settings) {
			s.Write = &Write{Post: "/set", Body: map[string]any{"id": "{id}", "to": "{status}"}}
		},
		"a write without a body":          func(s *Settings) { s.Write = &Write{Post: "/customers/{id}/status/{value}"} },
		"a list of one page":              func(s *Settings) { s.List = &List{Get: "/customers"} },
		"defaults for records and record": func(s *Settings) { s.Find.Records, s.Read.Record, s.List.Records = "", "", "" },
		"match by id only":                func(s *Settings) { s.Find = nil },
		"a source that is only read":      func(s *Settings) { *s = Settings{Record: s.Record, Read: s.Read, List: s.List} },
		"an optional field":               func(s *Settings) { s.Record.Keys["phone"] = "record.?phone.orValue('')" },
		"a header of the answer":          func(s *Settings) { s.Write.IfMatch = "headers.etag" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			s := full()
			change(s)
			publicURL = "https://sync.example.com"
			defer func() { publicURL = "" }()
			for _, f := range faultsOf(t, s, "https://crm.example.com/api") {
				t.Errorf("%s: %s; %s", f.path, f.problem, f.remedy)
			}
		})
	}
}

func TestKnowledgeAndAbilitiesFollowTheSettings(t *testing.T) {
	type has struct{ Receiver, Source, EventSource, Target, Changes bool }
	cases := []struct {
		name   string
		change func(s *Settings)
		knows  connector.Knowledge
		has    has
	}{
		{"everything", func(s *Settings) {}, connector.Knowledge{Order: true, Actor: true, ConditionalWrite: true}, has{true, true, false, true, true}},
		{"no times", func(s *Settings) { s.Record.UpdatedAt, s.Webhook.OccurredAt = "", "" },
			connector.Knowledge{Actor: true, ConditionalWrite: true}, has{true, true, false, true, false}},
		{"only the webhook's time", func(s *Settings) { s.Record.UpdatedAt, s.Humans, s.Write.IfMatch = "", "", "" },
			connector.Knowledge{Order: true}, has{true, true, false, true, false}},
		{"the status's own time", func(s *Settings) {
			*s = Settings{Record: s.Record, Read: s.Read}
			s.Record.UpdatedAt, s.Record.StatusAt = "", "record.sa"
		},
			connector.Knowledge{Order: true, FieldTime: true}, has{false, true, false, false, false}},
		{"a webhook alone", func(s *Settings) { *s = Settings{Webhook: s.Webhook} }, connector.Knowledge{Order: true}, has{true, false, true, false, false}},
		{"read alone", func(s *Settings) { *s = Settings{Record: s.Record, Read: s.Read} }, connector.Knowledge{Order: true}, has{false, true, false, false, false}},
		{"list alone", func(s *Settings) { *s = Settings{Record: s.Record, List: s.List} }, connector.Knowledge{Order: true}, has{false, false, true, false, true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := full()
			c.change(s)
			conn := connectTo(t, s, "http://127.0.0.1:1")
			if d := cmp.Diff(c.knows, conn.Knows); d != "" {
				t.Error(d)
			}
			got := has{conn.Receiver != nil, conn.Source != nil, conn.EventSource != nil, conn.Target != nil, conn.Changes != nil}
			if got != c.has {
				t.Errorf("abilities %+v, want %+v", got, c.has)
			}
		})
	}
}

func TestOneAccountHasOneName(t *testing.T) {
	read := func(get string) *Settings { return &Settings{Read: &Read{Get: get}} }
	want := read("/customers/{id}").Account(config.Connection{BaseURL: "https://crm.example.com/api"})
	same := []struct {
		base string
		s    *Settings
	}{
		{"https://CRM.example.com:443/api/", read("/customers/{id}")},
		{"https://crm.example.com", read("/api/customers/{id}/")},
		{"https://crm.example.com/api", read("/customers/{id}?expand=1")},
		{"https://crm.example.com/api", &Settings{Write: &Write{Put: "/customers/{id}"}}},
	}
	for _, c := range same {
		if got := c.s.Account(config.Connection{BaseURL: c.base}); got != want {
			t.Errorf("%s with %+v: %s, want %s", c.base, c.s.Read, got, want)
		}
	}
	for _, other := range []string{
		read("/deals/{id}").Account(config.Connection{BaseURL: "https://crm.example.com/api"}),
		read("/customers/{id}").Account(config.Connection{BaseURL: "https://crm.example.com:8443/api"}),
		(&Settings{Webhook: &Webhook{}}).Account(config.Connection{BaseURL: "https://crm.example.com/api"}),
	} {
		if other == want {
			t.Errorf("%s counts as the same account", other)
		}
	}
	local := func(base string) string { return read("/c/{id}").Account(config.Connection{BaseURL: base}) }
	if local("http://localhost:9002") != local("http://127.0.0.1:9002") {
		t.Error("two names of this machine count as two accounts")
	}
}

// refused checks that the settings have faults at these keys, each with what to do, and
// that what Check refuses cannot be opened.
func refused(t *testing.T, s *Settings, base, want string) {
	t.Helper()
	var paths []string
	for _, f := range faultsOf(t, s, base) {
		paths = append(paths, f.path)
		if f.problem == "" || f.remedy == "" {
			t.Errorf("%+v", f)
		}
	}
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("faults at %q, want %q", got, want)
	}
	if _, err := Open("crm", config.Connection{BaseURL: "http://127.0.0.1:1"}, s, connector.Deps{}); err == nil {
		t.Error("Open accepts what Check refuses")
	}
}
