package notify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// listed is how many lines a digest or a flood has at most.
const listed = 20

// reminder tells of what a group has had open for too long.
func (c composer) reminder(ctx context.Context, n store.Notice) (plan, error) {
	g, err := c.Store.GroupState(ctx, n.Sync, n.Kind, n.Cause, shown)
	if err != nil || g.Open == 0 {
		return plan{}, err
	}
	lead := g.Some[0]
	m := Message{Icon: Clock, Title: reason.TitleStillOpen.With(reason.KindNames[n.Kind], n.Sync), Text: Mask(why(lead)), About: About{Event: config.ExceptionsOverdue, Kind: n.Kind}}
	m.Facts = append(m.Facts, Fact{"State", groupState(g)})
	if g.Open == 1 {
		m.Facts = append(m.Facts, Fact{"Customer", Mask(cmp.Or(lead.Customer, "the whole sync"))})
	} else {
		m.Facts = append(m.Facts, Fact{"Customers", fmt.Sprint(g.Open)})
	}
	m.Facts = append(m.Facts, happened(g.Some)...)
	if lead.Owner != "" {
		m.Owner = people(c.People).person(lead.Owner)
	}
	m.Notes = append(m.Notes, about(lead.ID))
	c.links(&m, n.Kind)
	return plan{do: post, message: m}, nil
}

// recovered tells that a failure of a whole sync is over.
func (c composer) recovered(ctx context.Context, n store.Notice) (plan, error) {
	g, err := c.Store.GroupState(ctx, n.Sync, n.Kind, n.Cause, 1)
	if err != nil || g.Open > 0 || len(g.Some) == 0 {
		return plan{}, err
	}
	lasted := n.Began.Sub(g.Some[0].OpenedAt)
	return plan{do: post, message: Message{Icon: Done, About: About{Event: config.ExceptionsClosed, Kind: n.Kind}, Title: reason.TitleResolved.With(reason.KindNames[n.Kind], n.Sync),
		Text: reason.TextResolved.With(stamp(g.Some[0].OpenedAt), span(lasted)), Facts: happened(g.Some)}}, nil
}

// silence tells that a sync hears nothing, or hears again.
func (c composer) silence(ctx context.Context, n store.Notice) (plan, error) {
	s, err := c.Store.Silence(ctx, n.Sync)
	if err != nil || s.Since.IsZero() || s.Heard.IsZero() == (n.What == store.HeardNotice) {
		return plan{}, err
	}
	if n.What == store.HeardNotice {
		return plan{do: post, message: Message{Icon: Done, About: About{Event: config.AlarmEnded, Alarm: status.AlarmSilent}, Title: reason.TitleHeard.With(n.Sync),
			Text: reason.TextHeard.With(span(s.Heard.Sub(s.Since)))}}, nil
	}
	m := Message{Icon: Alarm, About: About{Event: config.AlarmBegan, Alarm: status.AlarmSilent}, Title: reason.TitleSilent.With(n.Sync),
		Text:  reason.TextSilent.With(stamp(s.Since), span(s.Longest)),
		Owner: c.owner(n.Sync, status.ConnectionFailed),
		Notes: []string{"trueup events --sync " + n.Sync}}
	c.home(&m)
	return plan{do: post, message: m}, nil
}

// file tells that a changed configuration is not used, and when it is.
func (c composer) file(ctx context.Context, n store.Notice) (plan, error) {
	nodes, err := c.Store.Nodes(ctx)
	if err != nil {
		return plan{}, err
	}
	m := Message{Icon: Alarm, About: About{Event: config.FileRefused}, Title: string(reason.TitleFileFaulty), Notes: []string{"trueup check"}}
	for _, node := range nodes {
		said := overview.OfFile(node.File, true)
		if said != "" && n.Claimed.Sub(node.SeenAt) <= 3*overview.SeenEvery { // else it works no more
			m.List = append(m.List, node.Name+": "+Mask(said))
		}
	}
	c.home(&m)
	if len(m.List) > 0 {
		m.Text = string(reason.TextFileFaulty)
		m.List = cut(m.List, listed)
		p := plan{do: post, open: 1, message: m}
		if n.Open > 0 && n.Place != "" && c.updates {
			p.do = update
		}
		return p, nil
	}
	if n.Open == 0 {
		return plan{}, nil // nobody was told
	}
	return plan{do: post, message: Message{Icon: Done, About: About{Event: config.FileUsed}, Title: string(reason.TitleFileUsed), Text: string(reason.TextFileUsed)}}, nil
}

