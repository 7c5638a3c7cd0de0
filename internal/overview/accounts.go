package overview

import (
	"context"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// Accounts are those that a sync reaches by its configuration, none where that is
// unknown: a file with faults has no accounts.
func Accounts(s config.Sync) (all []store.Account) {
	if key := s.Source.Identity.Key; key != "" {
		all = append(all, store.Account{Side: store.SourceSide, Key: key, Shown: s.Source.Identity.Shown})
	}
	if key := s.Target.Identity.Key; key != "" {
		all = append(all, store.Account{Side: store.TargetSide, Key: key, Shown: s.Target.Identity.Shown})
	}
	return all
}

// AccountSentence reports that a side reaches another account.
func AccountSentence(m store.AccountMoved) string {
	return reason.AccountMoved(Account(m))
}

// Account is a side that reaches another account, as a reason has it.
func Account(m store.AccountMoved) reason.Account {
	return reason.Account{Side: string(m.Was.Side), Was: m.Was.Shown, At: m.Was.At, Now: m.Now.Shown}
}

// moved returns the sides of a sync that reach other accounts than its links'.
func moved(ctx context.Context, db *store.DB, name string, c config.Sync) ([]contract.AccountMoved, error) {
	if c.Target.Identity.Key == "" { // a file with faults does not show which it reaches
		return nil, nil
	}
	found, err := db.MovedAccounts(ctx, name, Accounts(c))
	var rows []contract.AccountMoved
	for _, m := range found {
		rows = append(rows, AccountMoved(m))
	}
	return rows, err
}

// AccountMoved converts a side that reaches another account.
func AccountMoved(m store.AccountMoved) contract.AccountMoved {
	return contract.AccountMoved{Side: string(m.Was.Side), Was: m.Was.Shown, Now: m.Now.Shown, Reason: AccountSentence(m)}
}
