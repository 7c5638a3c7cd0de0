package notify

import (
	"cmp"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
)

// slackUser marks an owner, or who did something, who is known to Slack only.
const slackUser = "slack:"

// people are those who own exceptions.
type people map[string]config.Person

// person returns an owner as messages show him.
func (p people) person(owner string) Person {
	if known, ok := p[owner]; ok {
		return Person{Name: cmp.Or(known.Name, owner), ID: known.Slack}
	}
	if rest, ok := strings.CutPrefix(owner, slackUser); ok {
		if name, id, both := strings.Cut(strings.TrimSuffix(rest, ")"), " ("); both && strings.HasSuffix(rest, ")") {
			return Person{Name: name, ID: id}
		}
		return Person{Name: rest, ID: rest}
	}
	return Person{Name: owner}
}

// byID returns the e-mail address of somebody who is known by his id.
func (p people) byID(id string) (mail string, ok bool) {
	for mail, known := range p {
		if known.Slack == id && id != "" {
			return mail, true
		}
	}
	return "", false
}
