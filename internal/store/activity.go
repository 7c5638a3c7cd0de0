package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// Way is how an act came to Trueup.
type Way string

// The ways.
const (
	ByPage    Way = "page"
	ByAPI     Way = "api"
	BySlack   Way = "slack"
	ByCommand Way = "command"
	ByFile    Way = "file"
)

// Ways lists the closed set.
var Ways = []Way{ByPage, ByAPI, BySlack, ByCommand, ByFile}

// Activity is an act of a person or a program, or several of a kind that were asked
// for at once.
type Activity struct {
	ID int64
	At time.Time
	// Who did it, as in all histories: a person, "api:" and a token's name, or
	// "trueup". For is whom a token acted for, "" for no one.
	Who, For string
	Way      Way
	// Sync and Customer are what it was done to, "" for none; Name is the customer's.
	Sync, Customer, Name string
	// Act is one of the acts of package reason, with its facts.
	Act reason.Reason
	// Why is the reason that was given.
	Why string
	// All are the first of the customers, where there are several.
	All []CustomerName
}

// CustomerName is a customer with the name that people know it by.
type CustomerName struct{ Customer, Name string }

// mostTogether is how many customers of one line are read.
const mostTogether = 20

// doer is who does what is done under a context.
type doer struct {
	who   string
	way   Way
	batch string
}

type doerKey struct{}

func doerOf(ctx context.Context) doer {
	d, _ := ctx.Value(doerKey{}).(doer)
	return d
}

// By says who does what is done under a context, and by which way. An act that is
// given who does it goes by that.
func By(ctx context.Context, who string, way Way) context.Context {
	d := doerOf(ctx)
	d.who, d.way = who, way
	return context.WithValue(ctx, doerKey{}, d)
}

// Together says that the acts under a context were asked for at once: people see one
// line for those of a kind in a sync.
func Together(ctx context.Context) context.Context {
	d := doerOf(ctx)
	if d.batch == "" {
		d.batch = strings.ToLower(rand.Text()[:16])
	}
	return context.WithValue(ctx, doerKey{}, d)
}

// viaToken stands between a person and the token that acted for them.
const viaToken = " via api:"

// Record stores an act that stores nothing else, such as a change of the file.
func (db *DB) Record(ctx context.Context, a Activity) error {
	if err := db.update(ctx, func(t *tx) error { return t.record(ctx, a) }); err != nil {
		return fmt.Errorf("record who did what: %w", err)
	}
	return nil
}

