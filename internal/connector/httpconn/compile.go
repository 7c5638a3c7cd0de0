package httpconn

import (
	"maps"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/signature"
)

// compiled is a Settings that has been found sound, ready for use.
type compiled struct {
	verify            signature.Scheme // nil: anyone is believed
	standard          bool             // the webhook-id header is the default event id
	idHeader          string           // how that header is called
	when              *expression
	greeting          greeting
	ping              bool
	events            *expression
	eventID           *expression
	customer          *expression
	status            *expression
	occurred, changed *expression

	answers *meanings // nil: their status says all
	// secrets are what a tool must not be quoted with.
	secrets []string

	record recordShape
	// fallback reads a stored event where there is no read: what Record does
	// not say is taken from the webhook's expressions.
	fallback recordShape

	find                         map[string]*search // by key; "" for every other
	list                         *listing
	read                         *template
	readRecord                   *expression
	fold                         *folding // nil: a record is a customer
	write                        *writing // nil: it is not written
	words                        *vocabulary
	optionsGet                   *template
	optionsValues, optionsIDs    *expression
	permissions                  *permissions // nil where the tool is not asked for them
	auth                         *Auth
	hasWebhook, hasRead, hasList bool
}

// recordShape is how the fields of one customer are found.
type recordShape struct {
	id, status, updatedAt, updatedBy, statusAt, statusBy, mergedInto, deleted, humans *expression
	keys                                                                              []keyExpression
}

type keyExpression struct {
	name string
	*expression
}

// Check implements config.Settings.
func (s *Settings) Check(c *config.Checker, common config.Connection) {
	s.compile(common, c.Fault)
}

// compiler goes through the settings once and reports every fault it meets.
type compiler struct {
	s      *Settings
	common config.Connection
	fault  func(path, problem, remedy string)
	out    *compiled
}

// compile checks the settings and makes what Open needs of them. The result is
// usable only when nothing was reported.
func (s *Settings) compile(common config.Connection, fault func(path, problem, remedy string)) *compiled {
	c := &compiler{s: s, common: common, fault: fault, out: &compiled{
		hasWebhook: s.Webhook != nil, hasRead: s.Read != nil, hasList: s.List != nil, auth: s.Auth,
	}}
	if common.BaseURL == "" {
		fault("base_url", "is missing", "write the address every path is joined to, such as https://crm.example.com/api")
	}
	if s.Webhook == nil && s.Read == nil && s.List == nil && s.Write == nil {
		fault("", "describes neither how to receive nor how to read anything", "add webhook, read or list; a target needs read and write")
	}
	c.auth()
	c.headers()
	c.answers()
	c.options()
	c.out.secrets = s.secretsOf()
	c.webhook()
	c.recordFields()
	c.readCalls()
	c.writeCall()
	c.permissions()
	return c.out
}

// expr compiles an optional expression; "" gives nil.
func (c *compiler) expr(path, text string, vars ...string) *expression {
	if text == "" {
		return nil
	}
	e, problem := compileExpression(path, text, vars)
	if problem != "" {
		c.fault(path, problem, "write an expression of "+strings.Join(vars, ", ")+", such as "+vars[len(vars)-1]+".id (cel.dev)")
	}
	return e
}

// require reports a missing key.
func (c *compiler) require(given bool, path, remedy string) {
	if !given {
		c.fault(path, "is missing", remedy)
	}
}

func (c *compiler) recordFields() {
	r := &c.s.Record
	for _, call := range []struct {
		given bool
		name  string
	}{{c.out.hasRead, "read"}, {c.s.Find != nil, "find"}, {c.out.hasList, "list"}} {
		if call.given {
			c.require(r.ID != "", "record.id", call.name+" is given: write where a record has its id, such as record.id")
			c.require(r.Status != "", "record.status", call.name+" is given: write where a record has its status, such as record.status")
			break
		}
	}
	vars := []string{varAsked, varBody, varHeaders, varRecord}
	if !c.out.hasRead {
		vars = c.storedVars()
	}
	c.out.record = recordShape{
		id:        c.expr("record.id", r.ID, vars...),
		status:    c.expr("record.status", r.Status, vars...),
		updatedAt: c.expr("record.updated_at", r.UpdatedAt, vars...),
		updatedBy: c.expr("record.updated_by", r.UpdatedBy, vars...),
		statusAt:  c.expr("record.status_at", r.StatusAt, vars...),
		statusBy:  c.expr("record.status_by", r.StatusBy, vars...),
		humans:    c.expr("humans", c.s.Humans, vars...),
		// A record that is read is what says so; without read nobody asks.
		mergedInto: c.expr("record.merged_into", r.MergedInto, vars...),
		deleted:    c.truth("record.deleted", r.Deleted, vars...),
	}
	for _, name := range slices.Sorted(maps.Keys(r.Keys)) {
		path := "record.keys." + name
		if name == phID {
			c.fault(path, "is always the record's own id", "remove it")
			continue
		}
		c.require(r.Keys[name] != "", path, "write where a record has it, such as record."+name)
		c.out.record.keys = append(c.out.record.keys, keyExpression{name, c.expr(path, r.Keys[name], vars...)})
	}
	if r.MergedInto != "" && !c.out.hasRead {
		c.fault("record.merged_into", "is given, and there is no read", "it is checked when a record is read: add read, or remove it")
	}
	if r.Deleted != "" && !c.out.hasRead {
		c.fault("record.deleted", "is given, and there is no read", "it is checked when a record is read: add read, or remove it")
	}
	c.ownTime()
	c.out.fallback = c.out.record
	if w := c.s.Webhook; w != nil && !c.out.hasRead {
		fill := func(into **expression, path, text string) {
			if *into == nil {
				*into = c.storedExpr(path, text)
			}
		}
		fill(&c.out.fallback.id, "webhook.customer", w.Customer)
		fill(&c.out.fallback.status, "webhook.status", w.Status)
		fill(&c.out.fallback.updatedAt, "webhook.occurred_at", w.OccurredAt)
	}
}

