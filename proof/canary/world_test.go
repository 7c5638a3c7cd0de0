package canary

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/assertiontest"
	"github.com/trueup-sync/trueup/internal/notify/smtp/fakesmtp"
)

// secret is a secret of the configuration with a needle in it.
type secret struct {
	needle
	// field is where it stands, as declared names it.
	field string
	// path leads to it in the file.
	path []string
	text string
}

// spelling is one of the ways to write secrets into a file: under a key of a
// mapping, from a world's folder and environment.
type spelling func(w *world, in object, key string, list bool, texts ...string)

// spellings are all there are.
var spellings = map[string]spelling{
	"secrets in the file": func(_ *world, in object, key string, list bool, texts ...string) {
		in[key] = texts[0]
		if list {
			in[key] = texts
		}
	},
	"secrets from the environment": func(w *world, in object, key string, list bool, texts ...string) {
		var refs []string
		for _, text := range texts {
			// A name is no secret: it is made of a number.
			name := "CANARY_" + strings.Repeat("I", len(w.env)+1)
			w.env[name] = text
			refs = append(refs, "${"+name+"}")
		}
		in[key] = refs[0]
		if list {
			in[key] = refs
		}
	},
	"secrets in files of their own": func(w *world, in object, key string, _ bool, texts ...string) {
		name := "secret" + strings.Repeat("i", w.files)
		w.files++
		w.write(name, strings.Join(texts, "\n")+"\n")
		in[key+"_file"] = name
	},
}

// world is a configuration with a needle in each secret, the people who are
// carried, and the tools that know them.
type world struct {
	*testing.T
	dir     string
	env     map[string]string
	files   int
	spell   spelling
	dsn     string // of the database, as the tests open it
	secrets []secret
	config  object

	email, name, editor        needle
	billing, crm, shop, ledger *tool
	// These are of kinds that this package's tool is not: what they are asked
	// they answer wrongly, and what they are told they give away.
	scenario, location, agency, partner, envoy, provider, slack *tool
	// mailer does not know the password, and repeats it when it says so.
	mailer *fakesmtp.Server
}

// newWorld makes the file trueup.yaml with a database and one of the two ways
// to tell people in Slack.
func newWorld(t *testing.T, spell spelling, dsn string, viaApp bool) *world {
	w := &world{T: t, dir: t.TempDir(), env: map[string]string{}, spell: spell, dsn: dsn,
		email: newNeedle("a customer's e-mail address"), name: newNeedle("a customer's name"), editor: newNeedle("an editor's name")}
	w.billing, w.crm, w.shop, w.ledger = newTool(w), newTool(w), newTool(w), newTool(w)
	w.scenario, w.location, w.agency, w.slack = newTool(w), newTool(w), newTool(w), newTool(w)
	w.partner, w.envoy, w.provider = newTool(w), newTool(w), newTool(w)
	w.mailer = fakesmtp.New(t, fakesmtp.Options{NoTLS: true, Login: true})
	w.config = w.settings(dsn, viaApp)
	w.write("trueup.yaml", w.yaml(w.config))
	return w
}

