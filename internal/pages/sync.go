package pages

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// syncPage is one sync: how far it is, what its values mean, and what guards it.
type syncPage struct {
	Name           string
	Sync           contract.Sync
	Source, Target string
	Mode           modeWord
	May            bool // operate
	MayGoLive      bool
	Steps          []ladderStep
	Next           *nextStep
	Watched        []watchedRow
	WatchedMore    string // the cursor of what is not shown
	SeenAt         *time.Time
	Map            []mapRow
	Foreign        []contract.TargetWord
	Match          []rung
	Limits         []limitRow
	Promises       []promise
	Schedule       []fact
	File           FileInUse
	SetAside       []string // at the last comparison
	// CountedAt is as of when the links were counted, nil for now; Counting says that
	// they are being counted for the first time.
	CountedAt *time.Time
	Counting  bool
}

// mapRow is what one value of the source means.
type mapRow struct {
	contract.SourceWord
	Gap     bool
	Give    string // where the value is given a meaning
	Records string // how many records of the target hold what is written for it
	Again   bool   // another row has told that
	Line    int    // where the file has it, 0 where it has not
	// Lacks says that the target's field had no option for it at the last full
	// comparison, Has, on the first row of it, that it had.
	Has, Lacks bool
}

// rung is one way in which records are found.
type rung struct {
	Text, Code, Is, Note, To string
	Links                    int
	Width                    string
	// Counting says that Links is not known yet.
	Counting bool
}

// limitRow is one limit and how far it is used up.
type limitRow struct{ Text, Used, Width, Note string }

// promise is what this pair of tools can promise, or promise less.
type promise struct {
	Good        bool
	Title, Text string
}

type fact struct{ Name, Text string }

// watchedRow is one write that was not made, in words.
type watchedRow struct {
	contract.WatchedWrite
	Was, Will chip
	Icon      string
	Class     string
	Did       string
}

// watchedShown is how many of them the page has.
const watchedShown = 20

// showSync answers GET /syncs/{sync}.
func showSync(v *visit) (answer, error) {
	p, err := syncPageOf(v)
	if err != nil {
		return answer{}, err
	}
	return answer{Page: "sync", Title: p.Name, Nav: "sync:" + p.Name, Data: p, Live: []part{{"match", "match", p}, {"limits", "limits", p}, {"schedule", "schedule", p}}}, nil
}

func syncPageOf(v *visit) (syncPage, error) {
	name, c, err := v.syncOf()
	if err != nil {
		return syncPage{}, err
	}
	p := syncPage{Name: name, Source: capital(c.Source.Connection), Target: capital(c.Target.Connection), May: v.may(store.Operator), MayGoLive: v.may(store.Admin)}
	if p.Sync, err = overview.Sync(v.ctx(), v.Store, name, c); err != nil {
		return p, err
	}
	v.namePeople(&p.Sync)
	p.Mode = modeOf(p.Sync.Mode, p.Sync.Halted != nil, p.Sync.Paused != nil)
	if err := p.steps(v); err != nil {
		return p, err
	}
	if err := p.watched(v, c); err != nil {
		return p, err
	}
	if err := p.words(v, c); err != nil {
		return p, err
	}
	details, err := overview.Details(v.ctx(), v.Store, name, c, v.Promises(name))
	if err != nil {
		return p, err
	}
	if len(p.Sync.Sweeps) > 0 {
		p.SetAside = p.Sync.Sweeps[0].SetAside.Texts(p.Source, p.Target)
	}
	p.CountedAt, p.Counting = details.CountedAt, details.Counting
	p.match(c, details.Links)
	p.limits(details.Limits)
	p.promises(details.Promises)
	p.schedule(c, details.Promises.Late)
	p.asking(v)
	p.File = v.File(name)
	if !p.May { // it names people, tools and accounts
		p.File.Lines = nil
	}
	return p, nil
}