func (c composer) owner(sync string, kind status.Kind) Person {
	owner := c.Syncs[sync].Owner(kind)
	if owner == "" {
		return Person{}
	}
	return people(c.People).person(owner)
}

// flood tells of many notices in one message.
func (c composer) flood(ctx context.Context, n store.Notice) (plan, error) {
	folded, err := c.Store.FoldedSince(ctx, n.Cause, n.Began)
	if err != nil || len(folded) == 0 {
		return plan{}, err
	}
	m := Message{Icon: Alarm, About: About{Event: config.ExceptionsMany}}
	groups, reminders := 0, 0
	for _, f := range folded {
		line := fmt.Sprintf("%s: %s, %s, %s open", f.Sync, reason.KindNames[f.Kind], status.Plural(f.Groups, "group"), status.Plural(f.Exceptions, "exception"))
		if f.What == store.ReminderNotice {
			reminders += f.Groups
			line = fmt.Sprintf("%s: %s, %s overdue", f.Sync, reason.KindNames[f.Kind], status.Plural(f.Groups, "group"))
		} else {
			groups += f.Groups
		}
		m.List = append(m.List, line)
	}
	m.Title = reason.TitleFlood.With(groups)
	if groups == 0 {
		m.Icon, m.Title = Clock, reason.TitleOverdue.With(reminders)
	}
	m.List = cut(m.List, listed)
	m.Text = string(reason.TextFlood)
	m.Notes = []string{"trueup exceptions groups"}
	c.home(&m)
	p := plan{do: post, message: m}
	if n.Place != "" && c.updates {
		p.do = update
	}
	return p, nil
}

// digest tells of all that is open.
func (c composer) digest(ctx context.Context, n store.Notice) (plan, error) {
	groups, err := c.Store.Groups(ctx, "")
	if err != nil {
		return plan{}, err
	}
	m := Message{Icon: News, Title: reason.TitleDigest.With(n.Cause)}
	c.home(&m)
	if len(groups) == 0 {
		m.Icon, m.Text = Done, string(reason.TextNothingOpen)
		return plan{do: post, message: m}, nil
	}
	open, overdue := 0, 0
	for _, g := range groups {
		open += g.Customers
	}
	for _, sync := range slices.Sorted(maps.Keys(c.Syncs)) {
		late, err := c.Store.Overdue(ctx, sync, c.Syncs[sync].RemindAfter)
		if err != nil {
			return plan{}, err
		}
		for _, n := range late {
			overdue += n
		}
	}
	m.Facts = []Fact{{"Open exceptions", fmt.Sprint(open)}, {"Groups", fmt.Sprint(len(groups))}, {"Overdue", fmt.Sprint(overdue)}}
	m.List = cut(digestLines(groups), listed)
	m.Notes = []string{"trueup exceptions groups"}
	return plan{do: post, message: m}, nil
}

// digestLines has a line for each kind of each sync, the largest first.
func digestLines(groups []store.Group) []string {
	type row struct {
		sync      string
		kind      status.Kind
		customers int
		groups    int
		oldest    time.Time
	}
	var rows []row
	for _, g := range groups {
		i := slices.IndexFunc(rows, func(r row) bool { return r.sync == g.Sync && r.kind == g.Kind })
		if i < 0 {
			rows = append(rows, row{sync: g.Sync, kind: g.Kind, oldest: g.Oldest})
			i = len(rows) - 1
		}
		rows[i].customers += g.Customers
		rows[i].groups++
		if g.Oldest.Before(rows[i].oldest) {
			rows[i].oldest = g.Oldest
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(b.customers, a.customers) })
	var lines []string
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%s: %s, %d open in %s, the oldest since %s", r.sync, reason.KindNames[r.kind], r.customers, status.Plural(r.groups, "group"), stamp(r.oldest)))
	}
	return lines
}

// cut leaves most of the lines away that are too many, and says so.
func cut(lines []string, most int) []string {
	if len(lines) <= most {
		return lines
	}
	return append(slices.Clone(lines[:most-1]), fmt.Sprintf("and %d more", len(lines)-most+1))
}

// span is a time as people say it: in its two largest units.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh %dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm %ds", minutes, seconds)
	}
	return fmt.Sprintf("%ds", seconds)
}
