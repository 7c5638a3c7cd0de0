package api

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

func (s *server) activityRoutes() {
	route(s, store.Viewer, get("list-activity", "/activity", "List who changed what",
		"Latest first: what people and programs changed, by page, API, Slack or command, and when the file was read again. "+
			"What Trueup synced is in each customer's history. Acts on several customers that were requested at once are one row."), s.listActivity)
}

func (s *server) listActivity(ctx context.Context, in *struct {
	SyncFilter
	Who   string       `query:"who" maxLength:"200" doc:"Only by this person, by the token with this name, or by a token for this person."`
	About reason.Topic `query:"about" enum:"exceptions,customers,map,plans,mode,access" doc:"Only about this."`
	Since time.Time    `query:"since" doc:"Only at this time or later."`
	Page
}) (List[contract.Activity], error) {
	var before int64
	if err := s.listable(in.Sync, in.Page, &before); err != nil {
		return List[contract.Activity]{}, err
	}
	found, err := s.Store.Activities(ctx, store.ActivityFilter{Who: in.Who, About: in.About, Sync: in.Sync, Since: in.Since, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return List[contract.Activity]{}, err
	}
	var whos []string
	for _, a := range found {
		whos = append(whos, a.Who, a.For)
	}
	names, err := people.Names(ctx, s.Store, s.Owners(), whos)
	if err != nil {
		return List[contract.Activity]{}, err
	}
	return listOf(in.Page, found, func(a store.Activity) contract.Activity { return contract.ActivityOf(a, names) }, func(a store.Activity) any { return a.ID })
}
