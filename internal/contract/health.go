package contract

import "time"

// Health is what was found when Trueup was last looked at from outside.
type Health struct {
	CheckedAt *time.Time `json:"checked_at"`
	Checks    []Check    `json:"checks"`
}

// Check is one of the things that were looked at.
type Check struct {
	Check   string `json:"check"`
	Subject string `json:"subject"` // the connection, or trueup
	Result  string `json:"result"`  // pass, unknown, warning or fault
	Text    string `json:"text"`
	Remedy  string `json:"remedy"` // "" for a pass, and for what is unknown
}

// The results, from the best to the worst, and the subjects that are no connection.
const (
	CheckPass      = "pass"
	CheckUnknown   = "unknown" // it cannot be tested: nothing was seen
	CheckWarning   = "warning"
	CheckFault     = "fault"
	ServiceSubject = "trueup"
	SlackSubject   = "notify.slack"
)
