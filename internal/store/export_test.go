package store

import (
	"context"
	"errors"
	"slices"
)

// ReadStatements are the texts of the statements that only read, so far.
func (db *DB) ReadStatements() (texts []string) {
	for text := range db.readStatements.by {
		texts = append(texts, text)
	}
	return texts
}

// SetCopyBatch changes how many rows are copied in one transaction.
func SetCopyBatch(n int) (back func()) {
	was := copyBatch
	copyBatch = n
	return func() { copyBatch = was }
}

// SearchStatement is how customers of one sync are asked for.
func (db *DB) SearchStatement(f CustomerFilter, limit int) (text string, args []any) {
	return db.customersQuery(f, After{}, limit)
}

// MigrateWith brings a database up to date as a version with one more step would, or,
// with no step, as this one does.
func MigrateWith(ctx context.Context, dsn, step string) error {
	db := &DB{}
	var err error
	if err = db.openPools(ctx, Options{DSN: dsn}); err != nil {
		return err
	}
	db.statements.db = db
	steps, err := migrationsOf(migrations, db.name)
	if err == nil && step != "" {
		steps = append(steps, migration{version: len(steps) + 1, name: "next.sql", text: step})
	}
	if err == nil {
		err = db.migrate(ctx, steps, true)
	}
	return errors.Join(err, db.closePools())
}

// StepDigests are of all steps of an engine, in their order.
func StepDigests(engine string) (all []string, err error) {
	steps, err := migrationsOf(migrations, engine)
	for _, s := range steps {
		all = append(all, engine+"/"+s.name+" "+s.digest())
	}
	return all, err
}

// WriteStatements are the texts of the statements of transactions, so far, with an engine
// whose statements are kept here.
func (db *DB) WriteStatements() (texts []string) {
	for text := range db.statements.by {
		texts = append(texts, text)
	}
	return append(texts, db.statements.wanted...)
}

// ClaimOf are the statements by which a server claims who is due, and asks for the events
// of those.
func (db *DB) ClaimOf(customers ...string) (claim, events string) {
	works := make([]Work, len(customers))
	for i, c := range customers {
		works[i].Customer = c
	}
	return db.text(claimCustomers), db.among("", works).waiting
}

// ReceiveBeside receives events in one transaction with another job of it, which comes
// before or after them: a customer's own rows are forgotten, or a record is linked.
func (db *DB) ReceiveBeside(ctx context.Context, events []NewEvent, first bool, beside Beside) error {
	f := Forgotten{Customer: beside.Forget, Pseudonym: forgottenPrefix + "aaaaaaaaaa", Rows: map[string]int{}}
	if err := db.namesOf(ctx, "s", beside.Forget, &f); err != nil {
		return err
	}
	other := &job{ctx: ctx, touches: []key{{"s", beside.Forget}}, do: func(t *tx) error {
		if beside.Forget != "" {
			return t.forgetOwn("s", &f, map[string]int{}, false)
		}
		_, err := t.exec("insert into links (sync, customer, target_id, rule, confidence, linked_by, linked_at) values ('s', 'cus_1', $1, 'email', 1, 'trueup', 0)", beside.Link)
		return err
	}}
	jobs := []*job{{ctx: ctx, names: true, events: events}, other}
	if first {
		slices.Reverse(jobs)
	}
	results, err := db.transact(jobs)
	return errors.Join(append(results, err)...)
}

// Beside is what else happens: a customer is forgotten, or cus_1 gets a record.
type Beside struct{ Forget, Link string }
