package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// Poll is how far asking the source for its changes is.
type Poll struct {
	From    *time.Time   `json:"from" doc:"Changes from this time on are asked for, by the source's clock; null for the first time, and where its position has no time."`
	Reading *Listing     `json:"reading,omitempty" doc:"The list that is read page by page now; left out when none is."`
	Last    *Listing     `json:"last,omitempty" doc:"The last list that was read to its end."`
	Stopped *PollStopped `json:"stopped,omitempty" doc:"Why the last attempt read no further; left out when it did."`
}

// Listing is a list of changes that is read page by page.
type Listing struct {
	Began   *time.Time `json:"began" doc:"When its first page was asked for."`
	Ended   *time.Time `json:"ended" doc:"When its last page was read; null while it is read."`
	Pages   int        `json:"pages" doc:"Pages that were read."`
	Records int        `json:"records" doc:"Records on them, also those that had not changed."`
	Changes int        `json:"changes" doc:"Events that they brought and that were not stored already."`
}

// PollStopped is why a list is not read on.
type PollStopped struct {
	By    string     `json:"by" enum:"transient,rate_limited,unauthorized,refused,gone,moved,misconfigured" doc:"rate_limited: the source's limit, or the connection's rate_limit; an exception opens only if that lasts for an hour."`
	At    *time.Time `json:"at"`
	Until *time.Time `json:"until" doc:"When it continues."`
}

// PollOf converts how far asking is, nil when nobody has asked yet.
func PollOf(p store.Poll) *Poll {
	if p == (store.Poll{}) {
		return nil
	}
	out := &Poll{From: Stamp(p.From)}
	if p.UnderWay {
		out.Reading = listingOf(p.Reading)
	}
	if !p.Last.Ended.IsZero() {
		out.Last = listingOf(p.Last)
	}
	if !p.Stopped.At.IsZero() {
		out.Stopped = &PollStopped{By: p.Stopped.By, At: Stamp(p.Stopped.At), Until: Stamp(p.Stopped.Until)}
	}
	return out
}

func listingOf(l store.Listing) *Listing {
	return &Listing{Began: Stamp(l.Began), Ended: Stamp(l.Ended), Pages: l.Pages, Records: l.Records, Changes: l.Changes}
}

// Teller tells times and numbers the way that a page or a command does.
type Teller struct {
	Since func(time.Time) string // since when something lasts
	Ago   func(time.Time) string // how long it is over
	Date  func(time.Time) string // a moment
	Until func(time.Time) string // when it happens
	Num   func(int) string
}

func (t Teller) counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return t.Num(n) + " " + noun
}

// Texts says it in words, one sentence for each part.
func (p *Poll) Texts(source string, t Teller) []string {
	if p == nil {
		return nil
	}
	said := reason.Poll{Source: source}
	if p.From != nil {
		said.From = t.Date(*p.From)
	}
	if r := p.Reading; r != nil {
		said.Reading = t.listing(r, t.Since(*r.Began))
	}
	if l := p.Last; l != nil {
		said.Last = t.listing(l, t.Ago(*l.Ended))
	}
	if s := p.Stopped; s != nil {
		said.Stopped, said.By, said.Until = t.Ago(*s.At), s.By, t.Until(*s.Until)
		if p.Reading != nil {
			said.NextPage = t.Num(p.Reading.Pages + 1)
		}
	}
	return said.Sentences()
}

func (t Teller) listing(l *Listing, when string) *reason.Listing {
	out := &reason.Listing{When: when}
	if l.Pages > 0 {
		out.Records, out.Pages, out.Changes = t.counted(l.Records, "record"), t.counted(l.Pages, "page"), t.counted(l.Changes, "change")
	}
	return out
}
