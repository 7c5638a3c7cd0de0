package notify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/exceptions"
	persons "github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// shown is how many customers of a group a message names.
	shown = 6
	// noted is how many things people did it names.
	noted = 3
	// lookFor is for how long what a person did may have yet to show.
	lookFor = 10 * time.Minute
)

// plan is what a notice comes to now.
type plan struct {
	do      deed
	message Message
	open    int
	// again: what people did has yet to show, look in a while.
	again bool
	// recovered: it is worth a message of its own that it is over.
	recovered bool
}

// deed is what to do with a message.
type deed int

const (
	nothing deed = iota
	post
	update
)

// composer puts into words what is to be told.
type composer struct {
	Options
	updates bool
}

// plan puts a notice into words, and leaves out what is not wanted.
func (c composer) plan(ctx context.Context, n store.Notice) (plan, error) {
	p, err := c.words(ctx, n)
	p.message.About.At, p.message.About.Sync = n.Began, n.Sync
	if err == nil && p.do != nothing && c.Wants != nil && !c.Wants(p.message.About.Event) {
		p.do = nothing
	}
	return p, err
}

func (c composer) words(ctx context.Context, n store.Notice) (plan, error) {
	if c.EveryAlarm {
		switch n.What {
		case store.RecoveredNotice, store.SilentNotice, store.HeardNotice:
			return plan{}, nil // the alarm says so
		}
	}
	switch n.What {
	case store.GroupNotice:
		return c.group(ctx, n)
	case store.ReminderNotice:
		return c.reminder(ctx, n)
	case store.RecoveredNotice:
		return c.recovered(ctx, n)
	case store.SilentNotice, store.HeardNotice:
		return c.silence(ctx, n)
	case store.DigestNotice:
		return c.digest(ctx, n)
	case store.FloodNotice:
		return c.flood(ctx, n)
	case store.FileNotice:
		return c.file(ctx, n)
	case store.AlarmNotice:
		return c.alarm(ctx, n)
	}
	return plan{}, nil
}

// wholeSync are kinds that say how a sync itself fares: that one of them is
// over is told, however short it was.
func wholeSync(kind status.Kind) bool {
	return kind == status.ConnectionFailed || kind == status.MassChange
}

// group tells of the exceptions of one cause.
func (c composer) group(ctx context.Context, n store.Notice) (plan, error) {
	g, err := c.Store.GroupState(ctx, n.Sync, n.Kind, n.Cause, shown)
	if err != nil || len(g.Some) == 0 {
		return plan{}, err
	}
	p := plan{do: c.groupDeed(n, g), open: g.Open}
	if p.do == nothing {
		return p, nil
	}
	p.recovered = p.do == update && wholeSync(n.Kind) && n.Open > 0 && g.Open == 0 && g.Ignored == 0
	p.message, p.again, err = c.groupMessage(ctx, n, g)
	return p, err
}

// groupDeed: a message is posted when something opens that none of ours shows as
// open, and else kept up to date. Without updates people are told when it opens
// and when it is over.
func (c composer) groupDeed(n store.Notice, g store.GroupState) deed {
	fresh := g.Open > 0 && g.Newest.After(n.Told)
	switch {
	case fresh && n.Open == 0:
		return post
	case n.Place != "" && c.updates:
		return update
	case fresh && c.updates: // it was folded into a flood
		return post
	case !c.updates && n.Open > 0 && g.Open == 0,
		n.Told.IsZero() && g.Open == 0 && wholeSync(n.Kind):
		return post
	}
	return nothing
}

