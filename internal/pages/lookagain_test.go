package pages

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestACustomerIsReadInBothToolsAsTheyAreNow(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_1", hostileName)
	path := customerPath(flow, "cus_1")
	w.tells(w.get(path), 200, "Look again", "Show everything (1)", "from Billing", "!Write this customer now")
	w.shows = "active"
	w.tells(w.get(path+"/now"), 200, "Ünsal", "They differ: Billing has canceled (Churned), CRM has VIP (Active).", "rec_cus_1", "= Same", "The latest plan has no change for this customer")
	w.shows = ""
	w.tells(w.get(path+"/now"), 200, "CRM has VIP, which has no meaning here.")
	w.shows = "churned"
	w.tells(w.get(path+"/now"), 200, "Both tools show Churned.", "!They differ")
	w.must(w.store.RemoveLink(t.Context(), flow, "cus_1", "ana"))
	w.tells(w.get(path+"/now"), 200, "not linked to a record of CRM", "!Both tools show")
	w.person.Role = store.Viewer
	w.tells(w.get(path), 200, "Look again") // and cannot be pressed
	w.tells(w.get(path+"/now"), 403, "needs the role operator")
	w.tells(w.get("/customers/"+flow+"/nobody/now"), 403)
}

func TestOneCustomerIsWrittenThroughTheLatestPlan(t *testing.T) {
	w := newWorld(t)
	w.customer("cus_0", "Halden Optics")
	w.customer("cus_90", "Ida Lund")
	w.customer("cus_5000", "Nobody in the plan")
	w.planned()
	s := w.config.Syncs[flow]
	s.Mode = config.ModeWatch
	w.config.Syncs[flow] = s
	path := customerPath(flow, "cus_0")
	w.tells(w.get(path), 200, "Write this customer now…")
	w.tells(w.get(customerPath(flow, "cus_5000")), 200, "!Write this customer now")
	w.tells(w.get(path+"/now"), 200, "Active → to Churned in CRM", "No one has changed it since", "Only this customer is written", "goes on watching", "Write Churned for Halden Optics", "!you approve")
	w.tells(w.get(customerPath(flow, "cus_90")+"/now"), 200, "by writing it you approve that its value is replaced", "Write Active for Ida Lund")
	got := w.post("/plans/"+theHash+"/apply", "only", "cus_90", "first_contact", "yes")
	w.tells(got, 200, "Writing plan")
	jobs := w.jobs()
	if len(jobs) != 1 || len(jobs[0].Customers) != 1 || jobs[0].Customers[0] != "cus_90" || jobs[0].ApprovedBy == "" {
		t.Errorf("the jobs are %+v", jobs)
	}
	w.person.Role = store.Viewer
	w.tells(w.get(path), 200, "!Write this customer now")
	w.tells(w.post("/plans/"+theHash+"/apply", "only", "cus_0"), 403)
}
