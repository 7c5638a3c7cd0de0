package pages

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Two people have one exception open in browsers of their own. The second who decides
// reads who was first and what was done, and decides again from there.
func TestTheSecondOfTwoPeopleReadsInTheBrowserWhoWasFirst(t *testing.T) {
	w := newWorld(t)
	x := w.needs(status.Conflict, "cus_1")
	dana, marcus := *w.person, Person{ID: 2, Name: "Marcus Webb", Email: "marcus@example.com", Role: store.Operator}
	w.pages.Visitor = func(r *http.Request) (Person, error) {
		if strings.HasPrefix(r.Host, "localhost:") {
			return marcus, nil
		}
		return dana, nil
	}
	at := fmt.Sprintf("/exceptions/%d", x.ID)
	first, second := browsertest.Open(t), browsertest.Open(t)
	second.Expect("409")
	first.Do("open it", chromedp.Navigate(w.server.URL+at), chromedp.WaitVisible(chromedp.CSS(`button[value="keep"]`)))
	second.Do("open it too", chromedp.Navigate(strings.Replace(w.server.URL, "127.0.0.1", "localhost", 1)+at), chromedp.WaitVisible(chromedp.CSS(`button[value="apply"]`)))
	first.Do("keep the edit", chromedp.Click(chromedp.CSS(`button[value="keep"]`)), chromedp.WaitVisible(`//*[@role="status"][contains(., "stays")]`))
	second.Do("write over it", chromedp.Click(chromedp.CSS(`button[value="apply"]`)), chromedp.WaitVisible(`//h1[contains(., "Dana Reyes was first")]`),
		chromedp.WaitVisible(`//main[contains(., "Target's value kept")]`), chromedp.Click(`//main//a[contains(., "Look at it now")]`), chromedp.WaitVisible(`//h1[contains(., "cus_1") or contains(., "who is right?")]`))
	second.Accessible("the exception that someone else settled")
	c, err := w.store.Customer(t.Context(), flow, "cus_1")
	if err != nil || c.Ruling.By != "dana@example.com" {
		t.Errorf("the decision is %+v, %v", c.Ruling, err)
	}
}

// The file is edited on the disk while the page that takes the sync live shows it. The
// form that was open changes nothing; the page that is opened again shows the edit.
func TestAFileThatIsEditedOnTheDiskIsShownBeforeItIsChanged(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, false))
	c := w.config.Syncs[flow]
	c.Mode = "watch"
	w.config.Syncs[flow] = c
	w.person.Role = store.Admin
	path := filepath.Join(w.dir(), "trueup.yaml")
	b := browsertest.Open(t)
	b.Expect("409")
	b.Do("open it", chromedp.Navigate(w.server.URL+"/syncs/"+flow+"/live"), chromedp.SendKeys(chromedp.CSS("#gw"), "agreed"))
	text, err := os.ReadFile(path)
	w.must(err)
	edited := strings.Replace(string(text), "until Monday", "until Tuesday, says Ben", 1)
	w.must(os.WriteFile(path, []byte(edited), 0o600))
	b.Do("go live", chromedp.Click(`//button[contains(., "Go live")]`), chromedp.WaitVisible(`//main[contains(., "changed by someone else")]`))
	if got, err := os.ReadFile(path); err != nil || string(got) != edited {
		t.Errorf("the file is %s, %v", got, err)
	}
	b.Accessible("the page of a file that has changed")
	b.Do("look again", chromedp.Click(chromedp.CSS("main a.btn")), chromedp.WaitVisible(`//pre[contains(., "until Tuesday, says Ben")]`), chromedp.SendKeys(chromedp.CSS("#gw"), "agreed with Ben"),
		chromedp.Click(`//button[contains(., "Go live")]`), chromedp.WaitVisible(`//*[@role="status"][contains(., "is live.")]`))
	if got, err := os.ReadFile(path); err != nil || !strings.Contains(string(got), "mode: live # until Tuesday, says Ben") {
		t.Errorf("the file is %s, %v", got, err)
	}
}