// watched lists what watching would have written.
func (p *syncPage) watched(v *visit, c config.Sync) error {
	rows, err := overview.Watched(v.ctx(), v.Store, c, store.WatchedFilter{Sync: p.Name, Before: beforeOf(v)}, watchedShown+1)
	if err != nil {
		return err
	}
	if len(rows) > watchedShown {
		rows = rows[:watchedShown]
		p.WatchedMore = fmt.Sprint(rows[watchedShown-1].ID)
	}
	words := overview.Words(c)
	for _, one := range rows {
		w := watchedRow{WatchedWrite: contract.WatchedWriteOf(one), Was: chipOf(words.Target(one.Before), one.Before), Will: chipOf(words.Target(one.After), one.After)}
		switch one.Verdict {
		case store.NotYet:
			w.Icon, w.Class, w.Did = "open", "quiet", "Nothing yet"
		case store.DidTheSame:
			w.Icon, w.Did = "ok", "The same, "+length(one.Ended.Sub(one.At))+" later"
		case store.DidOtherwise:
			w.Icon, w.Class, w.Did = "alert", "warn", "Something else: "+cmp.Or(one.Found, "emptied it")
		case store.SourceChanged:
			w.Icon, w.Class, w.Did = "open", "quiet", p.Source+" changed first"
		}
		p.Watched = append(p.Watched, w)
	}
	return nil
}

// beforeOf is the cursor of an address, 0 for the first page.
func beforeOf(v *visit) (before int64) {
	fmt.Sscan(v.FormValue("before"), &before)
	return max(0, before)
}

// words are what the values of both sides mean, gaps first.
func (p *syncPage) words(v *visit, c config.Sync) error {
	vocabulary, err := overview.Vocabulary(v.ctx(), v.Store, p.Name, c, overview.Options{})
	if err != nil {
		return err
	}
	p.SeenAt = vocabulary.SeenAt
	causes, err := v.Store.Causes(v.ctx(), store.ExceptionFilter{Sync: p.Name, Kind: status.UnmappedStatus, States: store.NeedPerson}, store.Cause{}, 200)
	if err != nil {
		return err
	}
	give := map[string]string{}
	for _, cause := range causes {
		give[cause.Cause] = fmt.Sprintf("/exceptions/%d", cause.Latest)
	}
	records := map[string]int{}
	for _, w := range vocabulary.Target {
		records[w.Value] = w.Records
		if w.Meaning != contract.WordMapped {
			p.Foreign = append(p.Foreign, w)
		}
	}
	missing, listed, err := v.missingOptions(p.Name)
	if err != nil {
		return err
	}
	lines := linesOf(v, p.Name, c)
	shown := map[string]bool{}
	rows := vocabulary.Source
	known := map[string]bool{}
	for _, w := range rows {
		known[w.Value] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Statuses)) { // also what nobody has
		for _, from := range c.Statuses[name].From {
			if !known[from] {
				rows = append(rows, contract.SourceWord{Value: from, Meaning: contract.WordMapped, Status: name, To: c.Statuses[name].To})
			}
		}
	}
	for _, from := range c.Ignore {
		if !known[from] {
			rows = append(rows, contract.SourceWord{Value: from, Meaning: contract.WordIgnored})
		}
	}
	for _, w := range rows {
		r := mapRow{SourceWord: w, Gap: w.Meaning == contract.WordUnknown, Line: lines[w.Value]}
		if w.To != "" && listed && p.SeenAt != nil {
			r.Lacks = slices.Contains(missing, w.To)
			r.Has = !r.Lacks && !shown[w.To]
		}
		if r.Gap {
			r.Give = cmp.Or(give[w.Value], "/exceptions?sync="+url.QueryEscape(p.Name)+"&kind="+string(status.UnmappedStatus))
		}
		if w.To != "" && p.SeenAt != nil {
			r.Again = shown[w.To]
			r.Records, shown[w.To] = num(records[w.To]), true
		}
		p.Map = append(p.Map, r)
	}
	slices.SortStableFunc(p.Map, func(a, b mapRow) int { return rank(a) - rank(b) })
	return nil
}

