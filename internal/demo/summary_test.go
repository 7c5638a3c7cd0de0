package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

func TestFewestWrites(t *testing.T) {
	m := member{customer: "cus_1", status: "active", contacts: []contact{{ID: "con_1", Status: "Active"}}}
	becomes := func(v string) happening { return happening{what: changed, record: "cus_1", to: v} }
	tells := happening{what: told, record: "cus_1"}
	person := func(v string) happening { return happening{what: edited, record: "con_1", to: v} }
	for _, tt := range []struct {
		name string
		all  []happening
		want int
	}{
		{"nothing happened", nil, 0},
		{"an event about an equal value", []happening{tells}, 0},
		{"a change", []happening{becomes("paused"), tells}, 1},
		{"a change that billing has not told of", []happening{becomes("paused")}, 0},
		{"a change to another word for the same", []happening{becomes("trialing"), tells}, 0},
		{"a change told of twice", []happening{becomes("paused"), tells, tells}, 1},
		{"there and back, told each time", []happening{becomes("paused"), tells, becomes("active"), tells}, 2},
		{"there and back before it is told", []happening{becomes("paused"), becomes("active"), tells, tells}, 0},
		{"the older event after the newer one", []happening{becomes("past_due"), becomes("canceled"), tells, tells}, 1},
		{"an unknown value in between", []happening{becomes("on_hold"), tells, becomes("active"), tells}, 0},
		{"an ignored value", []happening{becomes("incomplete"), tells}, 0},
		{"a person's edit that is newer", []happening{becomes("paused"), person("Churned"), tells}, 0},
		{"a person's edit that is older", []happening{person("Churned"), becomes("paused"), tells}, 1},
		{"a person's edit that is older and the same", []happening{person("Paused"), becomes("paused"), tells}, 0},
		{"a person's edit, then a new change", []happening{becomes("paused"), person("Churned"), tells, becomes("active"), tells}, 1},
		{"somebody else's changes", []happening{{what: changed, record: "cus_2", to: "paused"}, {what: told, record: "cus_2"}, {what: edited, record: "con_2", to: "Paused"}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fewestWrites(m, tt.all); got != tt.want {
				t.Errorf("needs %d writes, want %d", got, tt.want)
			}
		})
	}
}

func TestBoard(t *testing.T) {
	m := member{name: "Ana", customer: "cus_1", contacts: []contact{{ID: "con_1"}}}
	for _, tt := range []struct {
		name         string
		billing, crm string
		exception    status.Kind
		want         standing
	}{
		{"the same in both words", "trialing", "Active", "", equal},
		{"another", "trialing", "Paused", "", differs},
		{"an empty field", "active", "", "", differs},
		{"left out", "incomplete", "Active", "", left},
		{"unknown and not yet seen by Trueup", "on_hold", "Active", "", differs},
		{"unknown", "on_hold", "Active", status.UnmappedStatus, stopped},
		{"held", "paused", "Churned", status.Conflict, stopped},
	} {
		t.Run(tt.name, func(t *testing.T) {
			snap := Snapshot{Exceptions: []Exception{{Customer: "cus_2", Kind: status.Unmatched}}}
			if tt.exception != "" {
				snap.Exceptions = append(snap.Exceptions, Exception{Customer: "cus_1", Kind: tt.exception})
			}
			got := board([]member{m}, []customer{{ID: "cus_1", Status: tt.billing}}, []contact{{ID: "con_1", Status: tt.crm}}, snap)
			if got[0].standing != tt.want {
				t.Errorf("stands as %q, want %q", got[0].standing, tt.want)
			}
		})
	}
}

func TestTheFinalTable(t *testing.T) {
	r := report{
		took: 20*time.Second + 40*time.Millisecond,
		rows: []row{
			{name: "Ana", customer: "cus_1", billing: "active", crm: "Active", standing: equal},
			{name: "Ben", customer: "cus_2", billing: "paused", crm: "Paused", standing: equal},
			{name: "Cleo", customer: "cus_3", billing: "paused", crm: "Active", standing: differs, human: true},
			{name: "Dora", customer: "cus_4", billing: "canceled", standing: differs},
			{name: "Emil", customer: "cus_5", billing: "incomplete", standing: left},
			{name: "Fay", customer: "cus_6", billing: "paused", crm: "Churned", standing: stopped, exceptions: []Exception{{Customer: "cus_6", Kind: status.Conflict}}},
		},
		snap: Snapshot{
			Waiting:  1,
			Outcomes: map[status.Outcome]int{status.Applied: 9, status.Held: 1, status.Ignored: 2},
			Exceptions: []Exception{
				{Customer: "cus_6", Kind: status.Conflict, Reason: "not shown"},
				{Customer: "cus_7", Kind: status.WriteFailed, Reason: "the CRM said no"},
				{Customer: "", Kind: status.UnreadableEvent, Reason: "the body is not JSON"},
			},
		},
		accepted: 13, repeats: 1, lost: 1, writes: 9, refusals: 1, fewest: 10, untold: 2,
	}
	golden(t, "summary.txt", func(b *strings.Builder) {
		r.write(b)
		b.WriteString("\n--- and when all is well\n")
		report{took: 5 * time.Second, rows: r.rows[:2], snap: Snapshot{Outcomes: map[status.Outcome]int{status.Applied: 2}},
			accepted: 2, writes: 2, fewest: 2}.write(b)
		b.WriteString("\n--- and when something was written for nothing\n")
		report{took: 5 * time.Second, writes: 3, fewest: 2}.write(b)
	})
}
