package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// which names exceptions on the command line: by their numbers, or by a sync and
// a customer of it.
const which = "NUMBER | SYNC CUSTOMER"

// whichExceptions returns the exceptions that the words name. closed says that one
// that is not open is meant as well, when none is open.
func whichExceptions(cmd *cobra.Command, cfg *config.Config, db *store.DB, words []string, closed bool) (ids []int64, err error) {
	if _, err := strconv.ParseInt(words[0], 10, 64); err == nil {
		for _, word := range words {
			id, err := number("exception", word)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	if _, isSync := cfg.Syncs[words[0]]; len(words) == 1 && len(cfg.Syncs) == 1 && !isSync {
		for sync := range cfg.Syncs {
			words = []string{sync, words[0]}
		}
	}
	if len(words) != 2 {
		return nil, usage("give the number from the first column of the list, or a sync and a customer", "%q does not name an exception", strings.Join(words, " "))
	}
	if err := checkSync(cfg, words[0]); err != nil {
		return nil, err
	}
	id, err := exceptionOf(cmd, cfg, db, words[0], words[1], closed)
	return []int64{id}, err
}

// whichException is whichExceptions for a command about one.
func whichException(cmd *cobra.Command, cfg *config.Config, db *store.DB, words []string, closed bool) (int64, error) {
	ids, err := whichExceptions(cmd, cfg, db, words, closed)
	switch {
	case err != nil:
		return 0, err
	case len(ids) > 1:
		return 0, usage("name one exception at a time", "%q are %d exceptions", strings.Join(words, " "), len(ids))
	}
	return ids[0], nil
}

// exceptionOf is the open exception of a customer. Where a comparison wants one and
// no trueup run has opened it yet, it is opened here.
func exceptionOf(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync, named string, closed bool) (int64, error) {
	c := store.Customer{Sync: sync, Customer: named}
	known, err := db.Customers(cmd.Context(), sync, named)
	if err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(known, func(c store.Customer) bool { return c.Customer == named }); i >= 0 {
		c = known[i]
	} else if len(known) == 1 {
		c = known[0] // named by the record or the address
	}
	if _, whole := cfg.Syncs[sync]; whole { // else the file has faults
		if _, err := app.Ask(cmd.Context(), cfg, db, sync, c.Customer); err != nil {
			return 0, err
		}
	}
	all, err := db.Exceptions(cmd.Context(), store.ExceptionFilter{Sync: sync, Customer: c.Customer})
	if err != nil {
		return 0, err
	}
	found := slices.DeleteFunc(slices.Clone(all), func(x store.Exception) bool {
		return x.State != status.Open && x.State != status.Acknowledged
	})
	if len(found) == 0 && closed && len(all) > 0 {
		found = all[:1] // the one that was seen last
	}
	switch {
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) > 1:
		var each []string
		for _, x := range found {
			each = append(each, fmt.Sprintf("%d (%s)", x.ID, x.Kind))
		}
		return 0, usage("choose one by its number: "+strings.Join(each, ", "), "%s of %s has %d open exceptions", c.Customer, sync, len(found))
	}
	return 0, noneOpen(cmd, db, c, all)
}

// noneOpen says why a customer has no open exception, as far as that is known.
func noneOpen(cmd *cobra.Command, db *store.DB, c store.Customer, closed []store.Exception) error {
	sync, customer := c.Sync, c.Customer
	none := &failure{err: fmt.Errorf("%s of %s has no open exception", customer, sync), hint: fmt.Sprintf("trueup explain %s %s shows how it stands", sync, customer), code: exitFailed}
	row, err := lastPlanned(cmd.Context(), db, c)
	switch {
	case err != nil:
		return err
	case len(closed) > 0:
		x := closed[0]
		none.err = fmt.Errorf("%w; exception %d (%s) is %s%s", none.err, x.ID, x.Kind, x.State, ignoredUntil(string(x.Ignored)))
		none.hint = fmt.Sprintf("trueup exceptions show %d shows it", x.ID)
	case row.PlanRow != nil && row.Action == string(decide.Write):
		none.err = fmt.Errorf("%w; the latest plan would write it", none.err)
	case row.PlanRow != nil && row.Kind != "":
		none.err = fmt.Errorf("%w yet; the latest plan has it as %s", none.err, row.Kind)
		none.hint = "trueup run opens it as soon as it has checked the customer; trueup status shows whether it is running"
	}
	return none
}
