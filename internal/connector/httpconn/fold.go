package httpconn

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// Fold is for a tool that has several rows a customer, such as a subscription
// each: the best status decides.
type Fold struct {
	By         string   `yaml:"by" jsonschema_description:"Where a row has its customer's id, such as record.customer_id (CEL)."`
	Precedence []string `yaml:"precedence" jsonschema_description:"Every status of a row, the best first. A row with another one is a fault, and never counts as the best."`
}

// folding is a Fold that has been found sound.
type folding struct {
	by            *expression
	rank          map[string]int // of each word, the best is 0
	records, next *expression
}

// maxFoldPages bounds the rows of one customer.
const maxFoldPages = 20

func (c *compiler) foldRows(vars []string) {
	s := c.s
	if s.Fold == nil {
		if s.Read != nil && s.Read.Records != "" {
			c.fault("read.records", "is given, and there is no fold", "write record where the answer has one customer; or fold, for several rows a customer")
		}
		if s.Read != nil && s.Read.Next != "" {
			c.fault("read.next", "is given, and there is no fold", "remove it: one customer is read with one call")
		}
		return
	}
	out := &folding{rank: map[string]int{}}
	c.out.fold = out
	c.require(s.Fold.By != "", "fold.by", "write where a row has its customer's id, such as record.customer_id")
	c.require(s.Record.ID != "", "record.id", "write where a row has its own id, such as record.id: a row that is at fault is named by it")
	c.require(s.Record.Status != "", "record.status", "write where a row has its status, such as record.status")
	out.by = c.expr("fold.by", s.Fold.By, vars...)
	if s.Fold.By != "" && s.Fold.By == s.Record.ID {
		c.fault("fold.by", "is the same as record.id", "write where a row has its customer's id, and as record.id its own; without several rows a customer, remove fold")
	}
	c.require(len(s.Fold.Precedence) > 0, "fold.precedence", "list every status of a row, the best first, such as [active, trialing, past_due, canceled]")
	for i, word := range s.Fold.Precedence {
		at := "fold.precedence[" + strconv.Itoa(i) + "]"
		if _, twice := out.rank[word]; twice {
			c.fault(at, "is there twice", "keep the place that it has among the others")
		}
		if word == "" {
			c.fault(at, "is empty", "write a status of the tool")
		}
		out.rank[word] = i
	}
	c.foldsOnly()
	if s.Read == nil {
		c.fault("read", "is missing, and fold is given", "write how all rows of one customer are asked for, such as get: \"/subscriptions?customer={id}\": a list and a webhook know one row at a time")
		return
	}
	if s.Read.Record != "" {
		c.fault("read.record", "is given, and fold as well", "write read.records: where the answer has all rows of the customer")
	}
	out.records = c.expr("read.records", orBody(s.Read.Records), varAsked, varHeaders, varBody)
	out.next = c.expr("read.next", s.Read.Next, varHeaders, varCursor, varBody)
	if holds := c.out.read != nil && c.out.read.has(phCursor); c.out.read != nil && holds != (s.Read.Next != "") {
		c.fault("read", "has only one of next and {cursor}", "write {cursor} in the path and, as next, where the answer has the cursor of the next page; or neither for a single page")
	}
}

// foldsOnly refuses what one row cannot say of its customer.
func (c *compiler) foldsOnly() {
	s := c.s
	if w := s.Webhook; w != nil && w.Status != "" {
		c.fault("webhook.status", "is given, and fold as well", "remove it: the status of one row is not the customer's, who is read anew")
	}
	if w := s.Webhook; w != nil && w.Changed != "" {
		c.fault("webhook.changed", "is given, and fold as well", "remove it: a change of one row need not change the customer's status")
	}
	if s.Record.MergedInto != "" {
		c.fault("record.merged_into", "is given, and fold as well", "remove it: a row is no customer")
	}
	if s.Write != nil {
		c.fault("write", "is given, and fold as well", "use two connections: several rows a customer can be read as a source, and not written")
	}
}

// folded is a source of which a customer is several rows.
type folded struct{ *api }

// Read implements connector.Source: the best of all rows of the customer.
func (f folded) Read(ctx context.Context, customer string) (status.SourceRecord, error) {
	if customer == "" {
		return status.SourceRecord{}, unsafeAddress(errors.New("the id is empty"))
	}
	var all []reading
	seen := map[string]bool{} // a row may move on to the next page while we read
	cursor := ""
	for range maxFoldPages {
		vars, err := f.get(ctx, f.read, map[string]string{phID: customer, phCursor: cursor}, nil)
		if err != nil {
			return status.SourceRecord{}, err
		}
		vars[varAsked] = customer
		rows, err := f.fold.records.list(vars)
		if err != nil {
			return status.SourceRecord{}, misconfigured(err)
		}
		if err := f.learnFrom(ctx, vars, rows); err != nil {
			return status.SourceRecord{}, err
		}
		for i, row := range rows {
			r, err := f.row(customer, f.withRecord(vars, row), i)
			if err != nil {
				return status.SourceRecord{}, err
			}
			if !seen[r.id] {
				seen[r.id] = true
				all = append(all, r)
			}
		}
		next, _, err := f.fold.next.textWithin(map[string]any{varCursor: cursor, varBody: vars[varBody], varHeaders: vars[varHeaders]}, maxCursor)
		if err != nil {
			return status.SourceRecord{}, misconfigured(err)
		}
		if next == "" {
			return f.fold.best(customer, all), nil
		}
		if next == cursor {
			return status.SourceRecord{}, connector.Endless()
		}
		cursor = next
	}
	return status.SourceRecord{}, misconfigured(misfit{f.read.text, "one customer has more than " + strconv.Itoa(maxFoldPages) + " pages of rows"})
}

