package notify

import (
	"context"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// ownMessage are the alarms that people are told of by themselves. Of the others
// there is a message already: about the exceptions behind them, or the silence.
var ownMessage = []status.Alarm{status.AlarmQueueOld, status.AlarmPaused}

// alarm tells that an alarm began, or that one that was told of ended.
func (c composer) alarm(ctx context.Context, n store.Notice) (plan, error) {
	name := status.Alarm(n.Kind)
	if !c.EveryAlarm && !slices.Contains(ownMessage, name) {
		return plan{}, nil
	}
	seen, err := c.Store.SeenAlarm(ctx, n.Sync, name)
	if err != nil || seen.Since.IsZero() {
		return plan{open: n.Open}, err
	}
	if told := n.Open > 0; seen.Ended.IsZero() == told { // as people know it, or over before anybody was told
		return plan{open: n.Open}, nil
	}
	title := reason.TitleGroup.With(reason.AlarmNames[name], n.Sync)
	if !seen.Ended.IsZero() {
		return plan{do: post, message: Message{Icon: Done, About: About{Event: config.AlarmEnded, Alarm: name, Since: seen.Since}, Title: reason.TitleResolved.With(reason.AlarmNames[name], n.Sync),
			Text: reason.TextResolved.With(stamp(seen.Since), span(seen.Ended.Sub(seen.Since)))}}, nil
	}
	on, err := c.Alarms(ctx)
	if err != nil {
		return plan{}, err
	}
	i := slices.IndexFunc(on, func(a contract.Alarm) bool { return a.Sync == n.Sync && a.Alarm == name })
	if i < 0 { // it has just ended, which comes next
		return plan{}, nil
	}
	m := Message{Icon: Alarm, About: About{Event: config.AlarmBegan, Alarm: name, Since: seen.Since}, Title: title, Text: Mask(reason.TextReason.With(on[i].Text, on[i].Remedy.Does)),
		Facts: []Fact{{"Since", stamp(seen.Since)}}, Owner: c.owner(n.Sync, status.ConnectionFailed)}
	c.home(&m)
	return plan{do: post, open: 1, message: m}, nil
}