func (c composer) groupMessage(ctx context.Context, n store.Notice, g store.GroupState) (m Message, again bool, err error) {
	lead := g.Some[0]
	history, err := c.Store.Actions(ctx, lead.ID)
	if err != nil {
		return m, false, err
	}
	m = Message{Icon: groupIcon(g), Title: c.groupTitle(n, g), Text: Mask(why(lead)), About: About{Event: config.ExceptionsOpened, Kind: n.Kind}}
	if g.Open == 0 {
		m.About.Event = config.ExceptionsClosed
	}
	fact := func(name, value string) {
		if value != "" {
			m.Facts = append(m.Facts, Fact{name, Mask(value)})
		}
	}
	fact("State", groupState(g))
	if total := g.Open + g.Ignored + g.Resolved; total == 1 {
		fact("Customer", lead.Customer)
		fact("Target value", lead.TargetValue)
	} else {
		fact("In common", n.Cause)
		for _, x := range g.Some {
			m.List = append(m.List, Mask(customerLine(x)))
		}
		if total > len(g.Some) {
			m.List = append(m.List, fmt.Sprintf("and %d more", total-len(g.Some)))
		}
	}
	m.Facts = append(m.Facts, happened(g.Some)...)
	if lead.Owner != "" {
		m.Owner = people(c.People).person(lead.Owner)
	}
	if m.Notes, err = c.notes(ctx, lead, history); err != nil {
		return m, false, err
	}
	m.Notes = append(m.Notes, about(lead.ID))
	c.links(&m, n.Kind)
	m.Buttons, again = c.buttons(g, lead, history, n.Claimed.Add(-lookFor))
	return m, again, nil
}

// why says the reason, and what can be done about it.
func why(x store.Exception) string {
	if advice := x.Reason.Advice(); advice != "" {
		return reason.TextReason.With(x.Reason.Sentence(), advice)
	}
	return x.Reason.Sentence()
}

// happened says of each message about exceptions what the source said, how far
// that got, and what was done last; of several, what those that it names have.
func happened(some []store.Exception) []Fact {
	var said, stages, acts []string
	add := func(all *[]string, value string) {
		if value != "" && !slices.Contains(*all, value) {
			*all = append(*all, value)
		}
	}
	for _, x := range some {
		if x.Customer != "" {
			add(&said, cmp.Or(x.SourceValue, "no value"))
		}
		add(&stages, reason.Stages[x.Stage])
		add(&acts, x.LastAction)
	}
	var facts []Fact
	for _, f := range []struct {
		name   string
		values []string
	}{{"Source value", said}, {"Stage", stages}, {"Last action", acts}} {
		if len(f.values) > 0 {
			facts = append(facts, Fact{f.name, Mask(strings.Join(f.values, "; "))})
		}
	}
	return facts
}

func (c composer) groupTitle(n store.Notice, g store.GroupState) string {
	switch total := g.Open + g.Ignored + g.Resolved; {
	case total == 1:
		return reason.TitleGroup.With(reason.KindNames[n.Kind], n.Sync)
	case g.Open > 0:
		return reason.TitleCustomers.With(reason.KindNames[n.Kind], n.Sync, status.Plural(g.Open, "customer"))
	default:
		return reason.TitleCustomers.With(reason.KindNames[n.Kind], n.Sync, status.Plural(total, "customer"))
	}
}

func groupIcon(g store.GroupState) Icon {
	switch {
	case g.Open > g.Acknowledged:
		return Alarm
	case g.Open > 0:
		return Seen
	case g.Ignored > 0:
		return Muted
	}
	return Done
}

func groupState(g store.GroupState) string {
	switch {
	case g.Open > 0 && g.Acknowledged == 0:
		return "open since " + stamp(g.Oldest)
	case g.Open > 0 && g.Acknowledged < g.Open:
		return fmt.Sprintf("%d open, %d of them acknowledged, since %s", g.Open, g.Acknowledged, stamp(g.Oldest))
	case g.Open > 0:
		return "acknowledged, open since " + stamp(g.Oldest)
	case g.Ignored > 0:
		return "ignored"
	}
	return "resolved"
}

func customerLine(x store.Exception) string {
	line := cmp.Or(x.Customer, "the whole sync")
	if x.SourceValue != "" {
		line += ", source: " + x.SourceValue
	}
	if x.TargetValue != "" {
		line += ", target: " + x.TargetValue
	}
	return line
}

