// Package tools says what is proved of each tool that has a page of its own: what
// becomes of a customer in each situation, by the tool's example as it is printed.
//
// Main variables: Targets, Sources and Situations. internal/app's TestWhatEachToolDoes
// and TestWhatEachToolThatDecidesDoes make each cell happen and compare it with what
// stands here; Markdown is the tables of it for docs/connectors/README.md. It imports
// nothing of ours.
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
	Retried   Result = "tried again until it works, written"
	LinkMoves Result = "the link moves"
	Renewed   Result = "renewed, carried"
	Told      Result = "you are told; carried when it works again"
	EachOnce  Result = "each found, none twice"
	Canceled  Result = "counts as canceled, carried"
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
	Unknown   Situation = "a value that is not in the file"
	Limit     Situation = "a limit is reached"
	Gone      Situation = "a deleted record"
	Merged    Situation = "a merged record"
	Token     Situation = "the credentials end"
	Poll      Situation = "a poll that is interrupted three times"
)

// Situations are the columns of the tools that follow, in their order.
var Situations = []Situation{Change, Edit, Unmatched, Option, Limit, Gone, Merged, Token, Poll}

// Deciding are the columns of the tools that decide.
var Deciding = []Situation{Change, Edit, Unmatched, Unknown, Limit, Gone, Merged, Token, Poll}

// Tool is one row.
type Tool struct {
	// Name tells the rows apart.
	Name, Title string
	Page        string // without .md
	// Differs is what is not as with most tools.
	Differs map[Situation]Result
	// Notes say why there is no result, or what a situation is like with this tool.
	Notes map[Situation]string
}

type (
	results = map[Situation]Result
	notes   = map[Situation]string
)

const (
	noMerge     = "The tool does not merge records."
	noRowsMerge = "Rows of a table are not merged."
	noCalls     = "A database limits connections, not calls: here none is free."
	allWords    = "The file has every status that the tool has."
	noneTells   = "No webhook tells of it, and a list does not have what is gone: a full comparison finds it."
	pollsPast   = "A poll does not see a row that is gone. With a `change_table` or `deleted_at` Trueup sees it, otherwise a full comparison does."
)

// table is what is otherwise with a table.
var table = notes{Limit: noCalls, Merged: noRowsMerge}

// Targets are the tools that follow.
var Targets = []Tool{
	{"activecampaign", "ActiveCampaign", "activecampaign", results{Option: NotShown}, nil},
	{"airtable", "Airtable", "airtable", results{Option: Refused}, notes{Merged: noMerge}},
	{"hubspot", "HubSpot", "hubspot", results{Merged: LinkMoves}, nil},
	{"intercom", "Intercom", "intercom", results{Option: Refused}, nil},
	{"notion", "Notion", "notion", nil, notes{Merged: noMerge}},
	{"pipedrive", "Pipedrive", "pipedrive", nil, nil},
	{"salesforce", "Salesforce", "salesforce", results{Token: Renewed}, nil},
	{"zendesk", "Zendesk", "zendesk", results{Option: Refused}, nil},
	{"postgres", "A PostgreSQL table", "sql", results{Option: Refused, Limit: Retried}, table},
	{"mariadb", "A MariaDB table", "sql", results{Option: Refused, Limit: Retried}, table},
}

// Sources are the tools that decide.
var Sources = []Tool{
	{"activecampaign", "ActiveCampaign", "activecampaign", nil, notes{Gone: noneTells, Merged: noneTells}},
	{"airtable", "Airtable", "airtable", nil, notes{Gone: noneTells, Merged: noMerge}},
	{"chargebee", "Chargebee", "chargebee", nil, notes{Unknown: allWords}},
	{"hubspot", "HubSpot", "hubspot", nil, nil},
	{"intercom", "Intercom", "intercom", nil, nil},
	{"notion", "Notion", "notion", nil, notes{Merged: noMerge}},
	{"paddle", "Paddle", "paddle", nil, notes{Merged: noMerge}},
	{"pipedrive", "Pipedrive", "pipedrive", nil, nil},
	{"salesforce", "Salesforce", "salesforce", results{Token: Renewed}, nil},
	{"stripe", "Stripe", "stripe", results{Gone: Canceled}, notes{Merged: noMerge}},
	{"zendesk", "Zendesk", "zendesk", nil, nil},
	{"postgres", "A PostgreSQL table", "sql", results{Limit: Told}, notes{Limit: noCalls, Merged: noRowsMerge, Gone: pollsPast}},
	{"mariadb", "A MariaDB table", "sql", results{Limit: Told}, notes{Limit: noCalls, Merged: noRowsMerge, Gone: pollsPast}},
}

// usual is what becomes of a customer with most tools.
var usual = results{Change: Carried, Edit: Kept, Unmatched: Asked, Option: NotSent, Unknown: Asked, Limit: Waited, Gone: Asked, Merged: Asked, Token: Told, Poll: EachOnce}

// In is what becomes of a customer of the tool in a situation.
func (t Tool) In(s Situation) Result {
	if r, ok := t.Differs[s]; ok {
		return r
	}
	if _, none := t.Notes[s]; none {
		return None
	}
	return usual[s]
}

// Markdown is the tables, and what is to be known of some cells.
func Markdown() string {
	var b strings.Builder
	var numbered []string
	write := func(head string, columns []Situation, rows []Tool) {
		fmt.Fprintf(&b, "| %s |", head)
		for _, s := range columns {
			fmt.Fprintf(&b, " %s |", s)
		}
		b.WriteString("\n|" + strings.Repeat(" --- |", len(columns)+1) + "\n")
		for _, t := range rows {
			fmt.Fprintf(&b, "| [%s](%s.md) |", t.Title, t.Page)
			for _, s := range columns {
				fmt.Fprintf(&b, " %s%s |", t.In(s), number(&numbered, t.Notes[s]))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	write("the tool follows", Situations, Targets)
	write("the tool decides", Deciding, Sources)
	for i, note := range numbered {
		fmt.Fprintf(&b, "%d. %s\n", i+1, note)
	}
	return b.String()
}

// number is the place of a note among those that were made, as it stands in a cell.
func number(made *[]string, note string) string {
	if note == "" {
		return ""
	}
	for i, n := range *made {
		if n == note {
			return fmt.Sprintf(" (%d)", i+1)
		}
	}
	*made = append(*made, note)
	return fmt.Sprintf(" (%d)", len(*made))
}
