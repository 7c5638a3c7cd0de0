package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Pin is a person's word that a customer is left alone: it is read, and nothing is
// written.
type Pin struct {
	Since  *time.Time `json:"since"`
	Until  *time.Time `json:"until" doc:"When it ends automatically; null if a person has to end it."`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
}

// PinOf converts a pin, nil when there is none.
func PinOf(p *store.Pin) *Pin {
	if p == nil {
		return nil
	}
	return &Pin{Since: Stamp(p.Since), Until: Stamp(p.Until), By: p.By, Reason: p.Reason}
}

// PinLine is a pin in a list.
type PinLine struct {
	Sync     string `json:"sync"`
	Customer string `json:"customer"`
	Pin
}

// PinLineOf converts a pin.
func PinLineOf(p store.Pin) PinLine {
	return PinLine{Sync: p.Sync, Customer: p.Customer, Pin: *PinOf(&p)}
}

// PinnedCustomer is what pinning a customer came to.
type PinnedCustomer struct {
	Sync     string `json:"sync"`
	Customer string `json:"customer"`
	Changed  bool   `json:"changed" doc:"False if the customer was already pinned in the same words until the same time."`
	Known    bool   `json:"known" doc:"False if nothing has been received or read about a customer with this id yet."`
	Pin      *Pin   `json:"pin"`
	Replaced *Pin   `json:"replaced,omitempty" doc:"The pin that this one replaced."`
}

// PinnedCustomerOf converts it.
func PinnedCustomerOf(d store.Pinned) PinnedCustomer {
	row := PinnedCustomer{Sync: d.Sync, Customer: d.Customer, Changed: d.Changed, Known: d.Known, Pin: PinOf(&d.Pin)}
	if d.Changed {
		row.Replaced = PinOf(d.Before)
	}
	return row
}

// UnpinnedCustomer is what unpinning a customer came to.
type UnpinnedCustomer struct {
	Sync     string `json:"sync"`
	Customer string `json:"customer"`
	Changed  bool   `json:"changed" doc:"False if the customer was not pinned."`
	Ended    *Pin   `json:"ended,omitempty" doc:"The pin that was ended."`
}

// Pins counts the pinned customers of a sync.
type Pins struct {
	Customers int        `json:"customers"`
	NextEnd   *time.Time `json:"next_end" doc:"When the next pin ends automatically; null if none does."`
}

// pinsOf converts a count, nil when no one is pinned.
func pinsOf(c store.Counts) *Pins {
	if c.Pinned == 0 {
		return nil
	}
	return &Pins{Customers: c.Pinned, NextEnd: Stamp(c.PinEnds)}
}
