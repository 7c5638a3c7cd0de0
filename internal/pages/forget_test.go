package pages

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// busy holds the file's only place for writing until the returned function is called.
func (w *world) busy() (end func()) {
	w.Helper()
	conn, err := storetest.Raw(w.T, "sqlite", w.path).Conn(w.Context())
	w.must(err)
	_, err = conn.ExecContext(w.Context(), "begin immediate")
	w.must(err)
	return func() {
		w.Helper()
		_, err := conn.ExecContext(w.Context(), "rollback")
		w.must(err)
		if err := conn.Close(); err != nil && err != sql.ErrConnDone {
			w.Fatal(err)
		}
	}
}

func TestForgettingThatTakesLongIsFollowedOnItsPage(t *testing.T) {
	w := newWorld(t)
	w.person.Role = store.Admin
	w.customer("cus_1", "Halden Optics")
	path := customerPath(flow, "cus_1") + "/forget"
	w.pages.patience = 0
	end := w.busy()
	w.tells(w.post(path, "id", "cus_1"), 200, "You can close this page", "Looking through all texts of customer-status", "!Erased")
	e := w.pages.erasings.all[[2]string{flow, "cus_1"}]
	other := *w.person
	other.ID, other.Email = 2, "eli@example.com"
	asker := w.person
	w.person = &other
	w.tells(w.post(path, "id", "cus_1"), 200, "Looking through all texts") // who asks too joins
	if now := w.pages.erasings.all[[2]string{flow, "cus_1"}]; now != e {
		t.Error("the customer is forgotten twice at once")
	}
	end()
	<-e.done
	w.tells(w.get(path), 404, "It may have been forgotten", "!forgotten-") // who did not ask is not told
	w.person = asker
	got := w.get(path)
	w.tells(got, 200, "Erased", "now called forgotten-", "!Looking through", "!Halden")
	if !strings.Contains(got.text, `href="/customers/`+flow+`/forgotten-`) {
		t.Error("it does not lead to what stays")
	}
	w.tells(w.get("/activity"), 200, "Dana Reyes Forgot a customer")
	if n := strings.Count(w.get("/activity").words(), "Forgot a customer"); n != 1 {
		t.Errorf("it was done %d times", n)
	}
}

func TestForgettingThatIsCutOffIsSaidAndCanBeRepeated(t *testing.T) {
	w := newWorld(t)
	w.person.Role = store.Admin
	w.customer("cus_1", "Halden Optics")
	path := customerPath(flow, "cus_1") + "/forget"
	w.pages.patience = 0
	end := w.busy()
	w.tells(w.post(path, "id", "cus_1"), 200, "Looking through all texts")
	w.pages.Close() // the service stops
	end()
	w.tells(w.get(path), 200, "It was cut off", "Forget again", "e-")
	w.tells(w.get(path+"?again=1"), 200, "Forget Halden Optics", "Type the customer’s id")
	w.tells(w.post(path, "id", "cus_1"), 500)
}
