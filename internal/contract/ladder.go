package contract

// Ladder is how far a sync is on its way from watching to live.
type Ladder struct {
	Rung Rung `json:"rung" doc:"watching: no plan that can be applied; planned: no one was tried; tried: a person had a customer written; live."`
	Next Next `json:"next,omitempty" doc:"plan, try_one or go_live; left out for a live sync."`
	// Plan is the hash of the plan for the next step.
	Plan  string `json:"plan,omitempty"`
	Tried int    `json:"tried,omitempty" doc:"Customers written by name in watch mode, without those that were undone."`
}

// Rung is one step of the ladder.
type Rung string

// The rungs.
const (
	RungWatching Rung = "watching"
	RungPlanned  Rung = "planned"
	RungTried    Rung = "tried"
	RungLive     Rung = "live"
)

// Next is what leads to the next rung.
type Next string

// What to do next.
const (
	NextPlan   Next = "plan"
	NextTryOne Next = "try_one"
	NextGoLive Next = "go_live"
)