// row reads one row that has to be the customer's.
func (f folded) row(customer string, vars map[string]any, i int) (reading, error) {
	owner, err := f.fold.by.id(vars)
	if err != nil {
		return reading{}, misconfigured(f.dirtyRecord(vars, i, err))
	}
	if owner != customer {
		return reading{}, &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: "the tool answered with a row of another customer; check read.get and fold.by"}
	}
	r, err := f.record.read(vars)
	if err == nil {
		var gone string
		if gone, err = f.record.survivor(r.id, vars); gone != "" {
			r.deleted, r.hasValue = true, false
		}
	}
	if _, known := f.fold.rank[r.value]; err == nil && r.hasValue && !known {
		err = misfit{"fold.precedence", "it does not have the row's status"}
	}
	if err != nil {
		return r, misconfigured(f.dirtyRecord(vars, i, err))
	}
	return r, nil
}

// best is the customer by all rows, whatever their order.
func (f *folding) best(customer string, rows []reading) status.SourceRecord {
	out := status.SourceRecord{ID: customer, NoStatus: true, Keys: map[string]string{}}
	slices.SortFunc(rows, func(a, b reading) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.id, b.id)) })
	for _, r := range rows {
		if r.hasValue && (out.NoStatus || f.rank[r.value] < f.rank[out.Value]) {
			out.Value, out.NoStatus = r.value, false
		}
		out.UpdatedAt = latest(out.UpdatedAt, latest(r.at, r.statusAt))
		for name, value := range r.keys { // the row that changed last has the customer's newest ones
			if _, has := out.Keys[name]; !has {
				out.Keys[name] = value
			}
		}
	}
	out.ValueAt = since(out, rows)
	return out
}

// since is when the customer came to the best of the rows' statuses, zero where
// that cannot be known: a row that changed later, or one that has the same status,
// may have been better until then. A time that is too late would let a person's
// edit be written over.
func since(best status.SourceRecord, rows []reading) (at time.Time) {
	if best.NoStatus {
		return time.Time{}
	}
	for _, r := range rows {
		switch {
		case r.statusAt.IsZero() || r.deleted:
			return time.Time{}
		case !r.hasValue || r.value != best.Value:
		case !at.IsZero(): // the second
			return time.Time{}
		default:
			at = r.statusAt
		}
	}
	for _, r := range rows {
		if r.statusAt.After(at) {
			return time.Time{}
		}
	}
	return at
}

// foldedList lists the customers whom the rows of a page name.
type foldedList struct{ *api }

// List implements connector.SourceList. A customer's rows may lie on several
// pages, so a row says only whom to read. A customer may come twice.
func (l foldedList) List(ctx context.Context, cursor string) ([]status.SourceRecord, string, error) {
	ctx = connector.Background(ctx)
	owners, next, err := listed(ctx, l.api, cursor, func(vars map[string]any) (string, string, error) {
		owner, err := l.fold.by.id(vars)
		return owner, owner, err
	})
	if err != nil {
		return nil, "", err
	}
	named := map[string]bool{}
	for _, owner := range owners {
		named[owner] = true
	}
	var found []status.SourceRecord
	var aside []connector.Aside
	var firstBad error
	gone := 0
	for _, owner := range slices.Sorted(maps.Keys(named)) {
		record, err := folded(l).Read(ctx, owner)
		var d dirty
		switch {
		case err == nil:
			found = append(found, record)
		case connector.FailureOf(err).Kind == connector.Gone:
			gone++
		case errors.As(err, &d):
			aside = append(aside, connector.Aside{ID: owner, Problem: err.Error()})
			firstBad = cmp.Or(firstBad, err)
		default:
			return nil, "", err
		}
	}
	if gone > 0 && gone == len(named) {
		return nil, "", &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone,
			Detail: "the list has rows of customers, and read finds none of these; check read.get and fold.by"}
	}
	if bad := len(aside); bad > 0 && bad == len(named) && (bad >= aFew || cursor == "" && next == "") {
		return nil, "", firstBad
	}
	for _, one := range aside {
		connector.SetAside(ctx, one)
	}
	return found, next, nil
}
