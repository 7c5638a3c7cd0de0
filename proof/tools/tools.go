// Package tools says what is proved of each tool that has a page of its own: what
// becomes of a customer in each situation, by the tool's example as it is printed.
//
// Main variables: Targets and Situations. internal/app's TestWhatEachToolDoes makes
// each cell happen and compares it with what stands here; Markdown is the table of it
// for docs/connectors/README.md. It imports nothing of ours.
package tools

import (
	"fmt"
	"strings"
)

// Result is what becomes of a customer.
type Result string

// The results, in the words of the table.
const (
	Carried   Result = "carried"
	Kept      Result = "kept, you are asked"
	Asked     Result = "you are asked"
	NotSent   Result = "not sent, you are asked"
	Refused   Result = "the tool refuses, you are asked"
	NotShown  Result = "not shown after the write, you are asked"
	Waited    Result = "waits, then written once"
	LinkMoves Result = "the link moves"
	Renewed   Result = "renewed, carried"
	Told      Result = "you are told; carried when it works again"
	EachOnce  Result = "each found, none twice"
	None      Result = "—"
)

// Situation is one column.
type Situation string

// The situations.
const (
	Change    Situation = "a change"
	Edit      Situation = "a person's newer edit"
	Unmatched Situation = "no such record"
	Option    Situation = "an option that is gone"
	Limit     Situation = "a limit is reached"
	Gone      Situation = "a deleted record"
	Merged    Situation = "a merged record"
	Token     Situation = "the credentials end"
	Poll      Situation = "a poll that is interrupted three times"
)

// Situations are the columns in their order.
var Situations = []Situation{Change, Edit, Unmatched, Option, Limit, Gone, Merged, Token, Poll}

// Tool is one row.
type Tool struct {
	Name, Title string
	// Option, Merged and Token are what differs between the tools.
	Option, Merged, Token Result
}

// Targets are the tools that follow.
var Targets = []Tool{
	{"activecampaign", "ActiveCampaign", NotShown, Asked, Told},
	{"airtable", "Airtable", Refused, None, Told},
	{"hubspot", "HubSpot", NotSent, LinkMoves, Told},
	{"intercom", "Intercom", Refused, Asked, Told},
	{"notion", "Notion", NotSent, None, Told},
	{"pipedrive", "Pipedrive", NotSent, Asked, Told},
	{"salesforce", "Salesforce", NotSent, Asked, Renewed},
	{"zendesk", "Zendesk", Refused, Asked, Told},
}

// In is what becomes of a customer of the tool in a situation.
func (t Tool) In(s Situation) Result {
	switch s {
	case Change:
		return Carried
	case Edit:
		return Kept
	case Unmatched, Gone:
		return Asked
	case Option:
		return t.Option
	case Limit:
		return Waited
	case Merged:
		return t.Merged
	case Token:
		return t.Token
	}
	return EachOnce
}

// Markdown is the table.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| the tool follows |")
	for _, s := range Situations {
		fmt.Fprintf(&b, " %s |", s)
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(Situations)+1) + "\n")
	for _, t := range Targets {
		fmt.Fprintf(&b, "| [%s](%s.md) |", t.Title, t.Name)
		for _, s := range Situations {
			fmt.Fprintf(&b, " %s |", t.In(s))
		}
		b.WriteString("\n")
	}
	return b.String()
}