// yaml writes a configuration as JSON, which is YAML as well.
func (w *world) yaml(config object) string {
	w.Helper()
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

func (w *world) write(name, text string) string {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// form makes the text of a secret of its needle.
type form func(core string) string

// after is a needle after a prefix, inBase64 one that must be decoded first and
// is then as long as it has to be.
func after(prefix string) form { return func(core string) string { return prefix + core } }

func inBase64(prefix string, size int) form {
	return func(core string) string {
		return prefix + base64.StdEncoding.EncodeToString([]byte(core+strings.Repeat(".", size-len(core))))
	}
}

// plant puts a secret, or two of a list, under a key of the mapping that path
// leads to.
func (w *world) plant(field string, root object, path []string, made form, list bool) {
	in := root
	for _, key := range path[:len(path)-1] {
		if in[key] == nil {
			in[key] = object{}
		}
		in = in[key].(object)
	}
	many := 1
	if list {
		many = 2
	}
	var texts []string
	for range many {
		n := newNeedle(strings.Join(path, ".") + " (" + field + ")")
		text := made(n.core)
		w.secrets = append(w.secrets, secret{needle: n, field: field, path: path, text: text})
		texts = append(texts, text)
	}
	w.spell(w, in, path[len(path)-1], list, texts...)
}

// plantKey plants a private key, whose needle is a part of one of its lines.
func (w *world) plantKey(field string, root object, path []string) {
	w.Helper()
	for {
		text := assertiontest.PEM(w.T, assertiontest.NewKey(2048))
		core := regexp.MustCompile(fmt.Sprintf(`(?m)^[a-zA-Z0-9]{%d}`, 2*half)).FindString(text[len(text)/2:])
		if core == "" {
			continue // letters that a URL changes
		}
		w.plant(field, root, path, func(string) string { return text }, false)
		last := &w.secrets[len(w.secrets)-1]
		last.needle = needleOf(last.what, strings.ToLower(core))
		return
	}
}

// secret returns the last one that was planted under a path: of two that are
// valid while one is replaced, the new one.
func (w *world) secret(path string) secret {
	w.Helper()
	var last *secret
	for i, s := range w.secrets {
		if strings.Join(s.path, ".") == path {
			last = &w.secrets[i]
		}
	}
	if last == nil {
		w.Fatalf("there is no secret at %s", path)
	}
	return *last
}

// needles returns those of the secrets.
func (w *world) needles() []needle {
	var all []needle
	for _, s := range w.secrets {
		all = append(all, s.needle)
	}
	return all
}

// settings is the whole file. Each kind of authorisation and of verification
// is used by one of its connections. Slack is told through an app, or through
// an incoming webhook.
func (w *world) settings(dsn string, viaApp bool) object {
	root := object{"listen": "127.0.0.1:0", "public_url": "https://sync.example.com", "database": dsn}
	if u, err := url.Parse(dsn); err == nil && u.Scheme == "postgres" {
		w.plantPassword(root, u)
	}
	one := func(field, path string, made form) { w.plant(field, root, strings.Split(path, "."), made, false) }
	two := func(field, path string, made form) { w.plant(field, root, strings.Split(path, "."), made, true) }
	one("encryption_key", "encryption_key", inBase64("", 32))
	if viaApp {
		one("notify.slack.bot_token", "notify.slack.bot_token", after("xoxb-"))
		one("notify.slack.app_token", "notify.slack.app_token", after("xapp-"))
		one("notify.slack.signing_secret", "notify.slack.signing_secret", after(""))
		maps.Copy(root["notify"].(object)["slack"].(object), object{"channel": "#customer-status", "base_url": w.slack.URL})
	} else {
		one("notify.slack.webhook_url", "notify.slack.webhook_url", after(w.slack.URL+"/services/"))
	}
	one("notify.webhook.url", "notify.webhook.url", after(w.slack.URL+"/told/"))
	two("notify.webhook.secrets", "notify.webhook.secrets", inBase64("whsec_", 2*half))
	one("notify.smtp.password", "notify.smtp.password", after(""))
	maps.Copy(root["notify"].(object)["smtp"].(object), object{"host": w.mailer.Host, "port": w.mailer.Port, "starttls": "off", "user": fakesmtp.User,
		"from": "trueup@example.com", "to": []string{"ops@example.com"}})
	one("heartbeat.url", "heartbeat.url", after(w.slack.URL+"/alive/"))
	root["heartbeat"].(object)["every"] = "10s"

	one("connections.(stripe).api_key", "connections.billing.api_key", after("rk_test_"))
	two("connections.(stripe).webhook_secrets", "connections.billing.webhook_secrets", after("whsec_"))

	one("connections.(http).auth.bearer", "connections.crm.auth.bearer", after("crm-"))
	two("connections.(http).webhook.verify.secrets", "connections.crm.webhook.verify.secrets", inBase64("whsec_", 2*half))
	one("connections.(http).auth.header.value", "connections.shop.auth.header.value", after("shop-"))
	two("connections.(http).webhook.verify.secrets", "connections.shop.webhook.verify.secrets", after(""))
	one("connections.(http).auth.basic.user", "connections.ledger.auth.basic.user", after("me-"))
	one("connections.(http).auth.basic.password", "connections.ledger.auth.basic.password", after(""))
	two("connections.(http).webhook.verify.secrets", "connections.ledger.webhook.verify.secrets", after(""))

	one("connections.(http).headers.*", "connections.ledger.headers.X-Tenant-Key", after("tenant-"))
	one("connections.(http).auth.oauth2.client_secret", "connections.partner.auth.oauth2.client_secret", after(""))
	one("connections.(http).auth.oauth2.refresh_token", "connections.partner.auth.oauth2.refresh_token", after(""))
	w.plantKey("connections.(http).auth.oauth2.private_key", root, strings.Split("connections.envoy.auth.oauth2.private_key", "."))
	one("sign_in.oidc.client_secret", "sign_in.oidc.client_secret", after(""))
	maps.Copy(root["sign_in"].(object)["oidc"].(object), object{"issuer": w.provider.URL, "client_id": "trueup", "roles": object{"admin": []string{"admins"}}})

	one("connections.(make).webhook_url", "connections.scenario.webhook_url", after(w.scenario.URL+"/"))
	one("connections.(make).api_key", "connections.scenario.api_key", after(""))
	two("connections.(make).webhook.verify.secrets", "connections.scenario.webhook.verify.secrets", after(""))

	dsnAt := func(address string) form {
		return func(core string) string { return "postgres://trueup:" + core + "@" + address + "/app" }
	}
	one("connections.(sql).dsn", "connections.table.dsn", dsnAt(newTable(w.T)))
	one("connections.(sql).dsn", "connections.vault.dsn", dsnAt("127.0.0.1:1"))
	one("connections.(sql).ca", "connections.vault.ca", func(core string) string { return core + "\n" + authority(w.T) })

	one("connections.(gohighlevel).token", "connections.location.token", after("pit-"))
	two("connections.(gohighlevel).webhook.workflow.secrets", "connections.location.webhook.workflow.secrets", after(""))
	one("connections.(gohighlevel).oauth.client_secret", "connections.agency.oauth.client_secret", after(""))

	all := root["connections"].(object)
	at := func(name string, t *tool, more object) object {
		c := all[name].(object)
		c["base_url"] = t.URL
		maps.Copy(c, more)
		return c
	}
	at("billing", w.billing, object{"type": "stripe"})
	for name, t := range map[string]*tool{"crm": w.crm, "shop": w.shop, "ledger": w.ledger} {
		c := at(name, t, restAPI())
		hook := c["webhook"].(object)
		maps.Copy(hook, object{"id": "event.id", "customer": "event.customer", "status": "event.status", "occurred_at": "event.at"})
		maps.Copy(hook["verify"].(object), map[string]object{
			"crm":    {"scheme": "standard-webhooks"},
			"shop":   {"scheme": "hmac-sha256", "header": "X-Signature"},
			"ledger": {"scheme": "header", "name": "X-Token"},
		}[name])
	}
	all["shop"].(object)["auth"].(object)["header"].(object)["name"] = "X-Api-Key"
	maps.Copy(at("partner", w.partner, restAPI())["auth"].(object)["oauth2"].(object),
		object{"grant": "refresh_token", "token_url": w.partner.URL + "/token", "client_id": "trueup"})
	maps.Copy(at("envoy", w.envoy, restAPI())["auth"].(object)["oauth2"].(object),
		object{"grant": "jwt_bearer", "token_url": w.envoy.URL + "/token", "client_id": "trueup", "subject": "trueup"})
	maps.Copy(all["scenario"].(object), object{"type": "make", "timeout": "5s"})
	maps.Copy(all["scenario"].(object)["webhook"].(object)["verify"].(object), object{"scheme": "header", "name": "X-Token"})
	for _, name := range []string{"table", "vault"} {
		maps.Copy(all[name].(object), object{"type": "sql", "table": "customers", "id": "id", "status": "status", "updated_at": "updated_at",
			"keys": object{"email": "email"}})
	}
	all["table"].(object)["tls"] = "off"
	at("location", w.location, object{"type": "gohighlevel", "location_id": "location1"})
	at("agency", w.agency, object{"type": "gohighlevel", "location_id": "location2"})
	all["agency"].(object)["oauth"].(object)["client_id"] = "app1-x"

	syncs := object{"stripe-status": syncOf("billing", "crm"), "shop-status": syncOf("shop", "ledger"), "shop-scenario": syncOf("shop", "scenario")}
	syncs["stripe-status"].(object)["ignore"] = []string{"trialing", "past_due", "paused", "unpaid", "incomplete", "incomplete_expired"}
	for _, target := range []string{"location", "agency"} {
		s := syncOf("shop", target)
		s["target"].(object)["field"] = "customer_status"
		syncs["shop-"+target] = s
	}
	syncs["shop-partner"], syncs["shop-envoy"] = syncOf("shop", "partner"), syncOf("shop", "envoy")
	syncs["shop-table"], syncs["shop-vault"] = syncOf("shop", "table"), syncOf("shop", "vault")
	root["syncs"] = syncs
	return root
}

// plantPassword makes the database's password a needle. A server that wants a
// password of its own has that searched for.
func (w *world) plantPassword(root object, u *url.URL) {
	w.Helper()
	n := newNeedle("database")
	if own, has := u.User.Password(); has {
		if len(own) != 2*half {
			w.Fatalf("the password in TRUEUP_TEST_POSTGRES must have %d letters to be searched for, or be left out", 2*half)
		}
		n = needleOf(n.what, strings.ToLower(own))
	} else {
		u.User = url.UserPassword(u.User.Username(), n.core)
	}
	w.secrets = append(w.secrets, secret{needle: n, field: "database", path: []string{"database"}, text: u.String()})
	delete(root, "database")
	w.spell(w, root, "database", false, u.String())
}

// restAPI describes the API of a tool that is no Stripe.
func restAPI() object {
	return object{
		"type":    "http",
		"timeout": "5s",
		"record": object{"id": "record.id", "status": "record.status", "updated_at": "record.updated_at", "updated_by": "record.updated_by",
			"keys": object{"email": "record.email"}},
		"humans": "!record.updated_by.startsWith('api:')",
		"find":   object{"get": "/records?{key}={value}", "records": "body.records"},
		"read":   object{"get": "/records/{id}", "record": "body"},
		"write":  object{"put": "/records/{id}", "body": object{"status": "{value}"}, "if_match": "record.etag"},
		"list":   object{"get": "/records?after={cursor}", "records": "body.records", "next": "body.next"},
	}
}

func syncOf(source, target string) object {
	return object{
		"source": object{"connection": source}, "target": object{"connection": target},
		"match": []object{{"source": "email", "target": "email"}},
		"statuses": object{
			"active":  object{"from": []string{"active"}, "to": "Active"},
			"churned": object{"from": []string{"canceled"}, "to": "Churned"},
		},
		"owners": object{"default": "ops@example.com"}, "mode": "live", "limits": "off", "sweep": "off",
	}
}
