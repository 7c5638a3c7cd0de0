package config

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
)

// A call must end inside the lease of its customer, however slow the tool is.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 25 * time.Second
	minPoll    = 10 * time.Second
	// mostWrites bounds what is remembered of one customer.
	mostWrites = 1000
)

const namePattern = `^[a-z0-9][a-z0-9_-]{0,62}$`

// connectionString is the other way to name a PostgreSQL database. As a path it
// would be a file with the password in its name.
var connectionString = regexp.MustCompile(`(^|\s)(host|hostaddr|user|password|dbname)\s*=`)

var validName = regexp.MustCompile(namePattern)

// validator checks what the types of a Config cannot say.
type validator struct {
	*report
	config *Config
}

func (v *validator) file() {
	c := v.config
	v.listen("listen", c.Listen)
	if c.AdminListen != "" {
		v.listen("admin_listen", c.AdminListen)
		if c.AdminListen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
			v.invalid("admin_listen", "it is the same address as listen", "write another port, such as 127.0.0.1:8081, or leave it out")
		}
	}
	v.httpURL("public_url", c.PublicURL)
	v.database("database", c.Database)
	v.encryptionKey("encryption_key", c)
	if len(c.Connections) == 0 {
		v.invalid("connections", "no connections", "describe the two tools here; docs/configuration.md has a sample")
	}
	if len(c.Syncs) == 0 {
		v.invalid("syncs", "no syncs", "write here which connection decides and which one follows; docs/configuration.md has a sample")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Connections)) {
		v.connection(join("connections", name), c.Connections[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		v.sync(join("syncs", name), c.Syncs[name])
	}
	v.was()
	v.alarms("alarms", c.Alarms)
	if c.Heartbeat != nil {
		v.heartbeat("heartbeat", *c.Heartbeat)
	}
	v.notify("notify", c.Notify)
	v.people("people", c.People)
	v.signIn("sign_in", c.SignIn)
	v.retention("retention", c.Retention)
}

func (v *validator) heartbeat(path string, h Heartbeat) {
	if u, err := url.Parse(h.URL.Reveal()); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		v.invalid(path+".url", "it is missing, or not an absolute URL", "write the address that the service gave you, such as https://hc-ping.com/0a1b2c3d")
	}
	if h.Every < 10*time.Second {
		v.invalid(path+".every", "it is missing or below 10s", "write a duration such as 1m")
	}
}

func (v *validator) alarms(path string, a Alarms) {
	if a.QueueOlderThan < time.Minute {
		v.invalid(path+".queue_older_than", v.show(path+".queue_older_than", a.QueueOlderThan)+" is shorter than 1m", "write a duration such as 15m")
	}
}

// minHistory is longer than any tool sends an event again: by its row a repeat
// is recognised.
const minHistory = 35 * 24 * time.Hour

func (v *validator) retention(path string, r Retention) {
	for _, k := range []struct {
		key  string
		span time.Duration
	}{{"payloads", r.Payloads}, {"history", r.History}} {
		if v.set(path+"."+k.key) && k.span <= 0 {
			v.invalid(path+"."+k.key, "it is not longer than 0s", "write a duration such as 90d, or remove the key to keep everything")
		}
	}
	switch {
	case r.History > 0 && r.History < minHistory:
		v.invalid(path+".history", v.show(path+".history", r.History)+" is shorter than 35d", "write 35d or more: a tool may resend an event for weeks, and its stored row is what identifies the repeat")
	case r.History > 0 && r.Payloads > r.History:
		v.invalid(path+".payloads", "it is longer than history, after which the whole event is deleted", "write a shorter time, or remove the key")
	}
}

func (v *validator) connection(path string, c Connection) {
	v.name(path, c.Name)
	v.httpURL(path+".base_url", c.BaseURL)
	if c.Timeout < minTimeout || c.Timeout > maxTimeout {
		v.invalid(path+".timeout", fmt.Sprintf("%s is not between %s and %s", v.show(path+".timeout", c.Timeout), minTimeout, maxTimeout), "write a duration such as 10s: a call must end before another worker can take its customer")
	}
	for i, network := range c.AlsoAllow {
		v.network(fmt.Sprintf("%s.also_allow[%d]", path, i), network)
	}
	if c.RateLimit != nil {
		if c.RateLimit.Requests <= 0 {
			v.invalid(path+".rate_limit.requests", "it is not at least 1", "write the number of calls that the tool allows")
		}
		if c.RateLimit.Per <= 0 {
			v.invalid(path+".rate_limit.per", "it is not longer than 0s", "write the period in which calls are counted, such as 10s")
		}
	}
}

