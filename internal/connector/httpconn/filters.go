package httpconn

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// The filters of a placeholder, {value|soql}: how a value is quoted for the
// language that it stands in, between quotes that the configuration writes.
const (
	filterSOQL    = "soql"    // a text of Salesforce's query language
	filterFormula = "formula" // a text of an Airtable formula
	filterJSON    = "json"    // a text of JSON or GraphQL inside another text
	filterNumber  = "number"  // no text at all: a whole number of a JSON body
)

var filterNames = []string{filterSOQL, filterFormula, filterJSON, filterNumber}

// backslashed escapes what ends a text in SOQL and in a formula, between single
// or double quotes.
var backslashed = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// quoted is a value as it stands between the quotes of a language.
func quoted(filter, value string) string {
	switch filter {
	case filterSOQL, filterFormula:
		return backslashed.Replace(value)
	case filterJSON:
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // a text
		}
		return string(text[1 : len(text)-1])
	}
	return value
}

func hasFilter(text, filter string) bool {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if m[2] == filter {
			return true
		}
	}
	return false
}

// errNoNumber is a value that was to be sent as a number.
var errNoNumber = errors.New("it is not a whole number, as the filter number says")

var whole = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,18})$`)

func wholeNumber(value string) (any, error) {
	if !whole.MatchString(value) {
		return nil, errNoNumber
	}
	return json.Number(value), nil
}
