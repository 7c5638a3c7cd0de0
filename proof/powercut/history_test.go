package powercut

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/trueup-sync/trueup/internal/status"
)

// history is a list of calls and the disk that it begins with.
type history struct {
	name  string
	steps []step
	seed  uint64 // of what its cuts leave to chance
}

// scripted is all that the store can do for two customers, from no database on.
var scripted = history{name: "from no database on", steps: []step{
	starting(),
	receiving(event("evt_1", "cus_1", "active"), event("evt_2", "cus_2", "active"), unreadable("evt_3"), event("evt_4", "cus_1", "trialing")),
	receiving(event("evt_1", "cus_1", "active"), event("evt_5", "cus_1", "active")), // the first is a repeat
	claiming(2),
	linking("cus_1", "rec_1"),
	writing("cus_1", "Active"),
	receiving(event("evt_6", "cus_1", "canceled")), // during the attempt
	carried("cus_1"),
	claiming(2),
	parked("cus_2", status.AmbiguousMatch, status.StageMatch),
	writing("cus_1", "Churned"),
	retried("cus_1"),
	resting("crm"),
	reserving("crm"),
	asking(),
	receiving(edited("edit_1", "rec_1", "Trial"), edited("edit_2", "rec_9", "Trial")), // nobody is linked to rec_9
	asked("page 2", false),
	asked("page 3", true),
	receiving(heavy("evt_7", "cus_3"), heavy("evt_8", "cus_4")),
	excepting("cus_1", status.WriteFailed),
	restarting(),
	excepting("cus_1", status.WriteFailed),
	closing("cus_1", status.WriteFailed),
	importing("cus_1", "rec_2", "cus_2", "rec_1"),
	importing("cus_1", "rec_1", "cus_2", "rec_2"), // they change places
	claiming(4),
	carried("cus_1"),
	refused(linking("cus_3", "rec_1")), // it is another's
	carried("cus_2"),
	parked("cus_3", status.UnmappedStatus, status.StageMap),
	unlinking("cus_2"),
	receiving(heavy("evt_9", "cus_2"), event("evt_10", "cus_3", "active")),
	claiming(8),
	carried("cus_4"),
}}

// raw reads the rows of a disk without the store, which would migrate it.
func raw(ctx context.Context, d *Disk) (string, error) {
	d = d.PowerOn(Keeps, nil) // looking is not to change it
	defer d.Discard()
	db, err := d.pool("file:"+path+"?_pragma=busy_timeout(10000)", nil)
	if err != nil {
		return "", err
	}
	found, err := rows(ctx, db)
	return found, errors.Join(err, db.Close())
}

// random is a history of a seed.
func random(seed uint64, length int) history {
	r := rand.New(rand.NewPCG(seed, 1))
	h := history{name: fmt.Sprintf("seed %d", seed), seed: seed, steps: []step{starting()}}
	for range length {
		h.steps = append(h.steps, perhaps(randomStep(r)))
	}
	return h
}

func randomStep(r *rand.Rand) step {
	customer, record := fmt.Sprint("cus_", r.IntN(3)), fmt.Sprint("rec_", r.IntN(3))
	kind, stage := status.Kinds[r.IntN(len(status.Kinds))], status.Stages[r.IntN(len(status.Stages))]
	id := fmt.Sprint("evt_", r.IntN(30)) // now and then a repeat
	switch r.IntN(18) {
	case 0, 1, 2:
		return receiving(event(id, customer, "active"), unreadable(id+"x"), event(id+"y", "cus_1", "past_due"))
	case 3:
		return receiving(heavy(id, customer), edited(id, record, "Trial"))
	case 4, 5:
		return claiming(1 + r.IntN(3))
	case 6:
		return linking(customer, record)
	case 7:
		return writing(customer, "Active")
	case 8, 9:
		return carried(customer)
	case 10:
		return parked(customer, kind, stage)
	case 11:
		return retried(customer)
	case 12:
		return importing(customer, record)
	case 13:
		return unlinking(customer)
	case 14:
		return []step{excepting(customer, kind), closing(customer, kind)}[r.IntN(2)]
	case 15:
		return []step{resting("crm"), reserving("crm")}[r.IntN(2)]
	case 16:
		return []step{asking(), asked(id, r.IntN(2) == 0)}[r.IntN(2)]
	}
	return restarting()
}