// missingOptions are the words of a sync for which its target's field had no option
// when both sides were compared the last time; listed says that the tool lists them.
func (v *visit) missingOptions(sync string) (missing []string, listed bool, err error) {
	if !v.Promises(sync).Target.OptionList {
		return nil, false, nil
	}
	found, err := v.Store.Exceptions(v.ctx(), store.ExceptionFilter{Sync: sync, Kind: status.WriteFailed, Cause: store.OptionsOfField,
		States: []status.State{status.Open, status.Acknowledged, status.StateIgnored}, Limit: 1})
	for _, x := range found {
		if x.Reason.Code == reason.OptionsMissing {
			missing = x.Reason.Facts.Missing
		}
	}
	return missing, true, err
}

// linesOf are the lines of the file on which it says what a value means.
func linesOf(v *visit, sync string, c config.Sync) map[string]int {
	lines := map[string]int{}
	for name, s := range c.Statuses {
		for i, from := range s.From {
			lines[from] = v.Line(fmt.Sprintf("syncs.%s.statuses.%s.from[%d]", sync, name, i))
		}
	}
	for i, from := range c.Ignore {
		lines[from] = v.Line(fmt.Sprintf("syncs.%s.ignore[%d]", sync, i))
	}
	return lines
}

// rank puts gaps first, and what is ignored last.
func rank(r mapRow) int {
	return map[string]int{contract.WordUnknown: 0, contract.WordMapped: 1, contract.WordIgnored: 2}[r.Meaning]
}

// match are the ways in which records are found, and those that were not.
func (p *syncPage) match(c config.Sync, links []contract.LinksByRule) {
	count := map[string]int{}
	for _, l := range links {
		count[l.Rule] = l.Links
	}
	for _, r := range c.MatchRules() {
		is := "is " + r.Target + " in " + p.Target
		if r.Target == "id" {
			is = "is the record’s id"
		}
		p.Match = append(p.Match, rung{Code: r.Source, Is: is, Note: strings.TrimSpace(fmt.Sprintf("confidence %g", r.Confidence)), Links: count[r.String()]})
		delete(count, r.String())
	}
	if people := count["set"] + count["a person"]; people > 0 {
		p.Match = append(p.Match, rung{Text: "Set by a person", Note: "confidence 1", Links: people})
		delete(count, "set")
		delete(count, "a person")
	}
	for _, rule := range slices.Sorted(maps.Keys(count)) {
		p.Match = append(p.Match, rung{Text: "By " + rule, Note: "not a rule of the file", Links: count[rule]})
	}
	for kind, text := range map[status.Kind]string{status.Unmatched: "No record found", status.AmbiguousMatch: "More than one record"} {
		if n := p.Sync.OpenExceptions[kind]; n > 0 {
			p.Match = append(p.Match, rung{Text: text, To: "/exceptions?sync=" + url.QueryEscape(p.Name) + "&kind=" + string(kind), Note: "nothing is written", Links: n})
		}
	}
	for i, r := range p.Match {
		p.Match[i].Counting = p.Counting && r.To == ""
	}
	all := 0
	for _, r := range p.Match {
		all += r.Links
	}
	for i, r := range p.Match {
		p.Match[i].Width = fmt.Sprintf("%.1f", 100*float64(r.Links)/float64(max(1, all)))
	}
}

