package sweep

import (
	"testing"
	"time"

	"trueup/internal/pipeline"
	"trueup/internal/status"
	"trueup/internal/store"
)

func TestARepairLooksAgainOnlyWhereNobodyKnows(t *testing.T) {
	write := pipeline.Judgement{Action: "write"}
	conflict := pipeline.Judgement{Action: "hold", Kind: status.Conflict}
	agrees := pipeline.Judgement{Action: "none", Outcome: status.AlreadyEqual}
	for name, tt := range map[string]struct {
		known store.Known
		found pipeline.Judgement
		want  bool
	}{
		"the target differs":                          {store.Known{}, write, true},
		"it is looked at anyway":                      {store.Known{DueAt: time.Unix(1, 0)}, write, false},
		"mass_change has halted its write":            {store.Known{Waits: true}, write, false},
		"a conflict that nobody was told of":          {store.Known{}, conflict, true},
		"a conflict that somebody was told of":        {store.Known{Shown: []status.Kind{status.Conflict}}, conflict, false},
		"both agree":                                  {store.Known{}, agrees, false},
		"both agree, and an exception says otherwise": {store.Known{Work: store.Work{Open: []status.Kind{status.Conflict}}}, agrees, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&run{}).worthALook(&tt.known, tt.found); got != tt.want {
				t.Errorf("worth a look: %v", got)
			}
		})
	}
}
