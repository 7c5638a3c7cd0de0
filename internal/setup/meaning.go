package setup

import (
	"strings"
	"unicode"

	"github.com/trueup-sync/trueup/internal/status"
)

// plainMeanings are the words that say their meaning themselves.
var plainMeanings = map[string]status.Status{
	"active": "active", "activated": "active", "subscribed": "active",
	"paused": "paused", "pause": "paused",
	"churned": "churned", "churn": "churned", "canceled": "churned", "cancelled": "churned", "terminated": "churned", "ended": "churned", "unsubscribed": "churned",
}

// likelyMeanings are what other words often mean. They are proposed and never used until
// a person accepts them: a wrong one would be written to every customer who has the value.
var likelyMeanings = map[string]status.Status{
	"live": "active", "current": "active", "paying": "active", "trialing": "active", "trial": "active", "intrial": "active", "pastdue": "active",
	"onhold": "paused", "suspended": "paused", "frozen": "paused", "unpaid": "paused",
	"expired": "churned", "lost": "churned",
	"incomplete": Ignored, "incompleteexpired": Ignored, "draft": Ignored, "lead": Ignored, "prospect": Ignored,
}

// meaning returns what a tool's word plainly means, or else what it likely means; both
// are "" for a word that nothing is known of.
func meaning(value string) (plainly, likely status.Status) {
	word := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, value)
	return plainMeanings[word], likelyMeanings[word]
}

// optionFor returns the one value of the target that plainly has the name of a status,
// else the one that plainly or likely means it, "" for none or several.
func optionFor(s status.Status, options []string) string {
	found := ""
	for _, o := range options {
		if strings.EqualFold(strings.TrimSpace(o), string(s)) {
			return o
		}
		if plainly, likely := meaning(o); plainly == s || likely == s {
			if found != "" {
				return ""
			}
			found = o
		}
	}
	return found
}
