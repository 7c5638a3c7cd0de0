package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/status"
)

// Comparison is a customer beside the linked record and, of an exception, those that
// may be it, as the tools hold them now. Nothing of it is stored.
type Comparison struct {
	Exception  int64            `json:"exception,omitempty" doc:"The exception that it is about, if it is about one."`
	Sync       string           `json:"sync"`
	Customer   ComparedRecord   `json:"customer"`
	Candidates []ComparedRecord `json:"candidates" doc:"At most five: the linked record first, then those most alike."`
	Partial    string           `json:"partial,omitempty" doc:"Which part could not be read, and why; the rest is here."`
}

// ComparedRecord is one record as its tool holds it.
type ComparedRecord struct {
	Connection string          `json:"connection"`
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Value      string          `json:"value"`
	Status     status.Status   `json:"status" doc:"What the value means; empty for a value without a meaning."`
	Fields     []ComparedField `json:"fields" doc:"The same fields in the same order for each record."`
	ReadAt     *time.Time      `json:"read_at" doc:"As of when: now, or the latest event of a source that cannot be asked."`
	Confidence float64         `json:"confidence,omitempty"`
	Linked     bool            `json:"linked,omitempty" doc:"It is the customer's already."`
	LinkedTo   string          `json:"linked_to,omitempty" doc:"The other customer that it is linked to."`
	Error      string          `json:"error,omitempty" doc:"Why it could not be read."`
}

// ComparedField is one field of a record.
type ComparedField struct {
	Field    string            `json:"field"`
	Value    string            `json:"value"`
	Likeness identity.Likeness `json:"likeness" enum:"same,close,different," doc:"How like the customer's value in the source; empty for the source itself, and where not both tools were asked for it."`
}
