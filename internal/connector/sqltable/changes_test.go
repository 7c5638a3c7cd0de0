package sqltable

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// poll asks until there is no more and returns whom it was told of, in order.
func (w *world) poll(c connector.Connection, cursor string) (customers []string, next string) {
	w.Helper()
	for more, turns := true, 0; more; turns++ {
		if turns > 1000 {
			w.Fatal("it does not end")
		}
		var readings []connector.Reading
		var err error
		if readings, cursor, more, err = c.Changes.Since(w.Context(), cursor); err != nil {
			w.Fatal(err)
		}
		for _, r := range readings {
			if r.Err != nil || r.Event.ID == "" {
				w.Errorf("an event that is none: %+v", r)
			}
			customers = append(customers, r.Event.Customer)
		}
	}
	return customers, cursor
}

// touch changes rows so that updated_at moves to that long before the database's now.
func (w *world) touch(where, ago, status string) {
	w.Helper()
	w.exec("update customers set status = '" + status + "', updated_at = " + w.pick("now() - interval '"+ago+"'", "utc_timestamp(6) - interval "+ago) + " where " + where)
}

func TestATableIsPolledByWhatChangedLast(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		w.touch("true", "10 day", "Active")
		s.Overlap = time.Minute
		c := w.open(s, false)
		told, cursor := w.poll(c, "")
		if len(told) != 0 {
			w.Errorf("asked for the first time it tells of %v", told)
		}
		w.touch("id = 2", "1 second", "Churned")
		told, cursor = w.poll(c, cursor)
		if !slices.Contains(told, "2") || slices.Contains(told, "1") && slices.Contains(told, "3") && len(told) > 3 {
			w.Errorf("it tells of %v", told)
		}
		r, err := c.Source.Read(w.Context(), "2")
		if err != nil || r.Value != "Churned" || r.NoStatus || r.UpdatedAt.IsZero() || r.Keys["email"] != "bo@example.com" {
			w.Errorf("read %+v, %v", r, err)
		}
		first, _, _, err := c.Changes.Since(w.Context(), cursor)
		if err != nil {
			w.Fatal(err)
		}
		again, _, _, err := c.Changes.Since(w.Context(), cursor)
		if err != nil || len(first) != len(again) || len(first) > 0 && first[0].Event.ID != again[0].Event.ID {
			w.Errorf("asked twice it gives %v and %v, %v", first, again, err)
		}
		w.exec("delete from customers where id = 2")
		_, err = c.Source.Read(w.Context(), "2")
		w.fails(err, connector.Gone)
		if r, err := c.Source.Read(w.Context(), "3"); err != nil || r.NoStatus {
			w.Errorf("read %+v, %v", r, err)
		}
		w.exec("update customers set status = null where id = 3")
		if r, err := c.Source.Read(w.Context(), "3"); err != nil || !r.NoStatus {
			w.Errorf("read %+v, %v", r, err)
		}
	})
}

// Many rows have one time, and the process ends in the middle: the next one goes on
// with the stored cursor and misses none.
func TestAPollOfManyRowsThatIsInterruptedMissesNone(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		w.exec("delete from customers")
		c := w.open(s, false)
		_, cursor := w.poll(c, "")
		const rows = 3*pageSize + 7
		w.exec(w.pick(
			fmt.Sprintf("insert into customers (id, email, status, updated_at) select g, g || '@example.com', 'Active', now() - interval '1 minute' from generate_series(1, %d) g", rows),
			fmt.Sprintf("insert into customers (id, email, status, updated_at) select seq, concat(seq, '@example.com'), 'Active', utc_timestamp() - interval 1 minute from seq_1_to_%d", rows)))
		told := map[string]bool{}
		pages := 0
		for more := true; more; pages++ {
			again := w.openAs(s, false) // another process
			readings, next, goesOn, err := again.Changes.Since(w.Context(), cursor)
			if err != nil {
				w.Fatal(err)
			}
			for _, r := range readings {
				told[r.Event.Customer] = true
			}
			if pages == 1 { // killed before the cursor was stored: the page comes again
				if twice, _, _, err := again.Changes.Since(w.Context(), cursor); err != nil || len(twice) != len(readings) || twice[0].Event.ID != readings[0].Event.ID {
					w.Fatalf("the page comes again with %d events, %v", len(twice), err)
				}
				w.exec("update customers set updated_at = " + w.pick("now()", "utc_timestamp(6)") + " where id = 1") // moves on to a later page
			}
			cursor, more = next, goesOn
			again.Closed()
		}
		if len(told) != rows || pages != 4 {
			w.Errorf("told of %d of %d rows on %d pages", len(told), rows, pages)
		}
	})
}