func (p *syncPage) limits(l contract.Limits) {
	if m := l.MassChange; m != nil {
		var names []string
		for _, to := range m.To {
			names = append(names, capital(to))
		}
		row := limitRow{Text: "Customers moved to " + strings.Join(names, " or ") + " within " + length(seconds(m.Within)), Used: num(m.Moved) + " of " + num(m.Most), Width: widthOf(m.Moved, m.Most),
			Note: "One more than that halts the sync until someone resumes it."}
		if m.Most == 0 { // a share of customers who are being counted
			row.Used = num(m.Moved) + " so far"
		}
		if m.Percent > 0 {
			row.Note += " The limit is " + (&config.MassChange{Customers: m.Customers, Percent: m.Percent}).Limit() + "."
		}
		p.Limits = append(p.Limits, row)
	}
	if w := l.WritesPerCustomer; w != nil {
		p.Limits = append(p.Limits, limitRow{"Writes to one customer within " + length(seconds(w.Within)), "most: " + num(w.Busiest) + " of " + num(w.Most), widthOf(w.Busiest, w.Most), "More look like a loop. Only that customer is stopped."})
	}
}

func widthOf(part, whole int) string {
	return fmt.Sprintf("%.1f", min(100, 100*float64(part)/float64(max(1, whole))))
}

// promises says what the two tools' declarations mean.
func (p *syncPage) promises(k contract.Promises) {
	s, t := p.Source, p.Target
	say := func(good bool, title, text, weaker, because string) {
		if !good {
			title, text = weaker, because
		}
		if title != "" {
			p.Promises = append(p.Promises, promise{good, title, text})
		}
	}
	say(true, "Every change arrives once", "Events are stored before they are answered; repeats are dropped", "", "")
	say(k.Source.Order, "The order of changes is known", s+" gives each change its time", "The order of changes is that of their arrival", s+" gives changes no time. Trueup dates each by when it was received")
	say(k.Source.DeleteNotice, "A customer who is deleted is noticed at once", s+" announces it", "A customer who is deleted is noticed by the next full comparison", s+" does not announce it")
	say(k.Target.OptionList, "Wrong values are caught before a write", t+" lists what its field may hold", "Wrong values are caught when "+t+" refuses them", t+" does not list what its field may hold")
	say(k.Target.Actor, "Who edited last is known", "An editor nobody names is treated like a person", "Who edited last is not known", "Every edit that is not Trueup’s is treated like a person’s")
	say(k.Target.FieldTime, "When the status itself changed is known", t+" keeps a time for the field", "When the status itself changed is not known", t+" has at most one time for the whole record. When in doubt, Trueup leaves the edit and asks")
	say(k.Target.ConditionalWrite, "An edit in the instant between our read and our write is kept", t+" refuses a write to a record that has just changed", "An edit in the instant between our read and our write can be lost",
		t+" cannot refuse a write to a record that has just changed. The gap is one call")
	say(!k.Target.Unverified, "", "", "A write cannot be seen afterwards", t+"’s word that it was done has to do")
}

func (p *syncPage) schedule(c config.Sync, late string) {
	add := func(name, text string) { p.Schedule = append(p.Schedule, fact{name, text}) }
	if late != "" {
		add("Changes in "+p.Source, capital(late))
	}
	if c.Sweep == nil {
		add("Compare in full", "Not scheduled")
	} else {
		text := "Every " + each(c.Sweep.Every)
		if c.Sweep.Repair {
			text += ". Differences are looked at again"
		}
		add("Compare in full", text)
	}
	remind := "Never"
	if c.RemindAfter > 0 {
		remind = "After " + length(c.RemindAfter)
	}
	add("Remind owners", remind)
	var owners []string
	for _, kind := range slices.Sorted(maps.Keys(c.Owners)) {
		if kind != "default" {
			owners = append(owners, capital(strings.ReplaceAll(kind, "_", " "))+": "+c.Owners[kind])
		}
	}
	if all := c.Owners["default"]; all != "" {
		owners = append(owners, "All others: "+all)
	}
	add("Owners", cmp.Or(strings.Join(owners, ". "), "Nobody is named"))
}

// each is a time between two things: hour, 6 hours.
func each(d time.Duration) string { return strings.TrimPrefix(length(d), "1 ") }
