package contract

// Tried is one customer that was written while the sync only watched, as both tools
// had it before and have it now.
type Tried struct {
	Customer string    `json:"customer"`
	TargetID string    `json:"target_id"`
	Source   TriedSide `json:"source"`
	Target   TriedSide `json:"target"`
}

// TriedSide is one tool's value, null where it could not be read.
type TriedSide struct {
	Connection string  `json:"connection"`
	Before     *string `json:"before"`
	After      *string `json:"after"`
	Error      string  `json:"error,omitempty"` // why it cannot be read now
}
