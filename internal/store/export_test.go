package store

import (
	"context"
	"errors"
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

// ForgetBeside has a customer's own rows forgotten and events received in one transaction.
func (db *DB) ForgetBeside(ctx context.Context, sync, customer string, events []NewEvent) error {
	f := Forgotten{Customer: customer, Pseudonym: forgottenPrefix + "aaaaaaaaaa", Rows: map[string]int{}}
	if err := db.namesOf(ctx, sync, customer, &f); err != nil {
		return err
	}
	forgetting := &job{ctx: ctx, touches: []key{{sync, customer}}, do: func(t *tx) error { return t.forgetOwn(sync, &f, map[string]int{}, false) }}
	results, err := db.transact([]*job{forgetting, {ctx: ctx, names: true, events: events}})
	return errors.Join(append(results, err)...)
}
