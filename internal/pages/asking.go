package pages

import (
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
)

// asking adds how far asking the source for its changes is.
func (p *syncPage) asking(v *visit) {
	c := clock{zone: v.zone, now: func() time.Time { return v.now }}
	tell := contract.Teller{Date: c.date, Num: func(n int) string { return num(n) },
		Since: func(t time.Time) string { return "since " + c.date(t) },
		Ago:   func(t time.Time) string { return length(max(0, v.now.Sub(t))) + " ago" },
		Until: func(t time.Time) string {
			if !t.After(v.now) {
				return "any moment"
			}
			return "in " + length(t.Sub(v.now))
		}}
	name := "Asked"
	if poll := p.Sync.Poll; poll != nil && poll.Reading != nil {
		name = "Asking now"
	}
	said := p.Sync.Poll.Texts(p.Source, tell)
	for i, text := range said {
		said[i] = capital(text)
	}
	if len(said) > 0 {
		p.Schedule = append(p.Schedule, fact{name, strings.Join(said, ". ")})
	}
}
