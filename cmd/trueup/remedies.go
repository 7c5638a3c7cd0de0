package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// printRemedies prints what can be done about a reason, one line each, with the
// command where there is one. The verbs of an exception are listed with its offers.
func printRemedies(out io.Writer, before string, all []contract.Remedy, sync, customer string) {
	for _, m := range all {
		fmt.Fprintln(out, before+remedy(m, sync, customer))
	}
}

func remedy(m contract.Remedy, sync, customer string) string {
	if command := commandOf(m.Verb, sync, customer); command != "" {
		return m.Does + ": trueup " + command
	}
	return m.Does
}

// printToDo prints what can be done about a customer's reason, with the command also
// where that is a verb of its exception: needs says that it has one, or is about to.
func printToDo(out io.Writer, r reason.Reason, needs bool, sync, customer string) {
	for _, m := range contract.RemediesOf(r) {
		line := remedy(m, sync, customer)
		if command := exceptionCommand(m.Verb, sync, customer); needs && command != "" {
			line = m.Does + ": trueup " + command
		}
		fmt.Fprintln(out, "  to do: "+line)
	}
	if needs {
		fmt.Fprintf(out, "  to do: see all that you can do: trueup exceptions show %s %s\n", sync, customer)
	}
}

// exceptionCommand is a verb for the exception of a customer, "" for other verbs.
func exceptionCommand(verb reason.Verb, sync, customer string) string {
	word, ok := map[reason.Verb]string{reason.Retry: "", reason.Rematch: "", reason.Resolve: "", reason.Link: " RECORD", reason.Map: " STATUS"}[verb]
	if !ok {
		return ""
	}
	return "exceptions " + exceptions.Command(store.Verb(verb)) + " " + sync + " " + customer + word
}

// accountRemedies is what can be done about a sync that reaches another account.
func accountRemedies(sync string) string {
	var all []string
	for _, m := range contract.RemediesOf(reason.Reason{Code: reason.AccountsChanged}) {
		all = append(all, remedy(m, sync, ""))
	}
	return strings.Join(all, "; ")
}

func commandOf(verb reason.Verb, sync, customer string) string {
	switch verb {
	case reason.CheckLive:
		return "check --live"
	case reason.ListEvents:
		return "events list --sync " + sync
	case reason.ListParked:
		return "events list --sync " + sync + " --outcome parked"
	case reason.ListExceptions:
		return "exceptions --sync " + sync
	case reason.Replay:
		return "events replay"
	case reason.ReplayParked:
		return "events replay --outcome parked"
	case reason.LinksSet:
		return "links set " + sync + " CUSTOMER TARGET"
	case reason.LinksRemove:
		return "links remove " + sync + " " + customer
	case reason.RemoveAllLinks:
		return "links remove " + sync + " --all"
	case reason.SameAccount:
		return "sync same-account " + sync
	case reason.Explain:
		return "explain " + sync + " " + customer + " --json"
	case reason.Status:
		return "status"
	case reason.Plan:
		return "plan " + sync
	case reason.Unpin:
		return "unpin " + sync + " " + customer
	case reason.Resume:
		return "resume " + sync + " --reason TEXT"
	}
	return ""
}
