package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/trueup-sync/trueup/internal/status"
)

// off is the word that turns a protection off. It has to be written: what is
// left out protects.
const off = "off"

// switchable is a part of the file that off can stand in the place of.
type switchable interface{ turnOff() }

func (s *Sweep) turnOff()             { s.off = true }
func (l *Limits) turnOff()            { l.off = true }
func (m *MassChange) turnOff()        { m.off = true }
func (w *WritesPerCustomer) turnOff() { w.off = true }
func (r *Retention) turnOff()         { *r = Retention{} }

// HasList is an optional ability of Settings: to know whether every customer of
// the account can be listed, as a source or as a target.
type HasList interface {
	CanList(target bool) bool
}

// The defaults of a sync and a file that say nothing of them.
const (
	defaultSweep    = 24 * time.Hour
	defaultPayloads = 30 * 24 * time.Hour
	defaultHistory  = 400 * 24 * time.Hour
)

// DefaultMassChange is the limit of a file that says nothing of it.
func DefaultMassChange() *MassChange {
	return &MassChange{Customers: 50, Percent: 5, Within: time.Hour}
}

// Limit says how many customers may change, such as 50 customers or 5% of all (at least
// 5), whichever is fewer: a share of few customers means little, see
// store.MassChange.MostOf.
func (m *MassChange) Limit() string {
	number := status.Plural(m.Customers, "customer")
	share := fmt.Sprintf("%g%% of all (at least %d)", m.Percent, min(5, int(math.Ceil(m.Percent))))
	switch {
	case m.Percent == 0:
		return number
	case m.Customers == 0:
		return share
	}
	return number + " or " + share + ", whichever is fewer"
}

func defaultMassChange(s Sync) *MassChange {
	m := DefaultMassChange()
	for _, word := range slices.Sorted(maps.Keys(s.Statuses)) {
		if s.Statuses[word].stops(word) {
			m.To = append(m.To, word)
		}
	}
	if len(m.To) == 0 {
		return nil
	}
	return m
}

func defaultWrites() *WritesPerCustomer {
	return &WritesPerCustomer{Count: 6, Within: 10 * time.Minute}
}

// stops reports whether a customer who gets the status loses the service: what
// the file says, and paused and churned where it says nothing.
func (m StatusMap) stops(word status.Status) bool {
	if m.Stops != nil {
		return *m.Stops
	}
	return word == "paused" || word == "churned"
}

// Notice says of a protection what holds because the file leaves it out, or
// that the file has turned it off.
type Notice struct {
	// Path and Line are where it stands, or would.
	Path string
	Line int
	// Text says what holds, and what to write for something else.
	Text string
	// Warning is set when a limit is off: nothing else stops a catastrophe.
	Warning bool
	file    string
}

// String is file:line first, as that of a Fault is.
func (n Notice) String() string { return at(n.file, n.Line, n.Path) + n.Text }

// protect puts the defaults in the place of what a valid file leaves out, and
// removes what it turns off.
func (c *Config) protect() {
	if _, written := c.places["retention"]; !written {
		c.Retention = Retention{Payloads: defaultPayloads, History: defaultHistory}
		c.note("retention", false, "it is left out: payloads of events are deleted after 30d, history after 400d; to keep everything, write retention: off")
	} else if c.Retention == (Retention{}) {
		c.note("retention", false, "nothing is ever deleted, customers' data included")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Syncs)) {
		s, at := c.Syncs[name], join("syncs", name)
		if !c.SaysMode(name) {
			c.note(at+".mode", false, "it is left out: "+name+" only watches and writes nothing; to write, add mode: live")
		}
		s.Sweep = c.protectBySweep(at+".sweep", s)
		s.Limits = c.protectByLimits(at+".limits", s)
		c.Syncs[name] = s
	}
}

// Comparable reports whether both sides of a sync can list all their records.
func (c *Config) Comparable(s Sync) bool {
	return c.lists(s.Source.Connection, false) && c.lists(s.Target.Connection, true)
}

func (c *Config) lists(connection string, target bool) bool {
	l, ok := c.Connections[connection].Settings.(HasList)
	return ok && l.CanList(target)
}

func (c *Config) protectBySweep(path string, s Sync) *Sweep {
	switch source, target := c.lists(s.Source.Connection, false), c.lists(s.Target.Connection, true); {
	case s.Sweep != nil && s.Sweep.off:
		c.note(path, false, "nothing compares the two sides: a change that no webhook or poll brings is never noticed")
		return nil
	case s.Sweep != nil:
		return s.Sweep
	case source && target:
		c.note(path, false, "it is left out: both sides are compared every 24h, and differences are repaired; to change that, write sweep: {every: 6h, repair: true} or sweep: off")
		return &Sweep{Every: defaultSweep, Repair: true}
	default:
		missing := s.Target.Connection
		if !source {
			missing = s.Source.Connection
		}
		c.note(path, false, "it is left out and cannot run: "+missing+" has no list of all its customers, so nothing compares the two sides")
		return nil
	}
}

func (c *Config) protectByLimits(path string, s Sync) *Limits {
	if s.Limits != nil && s.Limits.off {
		c.note(path, true, "nothing stops a mass change, or a customer who is written again and again")
		return nil
	}
	l := Limits{}
	if s.Limits != nil {
		l = *s.Limits
	}
	switch {
	case l.MassChange != nil && l.MassChange.off:
		l.MassChange = nil
		c.note(path+".mass_change", true, "nothing stops a mass change")
	case l.MassChange == nil:
		l.MassChange = defaultMassChange(s)
		if l.MassChange == nil {
			c.note(path+".mass_change", true, "it is left out and cannot count: no status is paused or churned, or marked stops: true, so nothing stops a mass change")
			break
		}
		c.note(path+".mass_change", false, fmt.Sprintf("it is left out: the sync halts when more than %s, change to %s within 1h; to change that, write mass_change: {to: [%s], customers: 50, percent: 5, within: 1h} or mass_change: off",
			l.MassChange.Limit(), words(l.MassChange.To, " or "), words(l.MassChange.To, ", ")))
	}
	switch {
	case l.WritesPerCustomer != nil && l.WritesPerCustomer.off:
		l.WritesPerCustomer = nil
		c.note(path+".writes_per_customer", true, "nothing stops a customer who is written again and again")
	case l.WritesPerCustomer == nil:
		l.WritesPerCustomer = defaultWrites()
		c.note(path+".writes_per_customer", false, "it is left out: a customer is written 6 times within 10m at most; to change that, write writes_per_customer: {count: 6, within: 10m} or writes_per_customer: off")
	}
	return &l
}

func words(list []status.Status, between string) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return strings.Join(out, between)
}

func (c *Config) note(path string, warning bool, text string) {
	c.notices = append(c.notices, Notice{Path: path, Line: c.Line(path), Text: text, Warning: warning, file: c.Path})
}

// Notices says which protections are off, and which defaults hold because the
// file leaves them out.
func (c *Config) Notices() []Notice { return slices.Clone(c.notices) }

// orOff lets off stand in the place of a part of the file.
func orOff(s *jsonschema.Schema) {
	whole := *s
	whole.Description = ""
	*s = jsonschema.Schema{Description: s.Description, OneOf: []*jsonschema.Schema{&whole, {Type: "string", Const: off}}}
}