// network refuses what would not allow what its writer has in mind.
func (v *validator) network(path string, n netip.Prefix) {
	switch {
	case n.Addr().Is4In6():
		v.invalid(path, v.show(path, n)+" is an IPv4 network written as IPv6", "write it as IPv4, such as 169.254.10.0/24")
	case n != n.Masked():
		v.invalid(path, v.show(path, n)+" has bits set beyond its prefix length", "write "+n.Masked().String()+" for the network, or "+netip.PrefixFrom(n.Addr(), n.Addr().BitLen()).String()+" for the single address")
	}
}

func (v *validator) sync(path string, s Sync) {
	v.name(path, s.Name)
	v.reference(path+".source.connection", s.Source.Connection)
	v.reference(path+".target.connection", s.Target.Connection)
	if s.Source.Connection != "" && s.Source.Connection == s.Target.Connection && overlap(s.Source.Field, s.Target.Field) {
		v.invalid(path+".target", "it is the source itself: the same connection and field", "name the connection that follows, or a different field")
	}
	if v.set(path+".source.poll") && s.Source.Poll < minPoll {
		v.invalid(path+".source.poll", fmt.Sprintf("%s is shorter than %s", v.show(path+".source.poll", s.Source.Poll), minPoll), "write a duration such as 5m, or remove the key")
	}
	v.match(path+".match", s.Match)
	if s.MinConfidence < 0 || s.MinConfidence > 1 {
		v.invalid(path+".min_confidence", "it is not between 0 and 1", "write a number such as 0.8")
	}
	v.statuses(path, s)
	v.word(path+".conflict.rule", s.Conflict.Rule, SkipNewerHumanEdit)
	v.word(path+".conflict.automation_edits", s.Conflict.AutomationEdits, AutomationWrite, AutomationSkip)
	if s.Conflict.ClockSkew < 0 {
		v.invalid(path+".conflict.clock_skew", "it is below 0s", "write how much the two tools' clocks may differ, such as 2s")
	}
	v.word(path+".mode", s.Mode, ModeLive, ModeWatch)
	v.word(path+".first_contact", s.FirstContact, Ask, SourceWins)
	v.transitions(path+".transitions", s)
	v.owners(path+".owners", s.Owners)
	v.positive(path+".remind_after", s.RemindAfter > 0)
	if s.Sweep != nil && !s.Sweep.off {
		v.sweep(path+".sweep", s.Sweep)
	}
	if s.Limits != nil && !s.Limits.off {
		v.limits(path+".limits", s)
	}
}

// shortestSweep keeps a sync from comparing its sides all the time.
const shortestSweep = time.Minute

func (v *validator) sweep(path string, s *Sweep) {
	if s.Every < shortestSweep {
		v.invalid(path+".every", "it is missing or below 1m", "write the time between full comparisons, such as 6h")
	}
}

func (v *validator) match(path string, rules []MatchRule) {
	if len(rules) == 0 {
		v.invalid(path, "no match rules", "write which source key equals which target key, such as {source: email, target: email}")
	}
	for i, rule := range rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		if rule.Source == "" {
			v.invalid(at+".source", "it is missing", "write the key by which the source knows the customer, such as email")
		}
		if rule.Target == "" {
			v.invalid(at+".target", "it is missing", "write the key of the target that holds the same value, such as email or id")
		}
		if rule.Confidence <= 0 || rule.Confidence > 1 {
			v.invalid(at+".confidence", "it is not above 0 and at most 1", "write a number such as 0.9, or remove the key for 1")
		}
		v.form(at, rule, rules[:i])
		v.several(at, rule, rules[:i])
	}
}

