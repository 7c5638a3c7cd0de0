package reason

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestEverySourceSaysHowLateItCanBeAndWhatItCanMiss(t *testing.T) {
	const five, day = 5 * time.Minute, 24 * time.Hour
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		Hearing
		want string
	}{
		"asked every five minutes": {Hearing{Asked: true, Every: five},
			"billing is asked every 5 minutes: a change can be 5 minutes late, or as late as reading its list takes, and one that is undone within that time is never seen"},
		"asked every five minutes, and compared": {Hearing{Asked: true, Every: five, Compared: day, Repaired: true},
			"billing is asked every 5 minutes: a change can be 5 minutes late, or as late as reading its list takes, and one that is undone within that time is never seen"},
		"webhooks, and asked every hour": {Hearing{Webhooks: true, Asked: true, Every: time.Hour},
			"billing is heard by webhook, and asked every hour: a change whose webhook never comes can be 1 hour late, or as late as reading its list takes"},
		"pings, and asked every 90 seconds": {Hearing{Webhooks: true, Pings: true, Asked: true, Every: 90 * time.Second},
			"billing is asked when a webhook says that something changed, and every 90 seconds: a change whose webhook never comes can be 90 seconds late, or as late as reading its list takes, and one that is undone within that time is never seen"},
		"webhooks only, and compared": {Hearing{Webhooks: true, Compared: day, Repaired: true},
			"billing is heard by webhook only: a change whose webhook never comes is found by the next comparison (every day) at the earliest"},
		"webhooks only, compared without repair": {Hearing{Webhooks: true, Compared: 6 * time.Hour},
			"billing is heard by webhook only: a change whose webhook never comes is found by the next comparison (every 6 hours) at the earliest; what a comparison finds is only counted, because repair is off"},
		"webhooks only": {Hearing{Webhooks: true},
			"billing is heard by webhook only: a change whose webhook never comes is never found"},
		"webhooks, asked at the start": {Hearing{Webhooks: true, Asked: true},
			"billing is heard by webhook, and asked when Trueup starts: a change whose webhook never comes is found when Trueup next starts at the earliest"},
		"webhooks, asked at the start, and compared": {Hearing{Webhooks: true, Asked: true, Compared: day, Repaired: true},
			"billing is heard by webhook, and asked when Trueup starts: a change whose webhook never comes is found when Trueup next starts or by the next comparison (every day) at the earliest"},
		"pings, and compared": {Hearing{Webhooks: true, Pings: true, Asked: true, Compared: day, Repaired: true},
			"billing is asked when a webhook says that something changed, and when Trueup starts: a change whose webhook never comes is found when Trueup next starts or by the next comparison (every day) at the earliest"},
		"asked at the start only": {Hearing{Asked: true},
			"billing is asked only when Trueup starts: a change is found when Trueup next starts at the earliest"},
		"compared only": {Hearing{Compared: day, Repaired: true},
			"billing is neither heard by webhook nor asked: a change is found by the next comparison (every day) at the earliest"},
		"nothing": {Hearing{}, "billing is neither heard by webhook nor asked: a change is never found"},
	} {
		got := tt.Sentence("billing")
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
		if !strings.Contains(string(doc), got) {
			t.Errorf("%s: docs/operations.md does not have it: %s", name, got)
		}
	}
}