// ownTime checks what is said of the status field itself. Its time and its editor
// are believed together: the editor of another field would be taken for this one's.
func (c *compiler) ownTime() {
	r := &c.s.Record
	switch {
	case r.StatusBy != "" && r.StatusAt == "":
		c.fault("record.status_by", "is given, and there is no record.status_at", "write when the status itself changed, such as record.status_changed_at, or use updated_by")
	case r.StatusAt != "" && r.StatusAt == r.UpdatedAt:
		c.fault("record.status_at", "is the same as record.updated_at", "write the time of the status alone, or remove it: a change of another field would be taken for one of the status")
	case r.StatusAt != "" && r.StatusBy == "" && c.s.Humans != "":
		c.fault("record.status_by", "is missing, and record.status_at and humans are given", "write who changed the status itself, or remove humans: the editor of the record may have changed another field")
	case r.StatusBy != "" && r.UpdatedBy != "" && strings.Contains(c.s.Humans, r.UpdatedBy) && !strings.Contains(c.s.Humans, r.StatusBy):
		c.fault("humans", "speaks of record.updated_by, and there is a record.status_by", "write when the editor of the status itself is a person, such as \"!record.status_by.startsWith('api:')\"")
	case r.StatusBy != "" && c.s.Humans == "":
		c.fault("humans", "is missing, and record.status_by is given", "write when that editor is a person, such as \"!record.status_by.startsWith('api:')\", or remove status_by")
	}
}

// storedVars are the names that are still known when a stored event is read:
// its headers and the rest of a batch are gone by then.
func (c *compiler) storedVars() []string {
	vars := []string{varEvent, varRecord}
	if c.s.Webhook != nil && c.s.Webhook.Events == "" {
		vars = append([]string{varBody}, vars...)
	}
	return vars
}

// storedExpr compiles an expression of the webhook once more, for the stored
// event. What is no expression at all has been reported already.
func (c *compiler) storedExpr(path, text string) *expression {
	if text == "" {
		return nil
	}
	e, problem := compileExpression(path, text, c.storedVars())
	if problem != "" {
		if _, before := compileExpression(path, text, []string{varBody, varHeaders, varEvent, varRecord}); before == "" {
			c.fault(path, "uses something that is no longer known when the stored event is read",
				"without read there is only the event: use event, or define it under record, or add read")
		}
	}
	return e
}

func (c *compiler) readCalls() {
	s := c.s
	if s.Read != nil {
		var pages []string
		if s.Fold != nil {
			pages = []string{phCursor}
		}
		c.out.read = c.path("read.get", s.Read.Get, "/customers/{id}", []string{phID}, pages...)
		c.out.readRecord = c.expr("read.record", orBody(s.Read.Record), varAsked, varHeaders, varBody)
	}
	c.foldRows([]string{varAsked, varBody, varHeaders, varRecord})
	c.findCalls()
	c.listCall()
}

// path compiles a path in which every needed placeholder must stand.
func (c *compiler) path(path, text, example string, needed []string, optional ...string) *template {
	if text == "" {
		c.fault(path, "is missing", "write a path such as "+example)
		return nil
	}
	known := append(slices.Clone(needed), optional...)
	t, problem := parsePath(text, known...)
	if problem != "" {
		c.fault(path, problem, "write a path such as "+example+", joined to base_url")
		return nil
	}
	for _, n := range needed {
		if !t.has(n) {
			c.fault(path, "does not hold {"+n+"}", "write a path such as "+example)
		}
	}
	return t
}

func orBody(text string) string {
	if text == "" {
		return varBody
	}
	return text
}
