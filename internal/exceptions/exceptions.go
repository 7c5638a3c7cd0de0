// Package exceptions is what people do about customers that could not be synced: what
// each kind offers, and the one way in which a command, the API and a button
// in Slack do it.
//
// Main types: Offer, Request and Actions. Main functions: Offers, OfKind, InFull,
// Resume, Actions.Do and Actions.DoGroup.
//
// Invariants: what a kind does not offer is refused; an owner decides only on
// what they were shown; a repeated request changes nothing; every change is noted
// with who made it.
//
// It may import internal/status, reason, store and contract, and no connector.
package exceptions

import (
	"slices"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Offer is something that can be done about an exception.
type Offer struct {
	Verb store.Verb
	// Label is the text of a button, Does what it means.
	Label, Does string
}

// Command is the name of a verb at the command line: trueup exceptions NAME. The
// API and the database keep the shorter words, which came first.
func Command(verb store.Verb) string {
	switch verb {
	case store.UseSource:
		return "use-source"
	case store.KeepTarget:
		return "keep-target"
	}
	return string(verb)
}

// in is an offer in the words of the catalogue.
func in(verb store.Verb) Offer {
	words := reason.Offers[reason.Verb(verb)]
	return Offer{Verb: verb, Label: words.Label, Does: words.Does}
}

// always are offered for every kind.
var always = []Offer{in(store.Acknowledge), in(store.Assign), in(store.Ignore), in(store.Resolve), in(store.Reopen)}

var (
	retry      = in(store.Retry)
	useSource  = in(store.UseSource)
	keepTarget = in(store.KeepTarget)
	link       = in(store.LinkTo)
	rematch    = in(store.Rematch)
	resume     = in(store.ResumeSync)
)

// special are offered first, by kind.
var special = map[status.Kind][]Offer{
	status.Unmatched:        {link, retry},
	status.AmbiguousMatch:   {link, retry},
	status.LowConfidence:    {link, retry},
	status.DuplicateLink:    {link, retry},
	status.UnmappedStatus:   {retry},
	status.Conflict:         {useSource, keepTarget, retry},
	status.FirstContact:     {useSource, keepTarget, retry},
	status.ConfirmChange:    {useSource, keepTarget, retry},
	status.BrokenLink:       {rematch, link, retry},
	status.WriteFailed:      {retry},
	status.NeverSticks:      {retry},
	status.ConnectionFailed: {retry},
	status.LoopSuspected:    {retry},
	status.MassChange:       {resume},
}

// meaning is offered, but not done by Actions: it edits trueup.yaml, see mapchange.
var meaning = in(store.MapTo)

// OfKind returns what Actions does about exceptions of a kind, the most useful
// first.
func OfKind(kind status.Kind) []Offer {
	offers := slices.Concat(special[kind], always)
	if kind == status.MassChange { // closed while the sync stays halted, it would hide the halt
		offers = slices.DeleteFunc(offers, func(o Offer) bool { return o.Verb == store.Resolve || o.Verb == store.Reopen })
	}
	return offers
}

// Offers returns what makes sense about one exception as it is now, the most
// useful first. Actions does the rest as well, when asked.
func Offers(x store.Exception) []Offer {
	var all []Offer
	if x.Kind == status.UnmappedStatus && x.State != status.Resolved {
		all = append(all, meaning)
	}
	for _, o := range OfKind(x.Kind) {
		if sensible(x, o.Verb) {
			all = append(all, o)
		}
	}
	return all
}

// sensible reports whether a verb would change anything in this state.
func sensible(x store.Exception, verb store.Verb) bool {
	switch {
	case verb == store.Reopen:
		return x.State == status.Resolved || x.State == status.StateIgnored
	case (verb == store.Rematch || verb == store.LinkTo) && x.Reason.Has(reason.CustomerGone):
		return false // the source has no such customer: no link mends that
	case x.State == status.Resolved:
		return false // nothing is left to do; a relapse opens it again
	case verb == store.ResumeSync:
		return true
	case verb == store.Acknowledge:
		return x.State != status.Acknowledged
	case verb == store.Ignore:
		return x.State != status.StateIgnored
	}
	return x.Customer != "" || slices.ContainsFunc(always, func(o Offer) bool { return o.Verb == verb })
}

// offered reports whether a kind offers a verb.
func offered(kind status.Kind, verb store.Verb) bool {
	return slices.ContainsFunc(OfKind(kind), func(o Offer) bool { return o.Verb == verb })
}