// A row is stamped when it is written and seen when it is committed: another that was
// stamped later may be seen before.
func TestARowThatIsCommittedLateIsNotMissed(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		c := w.open(s, false)
		_, cursor := w.poll(c, "")
		tx, err := w.admin.Begin()
		if err != nil {
			w.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("update customers set status = 'Churned', updated_at = " + w.pick("now()", "utc_timestamp(6)") + " where id = 1"); err != nil {
			w.Fatal(err)
		}
		w.touch("id = 2", "0 second", "Churned")
		if _, cursor = w.poll(c, cursor); cursor == "" {
			w.Fatal("no cursor")
		}
		if err := tx.Commit(); err != nil {
			w.Fatal(err)
		}
		readings, _, _, err := c.Changes.Since(w.Context(), cursor)
		if err != nil {
			w.Fatal(err)
		}
		if !slices.ContainsFunc(readings, func(r connector.Reading) bool { return r.Event.Customer == "1" && r.Event.Value == "Churned" }) {
			w.Errorf("it tells of %+v", readings)
		}
	})
}

// Our clock is not asked: it may be hours away from the database's.
func TestAPollDoesNotRestOnOurClock(t *testing.T) {
	for name, off := range map[string]time.Duration{"is an hour ahead": time.Hour, "is a day behind": -24 * time.Hour} {
		t.Run("ours "+name, func(t *testing.T) {
			each(t, func(w *world) {
				s := w.customers()
				w.touch("true", "1 hour", "Active")
				w.touch("id = 3", "30 minute", "Active")
				c := w.open(s, false, connector.Deps{Now: func() time.Time { return time.Now().Add(off) }})
				_, cursor := w.poll(c, "")
				for range 3 {
					var told []string
					if told, cursor = w.poll(c, cursor); slices.Contains(told, "1") {
						w.Errorf("it tells again of what changed an hour ago: %v", told)
					}
				}
				w.touch("id = 2", "0 second", "Churned")
				if told, _ := w.poll(c, cursor); !slices.Contains(told, "2") {
					w.Errorf("it tells of %v", told)
				}
				said, err := c.Probe.Probe(w.Context())
				if err != nil || !strings.Contains(strings.Join(said, "; "), "one of them is wrong") {
					w.Errorf("the probe says %q, %v", said, err)
				}
			})
		})
	}
}

// A row that is dated into the future must not hide all others until then.
func TestARowDatedIntoTheFutureHidesNoOther(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		w.exec("update customers set updated_at = '2037-01-01 00:00:00' where id = 1")
		c := w.open(s, false)
		_, cursor := w.poll(c, "")
		_, cursor = w.poll(c, cursor)
		w.touch("id = 2", "0 second", "Churned")
		if told, _ := w.poll(c, cursor); !slices.Contains(told, "2") {
			w.Errorf("it tells of %v", told)
		}
	})
}