// form checks how a rule compares values. Records are found by key, so that all
// rules about one key of the target compare it alike.
func (v *validator) form(at string, rule MatchRule, before []MatchRule) {
	if rule.Normalise != identity.ByKey {
		v.word(at+".normalise", string(rule.Normalise), string(identity.Phone), string(identity.Email), string(identity.Lower), string(identity.Verbatim))
	}
	switch {
	case rule.Region != "" && rule.Normalise != identity.Phone:
		v.invalid(at+".region", "a region is for phone numbers only", "add normalise: phone, or remove the key")
	case rule.Region != "" && !slices.Contains(identity.Regions(), rule.Region):
		v.invalid(at+".region", v.show(at+".region", rule.Region)+" is not a country's two-letter code", "write one such as US or GB")
	case rule.Normalise != "" && rule.Target == "id":
		v.invalid(at+".normalise", "a record's own id is compared as it is", "remove the key, or match by another key of the target")
	}
	for _, other := range before {
		if other.Target == rule.Target && (other.Normalise != rule.Normalise || other.Region != rule.Region) {
			v.invalid(at+".normalise", "another rule compares the target's "+rule.Target+" in a different way", "write the same normalise and region in all rules with target: "+rule.Target)
			return
		}
	}
}

// statuses checks the map, in which every source value has exactly one place.
func (v *validator) statuses(path string, s Sync) {
	type place struct {
		value, path, under string
		line               int
	}
	var listed []place
	add := func(values []string, path, under string) {
		for i, value := range values {
			at := fmt.Sprintf("%s[%d]", path, i)
			listed = append(listed, place{value, at, under, v.places.line(at)})
		}
	}
	if len(s.Statuses) == 0 {
		v.invalid(path+".statuses", "no statuses", "write each status with the source's values and the target's value, such as active: {from: [active], to: Active}")
	}
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		at := join(path+".statuses", string(word))
		if word == "" {
			v.invalid(at, "the status has no name", "write a word such as active")
		}
		if len(s.Statuses[word].From) == 0 {
			v.invalid(at+".from", "it is empty", "list the source's values that mean "+string(word)+", or remove the status")
		}
		if s.Statuses[word].To == "" {
			v.invalid(at+".to", "it is empty", "write the value the target has for "+string(word))
		}
		add(s.Statuses[word].From, at+".from", string(word))
	}
	add(s.Ignore, path+".ignore", "ignore")
	slices.SortStableFunc(listed, func(a, b place) int { return cmp.Compare(a.line, b.line) })
	seen := map[string]place{}
	for _, p := range listed {
		before, twice := seen[p.value]
		if !twice {
			seen[p.value] = p
			continue
		}
		v.invalid(p.path, fmt.Sprintf("%s is listed twice, under %s on line %d and under %s on line %d",
			v.show(p.path, p.value), before.under, before.line, p.under, p.line), "keep it in one place: a source value means one status")
	}
}

func (v *validator) owners(path string, owners map[string]string) {
	allowed := ownerKeys()
	for _, key := range slices.Sorted(maps.Keys(owners)) {
		at := join(path, key)
		if !slices.Contains(allowed, key) {
			v.invalid(at, "no such kind of exception", didYouMean(key, allowed, "kinds"))
		}
		if owners[key] == "" {
			v.invalid(at, "it is empty", "write who is responsible, or remove the key")
		}
	}
}

func ownerKeys() []string {
	keys := []string{"default"}
	for _, kind := range status.Kinds {
		keys = append(keys, string(kind))
	}
	return keys
}

