package index

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/trueup-sync/trueup/internal/store"
)

// query runs a statement and calls scan for each of its rows.
func (x *Index) query(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) error {
	stmt, err := x.statement(ctx, query)
	if err != nil {
		return told(err)
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return told(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return told(rows.Err())
}

// Customers returns the next customers to look at, in the order of their bytes:
// those that the source listed and those of AddCustomers.
func (x *Index) Customers(ctx context.Context, after string, limit int) (found []string, err error) {
	err = x.query(ctx, func(rows *sql.Rows) error {
		var customer string
		err := rows.Scan(&customer)
		found = append(found, customer)
		return err
	}, `select customer from (select customer from sources where customer > ?1 order by customer limit ?2)
union select customer from (select customer from customers where customer > ?1 order by customer limit ?2) order by customer limit ?2`, after, limit)
	return found, err
}

// Sources returns the records that the source listed of customers.
func (x *Index) Sources(ctx context.Context, customers []string) (map[string]Source, error) {
	all := map[string]Source{}
	err := x.query(ctx, func(rows *sql.Rows) error {
		var s Source
		var value, updated, read int64
		var keys string
		r := &s.Record
		if err := rows.Scan(&r.ID, &r.Value, &r.NoStatus, &value, &updated, &keys, &read); err != nil {
			return err
		}
		r.ValueAt, r.UpdatedAt, s.ReadAt = at(value), at(updated), at(read)
		err := json.Unmarshal([]byte(keys), &r.Keys)
		all[r.ID] = s
		return err
	}, "select customer, value, no_status, value_at, updated_at, keys, read_at from sources where customer in (select value from json_each(?1))", text(customers))
	return all, err
}

// Sharing returns the customers whom the source listed with an e-mail address, in
// whatever case. The first call makes the index for it, which most comparisons need
// not have.
func (x *Index) Sharing(ctx context.Context, email string) (customers []string, err error) {
	if !x.byEmail {
		if _, err := x.conn.ExecContext(ctx, "create index sources_by_email on sources (lower(trim(json_extract(keys, '$.email'))))"); err != nil {
			return nil, told(err)
		}
		x.byEmail = true
	}
	err = x.query(ctx, func(rows *sql.Rows) error {
		var customer string
		err := rows.Scan(&customer)
		customers = append(customers, customer)
		return err
	}, "select customer from sources where lower(trim(json_extract(keys, '$.email'))) = lower(trim(?1)) order by customer", email)
	return customers, err
}

// Targets returns the records that the target listed under the ids.
func (x *Index) Targets(ctx context.Context, ids []string) (map[string]Target, error) {
	all := map[string]Target{}
	err := x.query(ctx, func(rows *sql.Rows) error {
		var t Target
		var edited, read int64
		var keys string
		r := &t.Record
		if err := rows.Scan(&r.ID, &r.Value, &edited, &r.FieldTime, &r.Actor, &r.By, &r.Revision, &keys, &read); err != nil {
			return err
		}
		r.EditedAt, t.ReadAt = at(edited), at(read)
		err := json.Unmarshal([]byte(keys), &r.Keys)
		all[r.ID] = t
		return err
	}, `select target_id, value, edited_at, field_time, actor, edited_by, revision, keys, read_at from targets
where target_id in (select value from json_each(?1))`, text(ids))
	return all, err
}

// Under returns the ids of the target's records that have one of the values
// under a key, by the value.
func (x *Index) Under(ctx context.Context, name string, values []string) (map[string][]string, error) {
	all := map[string][]string{}
	err := x.query(ctx, func(rows *sql.Rows) error {
		var value, id string
		err := rows.Scan(&value, &id)
		all[value] = append(all[value], id)
		return err
	}, `select k.value, k.target_id from keys k cross join targets t on t.target_id = k.target_id and t.n = k.n
where k.name = ?1 and k.value in (select value from json_each(?2)) order by k.value, k.target_id`, name, text(values))
	return all, err
}

// Owners returns for whom the match rules found records of the target.
func (x *Index) Owners(ctx context.Context, ids []string) (map[string]string, error) {
	all := map[string]string{}
	err := x.query(ctx, func(rows *sql.Rows) error {
		var id, customer string
		err := rows.Scan(&id, &customer)
		all[id] = customer
		return err
	}, "select target_id, customer from taken where target_id in (select value from json_each(?1))", text(ids))
	return all, err
}

// Figures returns how many records each side listed, and how many of the
// target's the match rules found for nobody.
func (x *Index) Figures(ctx context.Context) (sources, targets, untaken int, err error) {
	err = x.query(ctx, func(rows *sql.Rows) error { return rows.Scan(&sources, &targets, &untaken) }, `
select (select count(*) from sources), (select count(*) from targets),
    (select count(*) from targets t where not exists (select 1 from taken where target_id = t.target_id))`)
	return sources, targets, untaken, err
}

// Untaken returns how many of the ids are records that the target listed and
// the match rules found for nobody.
func (x *Index) Untaken(ctx context.Context, ids []string) (n int, err error) {
	err = x.query(ctx, func(rows *sql.Rows) error { return rows.Scan(&n) }, `
select count(*) from targets t where target_id in (select value from json_each(?1)) and not exists (select 1 from taken where target_id = t.target_id)`, text(ids))
	return n, err
}

// Words counts the values that a side listed; of the source those of customers
// who have a status.
func (x *Index) Words(ctx context.Context, side store.Side) (found []store.Word, err error) {
	from := "sources where no_status = 0"
	if side == store.TargetSide {
		from = "targets"
	}
	err = x.query(ctx, func(rows *sql.Rows) error {
		word := store.Word{Side: side}
		err := rows.Scan(&word.Value, &word.Customers)
		found = append(found, word)
		return err
	}, "select value, count(*) from "+from+" group by value order by 2 desc, 1 limit ?1", store.MostWords)
	return found, err
}