// Infinity comes after every time, and no place in the table can be told by it: a whole
// page of such rows must not end the polling of all others.
func TestAPollGoesOnWhereManyRowsAreDatedInfinity(t *testing.T) {
	for _, one := range []struct{ name, column, at, now string }{
		{"ahead of all, with a zone", "timestamptz", "infinity", "now()"},
		{"ahead of all, without a zone", "timestamp", "infinity", "now() at time zone 'Europe/Berlin'"},
		{"before all", "timestamptz", "-infinity", "now()"},
	} {
		t.Run(one.name, func(t *testing.T) {
			w := postgresWorld(t)
			w.exec("create table customers (id bigint primary key, email text, status text, updated_at " + one.column + ")")
			w.exec(fmt.Sprintf("insert into customers select g, g || '@example.com', 'Active', '%s' from generate_series(1, %d) g", one.at, pageSize+1))
			s := w.settings()
			s.TimeZone = "Europe/Berlin"
			c := w.open(s, false)
			_, cursor := w.poll(c, "")
			told, cursor := w.poll(c, cursor)
			if len(told) > 0 {
				w.Errorf("it tells of %v, who cannot be dated", told)
			}
			w.exec("update customers set status = 'Churned', updated_at = " + one.now + " where id = 7")
			if told, _ := w.poll(c, cursor); !slices.Equal(told, []string{"7"}) {
				w.Errorf("it tells of %v", told)
			}
		})
	}
}

func TestTimesThatAreNoneAreNotKnown(t *testing.T) {
	for _, one := range []struct {
		name, postgres, mariadb string
		zero                    bool
	}{
		{"none", "null", "null", true},
		{"infinity", "'infinity'", "'0000-00-00 00:00:00'", true},
		{"the hour that a local clock shows twice", "'2026-10-25 02:30:00'", "'2026-10-25 02:30:00'", true},
		{"the hour before", "'2026-10-25 01:30:00'", "'2026-10-25 01:30:00'", false},
	} {
		t.Run(one.name, func(t *testing.T) {
			each(t, func(w *world) {
				w.exec("create table customers (id int primary key, email varchar(100), status varchar(20), updated_at " + w.pick("timestamp", "datetime(6)") + ")")
				w.exec(w.pick("select 1", "set session sql_mode = ''"))
				w.exec("insert into customers values (1, 'a@example.com', 'Active', " + w.pick(one.postgres, one.mariadb) + ")")
				s := w.settings()
				s.TimeZone = "Europe/Berlin"
				c := w.open(s, false)
				r, err := c.Source.Read(w.Context(), "1")
				if err != nil || r.UpdatedAt.IsZero() != one.zero {
					w.Errorf("read %+v, %v", r, err)
				}
				if want := time.Date(2026, 10, 24, 23, 30, 0, 0, time.UTC); !one.zero && !r.UpdatedAt.Equal(want) {
					w.Errorf("it changed at %v, want %v", r.UpdatedAt, want)
				}
				_, cursor := w.poll(c, "")
				w.exec("update customers set status = 'Churned', updated_at = " + w.pick("now() at time zone 'Europe/Berlin'", "utc_timestamp(6) + interval "+offset("Europe/Berlin")+" second"))
				if told, _ := w.poll(c, cursor); !slices.Contains(told, "1") {
					w.Errorf("it tells of %v", told)
				}
			})
		})
	}
}

// offset is how many seconds a zone's clock is ahead of UTC.
func offset(zone string) string {
	at, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	_, seconds := time.Now().In(at).Zone()
	return fmt.Sprint(seconds)
}

