package identity

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/hbollon/go-edlib"
	"github.com/nyaruka/phonenumbers"

	"github.com/trueup-sync/trueup/internal/status"
)

// Nearest keeps the records that are most like a customer whom no rule has
// found, for a person to choose from. Nothing is ever linked by likeness.
type Nearest struct {
	keys map[string]string
	best []status.Candidate
}

const (
	// mostLike is how many are kept.
	mostLike = 5
	// leastLike is how like a record must be to be shown at all.
	leastLike = 0.6
	// likeness is the confidence of the most alike: it is no match.
	likeness = 0.79
)

// NewNearest looks for records like the customer with these keys.
func NewNearest(keys map[string]string) *Nearest { return &Nearest{keys: keys} }

// Add looks at one more record. A list may give one twice; the later counts.
func (n *Nearest) Add(r status.TargetRecord) {
	n.best = slices.DeleteFunc(n.best, func(c status.Candidate) bool { return c.TargetID == r.ID })
	score, by := Alike(n.keys, r.Keys)
	if score < leastLike {
		return
	}
	n.best = append(n.best, status.Candidate{TargetID: r.ID, Value: r.Value, Rule: "like in " + by, Confidence: math.Round(score*likeness*100) / 100})
	slices.SortFunc(n.best, func(a, b status.Candidate) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), strings.Compare(a.TargetID, b.TargetID))
	})
	n.best = n.best[:min(len(n.best), mostLike)]
}

// Candidates returns the best, the most alike first.
func (n *Nearest) Candidates() []status.Candidate { return slices.Clone(n.best) }

// Alike says how like two records are, from 0 to 1, and in what: the name, the
// part of the e-mail address before the @, and the phone number. It is the mean
// of those that both have, and what only one has says nothing.
func Alike(a, b map[string]string) (score float64, by string) {
	var names []string
	sum, weights := 0.0, 0.0
	add := func(name string, weight, like float64) {
		sum, weights = sum+weight*like, weights+weight
		if like >= leastLike {
			names = append(names, name)
		}
	}
	if x, y := words(a["name"]), words(b["name"]); x != "" && y != "" {
		add("name", 2, alike(x, y))
	}
	if x, y := local(a["email"]), local(b["email"]); x != "" && y != "" {
		add("e-mail", 2, alike(x, y))
	}
	if x, y := a["phone"], b["phone"]; x != "" && y != "" {
		add("phone", 3, samePhone(x, y))
	}
	if weights == 0 {
		return 0, ""
	}
	return sum / weights, strings.Join(names, ", ")
}

func alike(a, b string) float64 { return float64(edlib.JaroWinklerSimilarity(a, b)) }

// words is a name in lower case with its words in one order: people and tools
// disagree about which comes first.
func words(name string) string {
	all := strings.Fields(strings.ToLower(strings.Map(func(r rune) rune {
		if strings.ContainsRune(",.;", r) {
			return ' '
		}
		return r
	}, name)))
	slices.Sort(all)
	return strings.Join(all, " ")
}

func local(email string) string {
	before, _, ok := strings.Cut(Normalize("email", email), "@")
	if !ok {
		return ""
	}
	return before
}

// samePhone compares numbers however they are written; a short number can be
// the end of the other's.
func samePhone(a, b string) float64 {
	switch phonenumbers.IsNumberMatch(a, b) {
	case phonenumbers.EXACT_MATCH, phonenumbers.NSN_MATCH:
		return 1
	case phonenumbers.SHORT_NSN_MATCH:
		return 0.8
	}
	return 0
}
