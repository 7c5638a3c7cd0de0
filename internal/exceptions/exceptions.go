// Package exceptions is what people do about what could not be carried: what
// each kind offers, and the one way in which a command, the API and a button
// in Slack do it.
//
// Main types: Offer, Request and Desk. Main functions: Offers, InFull, Desk.Do
// and Desk.DoGroup.
//
// Invariants: what a kind does not offer is refused; an owner decides only on
// what he was shown; a repeated request changes nothing; every change is noted
// with who made it.
//
// It may import internal/status, internal/store and internal/contract, and no
// connector.
package exceptions

import (
	"slices"

	"trueup/internal/status"
	"trueup/internal/store"
)

// Offer is something that can be done about an exception.
type Offer struct {
	Verb store.Verb
	// Label is what a button says, Does what it means.
	Label, Does string
}

// always are offered for every kind.
var always = []Offer{
	{store.Acknowledge, "Acknowledge", "say that you look at it"},
	{store.Assign, "Assign", "give it to an owner"},
	{store.Ignore, "Ignore", "hide it until the source changes, or for ever"},
	{store.Resolve, "Resolve", "close it, whatever the tools say; a relapse opens it again"},
	{store.Reopen, "Reopen", "open it again"},
}

var (
	retry  = Offer{store.Retry, "Retry", "look at the customer again, now"}
	ours   = Offer{store.ApplyOurs, "Apply ours", "write what the source says over what the target holds"}
	theirs = Offer{store.KeepTheirs, "Keep theirs", "leave what the target holds, until the source changes or for a time"}
	link   = Offer{store.LinkTo, "Link", "say which record of the target the customer is"}
	anew   = Offer{store.Rematch, "Rematch", "forget the link and try the match rules anew"}
)

// special are offered first, by kind.
var special = map[status.Kind][]Offer{
	status.Unmatched:        {link, retry},
	status.AmbiguousMatch:   {link, retry},
	status.LowConfidence:    {link, retry},
	status.DuplicateLink:    {link, retry},
	status.UnmappedStatus:   {retry},
	status.Conflict:         {ours, theirs, retry},
	status.FirstContact:     {ours, theirs, retry},
	status.BrokenLink:       {anew, link, retry},
	status.WriteFailed:      {retry},
	status.NeverSticks:      {retry},
	status.ConnectionFailed: {retry},
	status.LoopSuspected:    {retry},
}

// Offers returns what can be done about exceptions of a kind, the most useful
// first.
func Offers(kind status.Kind) []Offer { return slices.Concat(special[kind], always) }

// offered reports whether a kind offers a verb.
func offered(kind status.Kind, verb store.Verb) bool {
	return slices.ContainsFunc(Offers(kind), func(o Offer) bool { return o.Verb == verb })
}
