package powercut

import (
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// The calls that need no claim.

func resting(connection string) step {
	return step{name: "let " + connection + " rest", do: func(l *life) error { return l.Rest(l.ctx, connection, l.now.Add(time.Minute)) }}
}

func reserving(connection string) step {
	return step{name: "reserve calls of " + connection, do: func(l *life) error {
		_, _, _, err := l.Reserve(l.ctx, connection, 2, 10, time.Second)
		return err
	}}
}

func asking() step {
	return step{name: "ask for changes", do: func(l *life) error {
		_, fence, ok, err := l.TakeTurn(l.ctx, store.ChangesOf("crm"), time.Second, lease)
		if ok {
			l.cursor = fence
		}
		return err
	}}
}

func asked(cursor string, done bool) step {
	return step{name: "save the cursor " + cursor, do: func(l *life) error {
		return l.SavePage(l.ctx, "crm", l.cursor, cursor, done, store.Page{Records: 7})
	}}
}

func excepting(customer string, kind status.Kind) step {
	return step{name: fmt.Sprintf("open %s of %s", kind, customer), do: func(l *life) error {
		_, err := l.OpenException(l.ctx, store.NewException{Sync: plan, Customer: customer, Kind: kind, Stage: status.StageWrite, Reason: reason.Text("it says no"), Owner: "ops@example.com"})
		return err
	}}
}

func closing(customer string, kind status.Kind) step {
	return step{name: fmt.Sprintf("close %s of %s", kind, customer), do: func(l *life) error {
		_, err := l.CloseExceptions(l.ctx, plan, customer, kind, "")
		return err
	}}
}

// importing sets links as customer, record, customer, record, …
func importing(pairs ...string) step {
	return step{name: fmt.Sprintf("set links %v", pairs), do: func(l *life) error {
		var links []store.Link
		for i := 0; i < len(pairs); i += 2 {
			links = append(links, store.Link{Customer: pairs[i], TargetID: pairs[i+1], Rule: "set by hand", Confidence: 1, By: "ops@example.com"})
		}
		_, err := l.ImportLinks(l.ctx, plan, links)
		return err
	}}
}

func unlinking(customer string) step {
	return step{name: "remove the link of " + customer, do: func(l *life) error {
		return l.RemoveLink(l.ctx, plan, customer, "ops@example.com")
	}}
}