// notes are the last things that people did about an exception since it opened.
func (c composer) notes(ctx context.Context, x store.Exception, history []store.Action) (notes []string, err error) {
	whos := make([]string, len(history))
	for i, a := range history {
		whos[i] = a.Who
	}
	names, err := persons.Names(ctx, c.Store, c.People, whos)
	if err != nil {
		return nil, err
	}
	for _, a := range history {
		words, person := reason.Offers[reason.Verb(a.Verb)]
		if !person || a.At.Before(x.OpenedAt) {
			continue
		}
		text := words.Done
		switch owner, assigned := strings.CutPrefix(a.Note, "to "); {
		case assigned && a.Verb == string(store.Assign):
			text += " to " + people(c.People).person(owner).Name
		case a.Note != "":
			text += " " + Mask(a.Note)
		}
		notes = append(notes, fmt.Sprintf("%s by %s, %s", text, Mask(cmp.Or(names[a.Who], people(c.People).person(a.Who).Name)), stamp(a.At)))
	}
	if len(notes) > noted {
		notes = notes[len(notes)-noted:]
	}
	return notes, nil
}

// buttons are what can be done with one click: what the kind offers, less what
// was done lately and has yet to show. again says that something was.
func (c composer) buttons(g store.GroupState, x store.Exception, history []store.Action, lately time.Time) (all []Button, again bool) {
	used := map[store.Verb]bool{}
	for _, a := range history {
		if !a.At.Before(x.LastSeen) && a.At.After(lately) {
			used[store.Verb(a.Verb)] = true
		}
	}
	decided := used[store.UseSource] || used[store.KeepTarget]
	again = g.Open > 0 && (used[store.Retry] || decided)
	if !c.Buttons || g.Open == 0 {
		return nil, again
	}
	decides := g.Open == 1 && x.Customer != "" && !decided
	may := map[store.Verb]bool{
		store.Acknowledge: g.Acknowledged < g.Open,
		store.Assign:      !x.Assigned,
		store.Retry:       x.Customer != "" && !used[store.Retry] && !decided,
		store.UseSource:   decides,
		store.KeepTarget:  decides,
	}
	offers := exceptions.OfKind(x.Kind)
	for _, verb := range []store.Verb{store.UseSource, store.KeepTarget, store.Retry, store.Acknowledge, store.Assign} {
		i := slices.IndexFunc(offers, func(o exceptions.Offer) bool { return o.Verb == verb })
		if i < 0 || !may[verb] {
			continue
		}
		v := value{Exception: x.ID}
		if verb == store.UseSource || verb == store.KeepTarget {
			v.Seen = valuesOf(x)
		}
		b := Button{Verb: verb, Label: offers[i].Label, Value: v.text()}
		sync, configured := c.Syncs[x.Sync]
		switch {
		case verb == store.Assign:
			b.Label = string(reason.LabelAssignToMe)
		case verb == store.UseSource && configured:
			b.Label = reason.LabelUseSource.With(sync.Source.Connection)
		case verb == store.KeepTarget && configured:
			b.Label = reason.LabelKeepTarget.With(sync.Target.Connection)
		}
		switch verb {
		case store.UseSource:
			b.Confirm = reason.AskUseSource.With(Mask(cmp.Or(x.SourceValue, "the source's value")), Mask(cmp.Or(x.TargetValue, "the empty field")))
		case store.KeepTarget:
			b.Confirm = reason.AskKeepTarget.With(Mask(cmp.Or(x.TargetValue, "the empty field")))
		}
		all = append(all, b)
	}
	return all, again
}

// about says where to read more.
func about(id int64) string { return fmt.Sprintf("what you can do: trueup exceptions show %d", id) }

// links lead to what the kind means and what to do, and to the service.
func (c composer) links(m *Message, kind status.Kind) {
	m.Notes = append(m.Notes, reason.NoteProgramsKind.With(kind))
	if c.Home == "" {
		m.Notes = append(m.Notes, fmt.Sprintf("what it means: docs/exceptions/%s.md", kind))
		return
	}
	m.Links = append(m.Links, Link{string(reason.LabelMeaning), strings.TrimSuffix(c.Home, "/") + "/help/" + string(kind)})
	c.home(m)
}

func (c composer) home(m *Message) {
	if c.Home != "" {
		m.Links = append(m.Links, Link{string(reason.LabelOpenTrueup), c.Home})
	}
}

// stamp is a time as messages show it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// hash tells whether a message says anything new.
func (m Message) hash() string {
	text, err := json.Marshal(m)
	if err != nil {
		return "" // texts and numbers always marshal; "" equals no other
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