func (v *validator) limits(path string, s Sync) {
	if m := s.Limits.MassChange; m != nil && !m.off {
		at := path + ".mass_change"
		if len(m.To) == 0 {
			v.invalid(at+".to", "it is missing", "list the statuses that count, such as [paused, churned]")
		}
		if !v.set(at+".customers") && !v.set(at+".percent") {
			v.invalid(at, "it has neither customers nor percent", "write how many may change, such as customers: 50")
		}
		words := make([]string, 0, len(s.Statuses))
		for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
			words = append(words, string(word))
		}
		for i, word := range m.To {
			item := fmt.Sprintf("%s.to[%d]", at, i)
			if !slices.Contains(words, string(word)) {
				v.invalid(item, v.show(item, string(word))+" is not a status of this sync", didYouMean(string(word), words, "statuses"))
			}
		}
		v.positive(at+".customers", m.Customers > 0)
		v.positive(at+".percent", m.Percent > 0)
		if m.Percent > 100 {
			v.invalid(at+".percent", "it is above 100", "write a share of all customers, such as 5")
		}
		v.needed(at+".within", m.Within > 0, "write the period in which they are counted, such as 1h")
	}
	if w := s.Limits.WritesPerCustomer; w != nil && !w.off {
		at := path + ".writes_per_customer"
		v.needed(at+".count", w.Count > 0, "write how many writes one customer may get, such as 6")
		v.needed(at+".within", w.Within > 0, "write the period in which they are counted, such as 10m")
		if w.Count > mostWrites {
			v.invalid(at+".count", fmt.Sprintf("it is above %d", mostWrites), "write fewer: a customer's status does not change that often")
		}
	}
}

// needed checks a key that may be neither left out nor zero or less.
func (v *validator) needed(path string, ok bool, hint string) {
	switch {
	case !v.set(path):
		v.invalid(path, "it is missing", hint)
	case !ok:
		v.invalid(path, "it is not greater than 0", hint)
	}
}

// positive checks a key that may be left out but not be zero or less.
func (v *validator) positive(path string, ok bool) {
	if v.set(path) && !ok {
		v.invalid(path, "it is not greater than 0", "write more, or remove the key")
	}
}

func (v *validator) set(path string) bool {
	_, ok := v.places[path]
	return ok
}

func (v *validator) name(path, name string) {
	if !validName.MatchString(name) {
		v.invalid(path, "the name is not 1 to 63 of the characters a-z, 0-9, - and _", "write a name such as customer-status: it is used in addresses and commands")
	}
}

func (v *validator) reference(path, name string) {
	names := slices.Sorted(maps.Keys(v.config.Connections))
	switch {
	case name == "":
		v.invalid(path, "it is missing", didYouMean("", names, "connections"))
	case !slices.Contains(names, name):
		v.invalid(path, "no connection "+v.show(path, name), didYouMean(name, names, "connections"))
	}
}

// word checks a value from a closed set.
func (v *validator) word(path, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	v.invalid(path, v.show(path, value)+" is not known", didYouMean(value, allowed, "values"))
}

func didYouMean(word string, names []string, what string) string {
	if guess := closest(word, names); guess != "" {
		return "did you mean " + guess + "?"
	}
	if len(names) == 0 {
		return "there are no " + what + " in this file yet"
	}
	return "the " + what + " are " + strings.Join(names, ", ")
}

func (v *validator) listen(path, value string) {
	_, port, err := net.SplitHostPort(value)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		v.invalid(path, v.show(path, value)+" is not a host and port", "write an address such as 127.0.0.1:8080")
	}
}

func (v *validator) httpURL(path, value string) {
	if value == "" && !v.set(path) {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		// Not quoted: what is no URL may be anything, a secret too.
		v.invalid(path, "it is not an absolute http or https URL", "write one such as https://sync.example.com")
	case u.User != nil:
		v.invalid(path, "it contains a user name or a password", "write the URL without them; credentials have keys of their own")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(value, "#"):
		v.invalid(path, "it has a query or a fragment", "write the URL without ? and # and what follows them")
	}
}

// database never shows the value: it may hold a password.
func (v *validator) database(path string, value Secret) {
	scheme, rest, isURL := strings.Cut(value.Reveal(), "://")
	authority, _, _ := strings.Cut(rest, "/")
	_, err := url.Parse(value.Reveal())
	switch {
	case !isURL && connectionString.MatchString(value.Reveal()):
		v.invalid(path, "it is a connection string, not a URL", "write postgres://user:password@host/name")
	case !isURL:
	case scheme != "postgres" && scheme != "postgresql":
		v.invalid(path, "it is a URL of a database that is not supported", "write a path for SQLite, or postgres://user:password@host/name")
	case err != nil || strings.Count(authority, "@") > 1:
		// With a second @ the driver takes a part of the password for the host.
		v.invalid(path, "it is not a valid URL", "write postgres://user:password@host/name, with special characters of the password percent-encoded")
	}
}
