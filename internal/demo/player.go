package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// player carries the script out on the two tools.
type player struct {
	billing *billing
	crm     *crm
	cast    []member
	journal *journal
	// settled waits until everything that was sent has its outcome.
	settled func(context.Context) error
	// late holds the events that stay on their way, by customer.
	late map[string]event
}

// play does the steps, with pauses that make them last about as long as it is
// told, and returns how many it did before ctx ended.
func (p *player) play(ctx context.Context, steps []step, length time.Duration) (int, error) {
	unit := float64(length) / max(total(steps), 1)
	for i, s := range steps {
		if !pause(ctx, time.Duration(s.weight*unit)) {
			return i, nil
		}
		if s.settle {
			if err := p.settled(ctx); err != nil {
				return i, nil
			}
		}
		if err := p.do(s); err != nil {
			return i, err
		}
	}
	return len(steps), nil
}

// wander makes ordinary changes until ctx ends.
func (p *player) wander(ctx context.Context, rng *rand.Rand, every time.Duration) error {
	for pause(ctx, time.Duration((0.5+rng.Float64())*float64(every))) {
		if err := p.do(wander(rng, p.cast, p.present)); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) present(id string) string {
	for _, c := range p.billing.list() {
		if c.ID == id {
			return c.Status
		}
	}
	return ""
}

func (p *player) do(s step) error {
	teller := "billing"
	if s.do == edit {
		teller = "person"
	}
	p.journal.add(happening{what: said, record: s.customer, by: teller, note: s.note})
	switch s.do {
	case announce:
		ev, err := p.billing.announce(s.customer)
		if err != nil {
			return err
		}
		return p.billing.send(ev, s.times)
	case change, withhold:
		ev, err := p.billing.change(s.customer, s.value, byScript)
		if err != nil {
			return err
		}
		if s.do == withhold {
			p.late[s.customer] = ev
			return nil
		}
		return p.billing.send(ev, s.times)
	case deliver:
		ev, ok := p.late[s.customer]
		if !ok {
			return fmt.Errorf("the script delivers an event for %s that was never withheld", s.customer)
		}
		delete(p.late, s.customer)
		return p.billing.send(ev, s.times)
	case edit:
		for _, m := range p.cast {
			if m.customer == s.customer {
				return p.crm.edit(m.contact(), s.value, salesHuman, byScript)
			}
		}
		return fmt.Errorf("the script edits %s, who is not a customer", s.customer)
	}
	return fmt.Errorf("the script has no action %q", s.do)
}