// record stores an act in the transaction that does it. ctx is the caller's.
func (t *tx) record(ctx context.Context, a Activity) error {
	topic := reason.TopicOf(a.Act.Code)
	if topic == "" {
		return errStore{fmt.Errorf("%q is no act", a.Act.Code)}
	}
	d := doerOf(ctx)
	if a.Who == "" {
		a.Who = d.who
	}
	if a.Who == "" {
		a.Who = itself
	}
	if a.Way == "" {
		a.Way = d.way
	}
	if person, token, ok := strings.Cut(a.Who, viaToken); ok {
		a.Who, a.For = "api:"+token, person
	}
	if err := t.nameSides(&a); err != nil {
		return err
	}
	batch := ""
	if d.batch != "" {
		batch = strings.Join([]string{d.batch, string(a.Act.Code), a.Sync}, ":")
	}
	others := 0
	if batch != "" {
		err := t.query(func(s scanner) error { return s.Scan(&others) }, "select count(*) from (select 1 as one from activity where batch <> '' and batch = $1 limit 1) others", batch)
		if err != nil {
			return err
		}
	}
	kept := keep(a.Act)
	_, err := t.exec(`insert into activity (done_at, who, behalf, way, topic, sync, customer, code, reason_facts, why, batch, leads)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		ms(t.now), a.Who, a.For, string(a.Way), string(topic), a.Sync, a.Customer, kept.code, kept.facts, a.Why, batch, 1-others)
	return err
}

// nameSides fills in the connections of the act's sync, which its sentence names.
func (t *tx) nameSides(a *Activity) error {
	f := &a.Act.Facts
	if a.Sync == "" || f.Source != "" || f.Target != "" {
		return nil
	}
	return t.query(func(s scanner) error { return s.Scan(&f.Source, &f.Target) }, "select source, target from names where kind = 'sync' and name = $1", a.Sync)
}

// ActivityFilter chooses acts; empty fields choose all.
type ActivityFilter struct {
	// Who is as it is stored, a token's name, or whom a token acted for.
	Who   string
	About reason.Topic
	Sync  string
	Since time.Time
	// Before is the ID behind which a page begins, 0 for the latest.
	Before int64
	Limit  int
}

// Activities returns at most Limit acts, the latest first.
func (db *DB) Activities(ctx context.Context, f ActivityFilter) ([]Activity, error) {
	w := where{}
	w.that("leads = 1")
	if f.Who != "" {
		who := w.arg(f.Who)
		w.that("(who = " + who + " or who = 'api:' || " + who + " or behalf = " + who + ")")
	}
	w.equal("topic", string(f.About))
	w.equal("sync", f.Sync)
	if !f.Since.IsZero() {
		w.that("done_at >= " + w.arg(ms(f.Since)))
	}
	if f.Before > 0 {
		w.that("id < " + w.arg(f.Before))
	}
	var found []Activity
	var batches []string
	err := db.view(ctx, func(s scanner) error {
		var a Activity
		var done int64
		var code, facts, batch string
		err := s.Scan(&a.ID, &done, &a.Who, &a.For, &a.Way, &a.Sync, &a.Customer, &code, &facts, &a.Why, &batch, &a.Name)
		a.At, a.Act = at(done), reason.FromStored("", code, facts)
		found, batches = append(found, a), append(batches, batch)
		return err
	}, `select id, done_at, who, behalf, way, sync, customer, code, reason_facts, why, batch,
    coalesce((select c.name from customers c where c.sync = activity.sync and c.customer = activity.customer), '')
from activity`+w.String()+" order by id desc limit "+w.arg(f.Limit), w.args...)
	if err == nil {
		err = db.together(ctx, found, batches)
	}
	if err != nil {
		return nil, fmt.Errorf("read who did what: %w", err)
	}
	return found, nil
}

// together fills in the customers of the acts that were asked for at once.
func (db *DB) together(ctx context.Context, found []Activity, batches []string) error {
	of := map[string]*Activity{}
	w := where{}
	var some []string
	for i, batch := range batches {
		if batch != "" {
			of[batch], some = &found[i], append(some, batch)
		}
	}
	if len(some) == 0 {
		return nil
	}
	w.that("batch <> ''")
	in(&w, "batch", some)
	all := map[string][]CustomerName{}
	err := db.view(ctx, func(s scanner) error {
		var batch string
		var n CustomerName
		var count int
		err := s.Scan(&batch, &n.Customer, &n.Name, &count)
		all[batch] = append(all[batch], n)
		of[batch].Act.Facts.Count = count
		return err
	}, fmt.Sprintf(`select batch, customer, coalesce((select c.name from customers c where c.sync = a.sync and c.customer = a.customer), ''), n from (
    select batch, sync, customer, count(*) over (partition by batch) as n, row_number() over (partition by batch order by id) as place from activity%s) a
where place <= %d order by batch, place`, w.String(), mostTogether), w.args...)
	for batch, customers := range all {
		if len(customers) > 1 {
			of[batch].All = customers
		}
	}
	return err
}

// Doers returns who has done anything, in order, at most so many.
func (db *DB) Doers(ctx context.Context, limit int) ([]string, error) {
	var found []string
	err := db.view(ctx, func(s scanner) error {
		var who string
		err := s.Scan(&who)
		found = append(found, who)
		return err
	}, `with recursive doers(who) as (
    select min(who) from activity
    union all select (select min(a.who) from activity a where a.who > doers.who) from doers where doers.who is not null)
select who from doers where who is not null limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read who has done anything: %w", err)
	}
	return found, nil
}
