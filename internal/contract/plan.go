package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Plan identifies a comparison and has its result; its rows follow, one by one
// or in pages.
type Plan struct {
	Hash    string      `json:"hash"`
	Sync    string      `json:"sync"`
	MadeAt  *time.Time  `json:"made_at"`
	Summary PlanSummary `json:"summary"`
	// SetAside is absent when every record could be read.
	SetAside *SetAside `json:"set_aside,omitempty" doc:"Records of the two lists that cannot be read and were not compared."`
}

// PlanSummary counts customers; UnmatchedTarget counts records of the target.
type PlanSummary struct {
	Agree           int `json:"agree"`
	Write           int `json:"write"`
	Held            int `json:"held"`
	UnmatchedSource int `json:"unmatched_source"`
	UnmatchedTarget int `json:"unmatched_target"`
	Ambiguous       int `json:"ambiguous"`
	Unmapped        int `json:"unmapped"`
	Other           int `json:"other"`       // those that need a person for another reason
	NotCarried      int `json:"not_carried"` // ignored, or without a status
	Carried         int `json:"carried"`     // agree, write and all others that have a status
	// Always a number, because programs rely on it. It means nothing when Carried
	// is 0.
	Agreement float64 `json:"agreement" doc:"agree divided by carried, 0 to 1; 1 if carried is 0."`
}

// PlanRow is one customer that would change or needs a person: action is write,
// hold or park.
type PlanRow struct {
	Customer string `json:"customer"`
	TargetID string `json:"target_id"`
	Action   string `json:"action"`
	Why
	Before string `json:"before"`
	After  string `json:"after"`
	Name   string `json:"name,omitempty" doc:"Who the customer is, where the source shows a name."`
	// Only of a row that was applied.
	State store.RowState `json:"state,omitempty" doc:"What became of the row when the plan was applied: applied, refused or failed."`
	Note  string         `json:"note,omitempty" doc:"Why the row was refused or failed."`
}

// PlanOf converts a comparison that has ended.
func PlanOf(w store.Sweep) Plan {
	m, agreement := w.Summary, 1.0
	if share := m.Agreement(); share != nil {
		agreement = *share
	}
	return Plan{Hash: w.Hash, Sync: w.Sync, MadeAt: Stamp(w.EndedAt), SetAside: SetAsideOf(w), Summary: PlanSummary{Agree: m.Agree, Write: m.Write, Held: m.Held,
		UnmatchedSource: m.UnmatchedSource, UnmatchedTarget: m.UnmatchedTarget, Ambiguous: m.Ambiguous, Unmapped: m.Unmapped,
		Other: m.Other, NotCarried: m.NotCarried, Carried: m.Carried(), Agreement: agreement}}
}

// PlanRowOf converts a row of a plan.
func PlanRowOf(r store.PlanRow) PlanRow {
	return PlanRow{Customer: r.Customer, Name: r.Name, TargetID: r.TargetID, Action: r.Action, Why: WhyOf(r.Reason), Before: r.Before, After: r.After, State: r.State, Note: r.Note}
}

// AppliedRow is a row of a plan that was not applied, and why.
type AppliedRow struct {
	Customer string         `json:"customer"`
	TargetID string         `json:"target_id"`
	Before   string         `json:"before"`
	After    string         `json:"after"`
	State    store.RowState `json:"state"`
	Note     string         `json:"note"`
}

// AppliedRowOf converts a row after an attempt to apply it.
func AppliedRowOf(r store.PlanRow) AppliedRow {
	return AppliedRow{Customer: r.Customer, TargetID: r.TargetID, Before: r.Before, After: r.After, State: r.State, Note: r.Note}
}
