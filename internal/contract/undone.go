package contract

// Undone is a write of Trueup that a person had undone.
type Undone struct {
	Sync     string `json:"sync"`
	Customer string `json:"customer"`
	TargetID string `json:"target_id"`
	From     string `json:"from"` // what Trueup had written
	To       string `json:"to"`   // what was there before, and is again
	By       string `json:"by"`
}
