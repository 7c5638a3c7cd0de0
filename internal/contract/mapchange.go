package contract

import "github.com/trueup-sync/trueup/internal/status"

// MapChange is what it would do to give a value of the source a meaning, or did.
type MapChange struct {
	Sync    string `json:"sync"`
	Value   string `json:"value"`
	Meaning string `json:"meaning" doc:"One of the sync's statuses, or ignore."`
	To      string `json:"to" doc:"The target's value for it; empty with ignore."`
	File    string `json:"file"`
	Digest  string `json:"digest" doc:"Of the file's text before the change. Send it with the change: a file that was edited meanwhile is not written over."`
	Listed  bool   `json:"listed" doc:"The file lists the value with this meaning already."`
	// Lines are those that change, with a few around them.
	Lines  []FileLine `json:"lines"`
	Effect MapEffect  `json:"effect"`
}

// FileLine is a line of the file as it is and as it will be.
type FileLine struct {
	Number int    `json:"number"`
	Change string `json:"change" enum:"same,removed,added"`
	Text   string `json:"text"`
}

// The changes of a line.
const (
	LineSame    = "same"
	LineRemoved = "removed"
	LineAdded   = "added"
)

// MapEffect is what becomes of the customers who have a value, by what their
// records held when they were read last.
type MapEffect struct {
	Customers    int        `json:"customers"`
	Write        int        `json:"write" doc:"Whose record changes."`
	AlreadyEqual int        `json:"already_equal" doc:"Whose record has the value already."`
	Held         int        `json:"held" doc:"Whose record stays as it is until a person decides, or because the customer is pinned."`
	Unknown      int        `json:"unknown" doc:"Whose record was not read yet, or was edited: the path decides when it checks them."`
	Summary      string     `json:"summary" doc:"The same in words."`
	Holding      []MapGroup `json:"holding"`
}

// MapGroup is the customers whose records hold the same.
type MapGroup struct {
	Value     string        `json:"value" doc:"What the target's records hold; empty for an empty field, or with read: false."`
	Status    status.Status `json:"status" doc:"What the value means; empty for a value that Trueup does not write."`
	Read      bool          `json:"read" doc:"false: the record was not read yet, or is not found yet."`
	Customers int           `json:"customers"`
	Becomes   string        `json:"becomes" enum:"write,already_equal,held,unknown,nothing"`
}

// What becomes of a customer whose value gets a meaning.
const (
	BecomesWritten = "write"
	BecomesEqual   = "already_equal"
	BecomesHeld    = "held"
	BecomesUnknown = "unknown"
	BecomesNothing = "nothing" // the value is ignored
)

// MapSaved is a meaning that was saved.
type MapSaved struct {
	MapChange
	Changed bool `json:"changed" doc:"false: it was listed so already, or the request is a repeat."`
	InUse   bool `json:"in_use" doc:"The running service has read the file. If false, it will within seconds, or GET /status says why it cannot."`
}
