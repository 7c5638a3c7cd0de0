package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// cause is what the exceptions with one cause have in common.
type cause struct {
	latest    store.Exception
	customers []string
	owners    []string
	oldest    time.Time
}

// causesOf groups exceptions by cause, in the order in which the causes come.
func causesOf(found []store.Exception) []*cause {
	type key struct {
		sync  string
		kind  status.Kind
		cause string
	}
	var all []*cause
	known := map[key]*cause{}
	for _, x := range found {
		k := key{x.Sync, x.Kind, x.Cause}
		c := known[k]
		if c == nil {
			c = &cause{latest: x, oldest: x.OpenedAt}
			known[k] = c
			all = append(all, c)
		}
		if x.Customer != "" {
			c.customers = append(c.customers, status.Called(x.Customer, x.Name))
		}
		if x.Owner != "" && !slices.Contains(c.owners, x.Owner) {
			c.owners = append(c.owners, x.Owner)
		}
		if x.OpenedAt.Before(c.oldest) {
			c.oldest = x.OpenedAt
		}
	}
	return all
}

// who is how many customers have a cause, and the name of a single one.
func (c *cause) who() string {
	switch len(c.customers) {
	case 0:
		return "-"
	case 1:
		return "1 (" + c.customers[0] + ")"
	}
	return fmt.Sprint(len(c.customers))
}

// listCauses prints a line for each cause, and in a terminal what to do next.
func listCauses(cmd *cobra.Command, cfg *config.Config, found []store.Exception, empty string) error {
	out := cmd.OutOrStdout()
	at := clockOf(out)
	causes := causesOf(found)
	sync := syncCell(cmd, cfg, causes, func(c *cause) string { return c.latest.Sync })
	err := list(cmd, causes, empty, "NUMBER\tLAST SEEN\t"+sync("SYNC")+"KIND\tCUSTOMERS\tOLDEST\tOWNER\tWHAT HAPPENED", func(c *cause) string {
		return fmt.Sprintf("%d\t%s\t%s%s\t%s\t%s\t%s\t%s", c.latest.ID, at.when(c.latest.LastSeen), sync(c.latest.Sync), c.latest.Kind, c.who(), at.when(c.oldest),
			orDash(strings.Join(c.owners, ", ")), c.latest.Reason.Sentence())
	})
	if err == nil && len(causes) > 0 && isTerminal(out) {
		fmt.Fprintln(out, "\ntrueup exceptions show NUMBER shows what you can do; an action with --group is for the whole line")
		fmt.Fprintln(out, "trueup exceptions --each lists them one by one")
	}
	return err
}
