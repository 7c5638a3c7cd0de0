package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Person is somebody who may use the pages.
type Person struct {
	Name        string     `json:"name"`
	Email       string     `json:"email"`
	Role        store.Role `json:"role"`
	HasPassword bool       `json:"has_password"`
	CreatedAt   *time.Time `json:"created_at"`
	CreatedBy   string     `json:"created_by"`
	LastSeenAt  *time.Time `json:"last_seen_at"` // to the minute
}

// PersonOf converts a person.
func PersonOf(p store.Person) Person {
	return Person{Name: p.Name, Email: p.Email, Role: p.Role, HasPassword: p.HasPassword, CreatedAt: Stamp(p.CreatedAt), CreatedBy: p.CreatedBy, LastSeenAt: Stamp(p.LastSeenAt)}
}

// NewLink is a link by which a person comes in once, which is shown once.
type NewLink struct {
	Person
	Link string `json:"link"`
}