func TestAListGoesThroughAllRowsAndGoesOnAfterAnInterruption(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.DeletedAt = "deleted_at"
		const rows = 2*pageSize + 5
		w.exec("delete from customers")
		w.exec(w.pick(
			fmt.Sprintf("insert into customers (id, status) select g, 'Active' from generate_series(1, %d) g", rows),
			fmt.Sprintf("insert into customers (id, status) select seq, 'Active' from seq_1_to_%d", rows)))
		w.exec("update customers set deleted_at = '2026-01-01 00:00:00' where id = 5")
		c := w.open(s, false)
		listed, cursor := map[string]bool{}, ""
		for n := 0; n == 0 || cursor != ""; n++ {
			page, next, err := w.openAs(s, false).SourceList.List(w.Context(), cursor)
			if err != nil {
				w.Fatal(err)
			}
			for _, r := range page {
				if listed[r.ID] {
					w.Errorf("%s comes twice", r.ID)
				}
				listed[r.ID] = true
			}
			if n == 0 {
				w.exec("delete from customers where id = " + next) // the place of the next page is gone
			}
			cursor = next
		}
		if len(listed) != rows-1 || listed["5"] {
			w.Errorf("%d rows are listed", len(listed))
		}
		s2 := *s
		s2.ID = []any{"id", "email"}
		s2.DSN = s.DSN
		if _, _, err := w.openAs(&s2, false).SourceList.List(w.Context(), "17"); err == nil || !connector.FailureOf(err).Anew {
			w.Errorf("a cursor of another id is taken: %v", err)
		}
		if _, err := c.Source.Read(w.Context(), "5"); err == nil {
			w.Error("a row that counts as deleted is read")
		}
	})
}

func TestAChangeTableTellsOfEachChangeOnce(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.ChangeTable, s.DeletedAt = w.schema+".changed", "deleted_at"
		c := w.open(s, false)
		if !c.Knows.DeleteNotice {
			w.Error("it does not claim to tell of deletions")
		}
		_, cursor := w.poll(c, "")
		for _, step := range []struct{ statement, want string }{
			{"insert into customers (id, status) values (10, 'Active')", "10"},
			{"update customers set status = 'Churned' where id = 1", "1"},
			{"update customers set status = 'churned' where id = 1", "1"},
			{"update customers set status = null where id = 2", "2"},
			{"update customers set email = 'other@example.com' where id = 1", ""},
			{"update customers set status = status", ""},
			{"update customers set deleted_at = '2026-01-01 00:00:00' where id = 2", "2"},
			{"update customers set id = 20 where id = 3", "3 20"},
			{"delete from customers where id = 2", "2"},
		} {
			w.exec(step.statement)
			var told []string
			told, cursor = w.poll(c, cursor)
			if strings.Join(told, " ") != step.want {
				w.Errorf("%s: it tells of %v, want %s", step.statement, told, step.want)
			}
		}
		w.poll(c, cursor)
		if left := w.value("select count(*) from changed"); left != "0" {
			w.Errorf("%s rows are left", left)
		}
	})
}

// What was read and not stored comes again with the same event ids; what was
// committed late, or written into a table that was made anew, is not deleted unread.
func TestAChangeTableLosesNothing(t *testing.T) {
	each(t, func(w *world) {
		s := w.customers()
		s.ChangeTable = w.schema + ".changed"
		c := w.open(s, false)
		_, cursor := w.poll(c, "")
		tx, err := w.admin.Begin() // takes the lower number, and commits last
		if err != nil {
			w.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("update customers set status = 'Paused' where id = 1"); err != nil {
			w.Fatal(err)
		}
		w.exec("update customers set status = 'Churned' where id = 2")
		first, next, _, err := c.Changes.Since(w.Context(), cursor)
		if err != nil || len(first) != 1 || first[0].Event.Customer != "2" {
			w.Fatalf("it tells of %+v, %v", first, err)
		}
		again, _, _, err := c.Changes.Since(w.Context(), cursor) // the process was killed before it stored them
		if err != nil || len(again) != 1 || again[0].Event.ID != first[0].Event.ID {
			w.Fatalf("asked again it tells of %+v, %v", again, err)
		}
		if err := tx.Commit(); err != nil {
			w.Fatal(err)
		}
		told, last := w.poll(c, next)
		if strings.Join(told, " ") != "1" {
			w.Errorf("after the late commit it tells of %v", told)
		}
		w.exec("delete from changed")
		w.exec(w.pick("truncate changed restart identity", "truncate changed"))
		w.exec("update customers set status = 'Active'")
		if told, _ := w.poll(c, last); len(told) != 3 {
			w.Errorf("of the table that was made anew it tells of %v", told)
		}
	})
}
