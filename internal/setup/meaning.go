package setup

import (
	"strings"
	"unicode"

	"github.com/trueup-sync/trueup/internal/status"
)

// meanings are the words whose meaning is plain. What is not here is for a person to
// say: a guess would be written to every customer who has the value.
var meanings = map[string]status.Status{
	"active": "active", "activated": "active", "live": "active", "subscribed": "active", "current": "active", "paying": "active",
	"trialing": "active", "trial": "active", "intrial": "active", "pastdue": "active",
	"paused": "paused", "pause": "paused", "onhold": "paused", "suspended": "paused", "frozen": "paused", "unpaid": "paused",
	"churned": "churned", "churn": "churned", "canceled": "churned", "cancelled": "churned", "expired": "churned", "terminated": "churned",
	"ended": "churned", "lost": "churned", "unsubscribed": "churned",
	"incomplete": Ignored, "incompleteexpired": Ignored, "draft": Ignored, "lead": Ignored, "prospect": Ignored,
}

// meaning returns what a tool's word plainly means, "" for no plain meaning.
func meaning(value string) status.Status {
	return meanings[strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, value)]
}

// optionFor returns the one value of the target that plainly has the name of a status,
// else the one that plainly means it, "" for none or several.
func optionFor(s status.Status, options []string) string {
	found := ""
	for _, o := range options {
		if strings.EqualFold(strings.TrimSpace(o), string(s)) {
			return o
		}
		if meaning(o) == s {
			if found != "" {
				return ""
			}
			found = o
		}
	}
	return found
}
