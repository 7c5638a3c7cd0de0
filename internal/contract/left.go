package contract

import "github.com/trueup-sync/trueup/internal/store"

// Holding is what the database holds under the name of a sync or a connection.
type Holding struct {
	Kind           store.NameKind `json:"kind"` // sync or connection
	Name           string         `json:"name"`
	Customers      int            `json:"customers"`
	Links          int            `json:"links"`
	OpenExceptions int            `json:"open_exceptions"`
	Events         int            `json:"events"`
	WaitingEvents  int            `json:"waiting_events"`
	Tokens         bool           `json:"tokens"`
}

// HoldingOf converts the store's count.
func HoldingOf(h store.Holding) Holding {
	return Holding{Kind: h.Kind, Name: h.Name, Customers: h.Customers, Links: h.Links, OpenExceptions: h.OpenExceptions, Events: h.Events,
		WaitingEvents: h.Waiting, Tokens: h.Tokens}
}

// Called is a sync or connection under another name.
func (h Holding) Called(name string) Holding {
	h.Name = name
	return h
}

// Renamed is what was moved to another name.
type Renamed struct {
	Old string `json:"old"`
	Holding
}
