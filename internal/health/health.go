// Package health says what can be seen of Trueup from the outside: whether the
// tools reach it, whether their webhooks are registered, whether clocks agree,
// whether a credential gets old.
//
// Main type: Check, one line. Each check is one function that judges what was
// seen; Dates and Reach are the two that look for themselves.
//
// Invariants: nothing is said to be so that was not seen; what a tool's API does
// not tell is said to be unknown; no text holds a secret, an address of a
// stranger or a customer; a check changes nothing in a tool.
//
// It may import internal/config and internal/connector, and not the store.
package health

import (
	"errors"
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Result is how a check ended.
type Result string

// The results, from the best to the worst.
const (
	Pass    Result = "pass"
	Unknown Result = "unknown" // it cannot be tested: nothing was seen
	Warning Result = "warning"
	Fault   Result = "fault"
)

// Results are all of them.
var Results = []Result{Pass, Unknown, Warning, Fault}

// Name is what a check looks at.
type Name string

// The checks.
const (
	Connection Name = "connection" // the tool answers as it should
	Database   Name = "database"   // a transaction is committed
	Disk       Name = "disk"       // there is room for more
	Port       Name = "port"       // webhooks can be received there
	PublicURL  Name = "public_url" // it leads here
	Clock      Name = "clock"      // the tool's clock and ours agree
	Webhook    Name = "webhook"    // the tool sends its events here
	Credential Name = "credential" // it does not end soon
)

// Service is the subject of what is not about one connection.
const Service = "trueup"

// Check is what one check found.
type Check struct {
	Check   Name   `json:"check"`
	Subject string `json:"subject"` // the connection, or trueup
	Result  Result `json:"result"`
	Text    string `json:"text"`
	Remedy  string `json:"remedy"` // "" for a pass, and for what is unknown
}

func pass(name Name, subject, text string) Check {
	return Check{Check: name, Subject: subject, Result: Pass, Text: text}
}

func unknown(name Name, subject, why string) Check {
	return Check{Check: name, Subject: subject, Result: Unknown, Text: "cannot tell: " + why}
}

func warning(name Name, subject, text, remedy string) Check {
	return Check{Check: name, Subject: subject, Result: Warning, Text: text, Remedy: remedy}
}

func fault(name Name, subject, text, remedy string) Check {
	return Check{Check: name, Subject: subject, Result: Fault, Text: text, Remedy: remedy}
}

// Sentence is what was found with what to do about it.
func (c Check) Sentence() string {
	if c.Remedy == "" {
		return c.Text
	}
	return c.Text + "; " + c.Remedy
}

// Bad are the warnings and faults, faults first.
func Bad(all []Check) []Check {
	bad := slices.DeleteFunc(slices.Clone(all), func(c Check) bool { return c.Result == Pass || c.Result == Unknown })
	slices.SortStableFunc(bad, func(a, b Check) int { return slices.Index(Results, b.Result) - slices.Index(Results, a.Result) })
	return bad
}

// Of is the check of a connection by how its probe ended, and whether that called
// anything. That a tool is away for
// a while is no fault: what cannot be done meanwhile is done later.
func Of(connection string, called bool, err error) Check {
	switch {
	case err == nil && called:
		return pass(Connection, connection, "the tool answers as it should")
	case err == nil:
		return unknown(Connection, connection, "there is nothing that can be called without a customer")
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if kind := connector.FailureOf(err).Kind; isFailure(err) && (kind == connector.Transient || kind == connector.RateLimited) {
		return warning(Connection, connection, text, "check whether the tool is available again")
	}
	return fault(Connection, connection, text, "correct the connection in trueup.yaml, or its account in the tool")
}

func isFailure(err error) bool {
	var f *connector.Failure
	return errors.As(err, &f)
}
