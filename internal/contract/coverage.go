package contract

import "time"

// Coverage is what the last comparison found beside what the file lists.
type Coverage struct {
	// SeenAt is when that was.
	SeenAt *time.Time `json:"seen_at"`
	// Unlisted are values of the source with no meaning, those of most customers
	// first and 20 at most; MoreUnlisted counts the others.
	Unlisted     []UnlistedValue `json:"unlisted" doc:"Source values that neither statuses nor ignore lists, 20 at most, those of most customers first."`
	MoreUnlisted int             `json:"more_unlisted" doc:"How many other such values there are."`
	// Foreign are values of the target that no status is written as.
	Foreign     []ForeignValue `json:"foreign" doc:"Target values that no status is written as, 20 at most, those of most records first."`
	MoreForeign int            `json:"more_foreign" doc:"How many other such values there are."`
	// Unseen are listed values that no customer has.
	Unseen []string `json:"unseen" doc:"Listed source values that no customer has."`
}

// UnlistedValue is a source value that the file does not list.
type UnlistedValue struct {
	Value     string `json:"value"`
	Customers int    `json:"customers"`
	// Near is the listed value that it resembles and that nobody has.
	Near string `json:"near" doc:"The listed value that it resembles and that no customer has; empty if there is none."`
}

// ForeignValue is a target value that no status is written as.
type ForeignValue struct {
	Value   string `json:"value"`
	Records int    `json:"records"`
}
