package main

import (
	"strconv"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
)

// asking says how far asking the source for its changes is.
func (p screen) asking(s contract.Sync) {
	name := "asking"
	for _, text := range s.Poll.Texts(s.Source.Connection, p.teller()) {
		p.line(name, "%s", text)
		name = ""
	}
}

// teller tells times and numbers as the other lines do.
func (p screen) teller() contract.Teller {
	return contract.Teller{Since: p.at.since, Ago: func(t time.Time) string { return p.ago(&t) }, Date: p.at.date, Num: strconv.Itoa, Until: func(t time.Time) string {
		if !t.After(p.now) {
			return "any moment"
		}
		return p.at.next(t)
	}}
}
