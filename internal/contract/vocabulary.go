package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Vocabulary is the values that the last comparison found, and what they mean.
type Vocabulary struct {
	Sync string `json:"sync"`
	// SeenAt is when they were found, null when both sides were never compared.
	SeenAt *time.Time   `json:"seen_at"`
	Source []SourceWord `json:"source"`
	Target []TargetWord `json:"target"`
	// Unseen are the listed values of the source that nobody has.
	Unseen []string `json:"unseen"`
	// Options are all values that the target's field may hold, null when they are
	// not known. NoOption are the mapped values that are not among them.
	Options  []string `json:"options"`
	NoOption []string `json:"no_option"`
	// SourceOptions are all values that the source's field may hold, null when they
	// are not known. NotListed are those that the file does not list.
	SourceOptions []string `json:"source_options"`
	NotListed     []string `json:"not_listed"`
}

// SourceWord is a value of the source: mapped, ignored or unknown.
type SourceWord struct {
	Value     string        `json:"value"`
	Customers int           `json:"customers"`
	Meaning   string        `json:"meaning"`
	Status    status.Status `json:"status"` // of a mapped value
	To        string        `json:"to"`     // what is written for it
}

// TargetWord is a value of the target: mapped, empty or foreign.
type TargetWord struct {
	Value   string        `json:"value"`
	Records int           `json:"records"`
	Meaning string        `json:"meaning"`
	Status  status.Status `json:"status"` // of a mapped value
}

// What a value means to a sync.
const (
	WordMapped  = "mapped"
	WordIgnored = "ignored"
	WordUnknown = "unknown" // of the source: listed nowhere
	WordEmpty   = "empty"
	WordForeign = "foreign" // of the target: not one that we write
)
