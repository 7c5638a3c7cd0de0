package identity

import (
	"fmt"
	"math"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
)

func person(name, email, phone string) map[string]string {
	return map[string]string{"name": name, "email": email, "phone": phone}
}

func TestWhoIsLikeWhom(t *testing.T) {
	ana := person("Ana Ruiz", "ana.ruiz@example.com", "+34 600 123 456")
	tests := map[string]struct {
		other  map[string]string
		likely bool
	}{
		"the same person with another provider":   {person("Ana Ruiz", "ana.ruiz@example.org", ""), true},
		"the names the other way round":           {person("Ruiz, Ana", "", ""), true},
		"a slip in the name":                      {person("Anna Ruiz", "", ""), true},
		"the same phone, written differently":     {person("A. R.", "", "0034600123456"), true},
		"somebody else":                           {person("Hugo Silva", "hugo@example.com", "+351 912 345 678"), false},
		"somebody else at the same company":       {person("Ben Okafor", "ben@example.com", ""), false},
		"the same family name and nothing else":   {person("Carlos Ruiz Ortega", "carlos@example.com", "+34 600 999 999"), false},
		"nothing that both have":                  {map[string]string{"external_id": "7"}, false},
		"the same name, and another phone number": {person("Ana Ruiz", "", "+34 600 999 999"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			score, by := Alike(ana, tt.other)
			if (score >= leastLike) != tt.likely {
				t.Errorf("%.2f alike in %q", score, by)
			}
			if back, _ := Alike(tt.other, ana); back != score {
				t.Errorf("%.2f one way and %.2f the other", score, back)
			}
		})
	}
}

func TestHowLikeTwoRecordsAreAndInWhat(t *testing.T) {
	ana := person("Ana Ruiz", "ana.ruiz@example.com", "+34 600 123 456")
	tests := map[string]struct {
		other map[string]string
		score float64
		by    string
	}{
		"the same in everything":                             {ana, 1, "name, e-mail, phone"},
		"a name that only one has says nothing":              {person("", "ana.ruiz@example.org", ""), 1, "e-mail"},
		"a comma in a name is a space":                       {person("Ruiz,Ana", "", ""), 1, "name"},
		"an address without an @ says nothing":               {person("", "ana.ruiz", ""), 0, ""},
		"the same phone and another name are alike enough":   {person("Bob", "", "+34 600 123 456"), leastLike, "phone"},
		"what is not alike is not named beside what is":      {person("Bob", "ana.ruiz@example.com", "+34 600 123 456"), 5.0 / 7, "e-mail, phone"},
		"another phone number is not named beside the name":  {person("Ana Ruiz", "", "+34 600 999 999"), 2.0 / 5, "name"},
		"nothing that both have":                             {map[string]string{"external_id": "7"}, 0, ""},
		"the end of a phone number is almost the same phone": {person("", "", "123456"), 0.8, "phone"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if score, by := Alike(ana, tt.other); math.Abs(score-tt.score) > 1e-9 || by != tt.by {
				t.Errorf("%g alike in %q, want %g in %q", score, by, tt.score, tt.by)
			}
		})
	}
	n := NewNearest(ana)
	if n.Add(status.TargetRecord{ID: "rec_1", Keys: person("Bob", "", "+34 600 123 456")}); len(n.Candidates()) != 1 {
		t.Error("a record that is just alike enough is not shown")
	}
}

func TestTheFiveMostAlikeAreKept(t *testing.T) {
	n := NewNearest(person("Ana Ruiz", "ana@example.com", ""))
	for i := range 20 {
		n.Add(status.TargetRecord{ID: fmt.Sprintf("rec_%02d", i), Value: "Active", Keys: person("Ana Ruiz", fmt.Sprint("ana", i, "@example.com"), "")})
	}
	n.Add(status.TargetRecord{ID: "rec_same", Keys: person("Ana Ruiz", "ana@example.org", "")})
	n.Add(status.TargetRecord{ID: "rec_other", Keys: person("Hugo Silva", "hugo@example.com", "")})
	got := n.Candidates()
	if len(got) != mostLike || got[0].TargetID != "rec_same" {
		t.Fatalf("%+v", got)
	}
	for _, c := range got {
		if c.Confidence > likeness {
			t.Errorf("%s is %g sure: likeness is no match", c.TargetID, c.Confidence)
		}
	}
}

// A record that changes while a list is read may be in it twice.
func TestARecordThatIsListedTwiceIsOneCandidate(t *testing.T) {
	n := NewNearest(person("Ana Ruiz", "ana@example.com", ""))
	n.Add(status.TargetRecord{ID: "rec_1", Value: "Active", Keys: person("Ana Ruiz", "", "")})
	n.Add(status.TargetRecord{ID: "rec_2", Value: "Active", Keys: person("Ana Ruiz", "", "")})
	n.Add(status.TargetRecord{ID: "rec_1", Value: "Paused", Keys: person("Ana Ruiz", "", "")})
	n.Add(status.TargetRecord{ID: "rec_2", Value: "Active", Keys: person("Hugo Silva", "", "")})
	if got := n.Candidates(); len(got) != 1 || got[0].TargetID != "rec_1" || got[0].Value != "Paused" {
		t.Errorf("%+v", got)
	}
}
