package reason

// Why a link changed, where no match rule found it. These words are stored, and
// programs go by them; a match rule stands there as it is written.
const (
	LinkSet       = "set"
	LinkImported  = "imported"
	LinkRemoved   = "removed"
	LinkRematched = "rematched"
	LinkFollowed  = "merged"
)

var linkWhys = map[string]string{
	LinkSet:       "set by hand",
	LinkImported:  "imported from a file",
	LinkRemoved:   "removed",
	LinkRematched: "removed, so that the match rules run again",
	LinkFollowed:  "the record was merged into another in the target",
	"a person":    "chosen for an exception",
}

// LinkWhy says why a link changed: one of the words above, or a match rule.
func LinkWhy(why string) string { return or(linkWhys[why], why) }
