package overview

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// givenUpShown is for how long a message that was given up needs a person.
const givenUpShown = 7 * 24 * time.Hour

// undelivered adds where messages are not delivered, of the recipients in the file.
func undelivered(ctx context.Context, db *store.DB, cfg *config.Config, now time.Time, s *contract.Status) error {
	s.Undelivered = []contract.Undelivered{}
	found, err := db.NotDelivered(ctx, now.Add(-givenUpShown))
	if err != nil {
		return err
	}
	told := map[store.Recipient]bool{store.ToSlack: cfg.Notify.Slack != nil, store.ToWebhook: cfg.Notify.Webhook != nil, store.ToSMTP: cfg.Notify.SMTP != nil}
	for _, u := range found {
		if !told[u.Recipient] {
			continue
		}
		setting := "notify." + string(u.Recipient)
		s.Undelivered = append(s.Undelivered, contract.Undelivered{Setting: setting, Waiting: u.Waiting, GivenUp: u.GivenUp, Since: contract.Stamp(u.Since), Failure: u.Failure})
		s.NeedsPerson = append(s.NeedsPerson, reason.NeedUndelivered.With(setting, status.Plural(u.Waiting+u.GivenUp, "message"), u.Since.UTC().Format("2006-01-02 15:04 MST"), u.Failure))
	}
	return nil
}
