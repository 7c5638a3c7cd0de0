package pages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/people"
)

// shot takes a picture of a page where TRUEUP_SHOTS names a folder.
func shot(b *browsertest.Browser, name string) {
	if dir := os.Getenv("TRUEUP_SHOTS"); dir != "" {
		b.Shot(filepath.Join(dir, name+".png"))
	}
}

func TestSigningInInABrowser(t *testing.T) {
	w, clock := newDoor(t)
	b := browsertest.Open(t)
	b.Expect("401")
	b.Expect("429")
	says := func(text string) {
		t.Helper()
		if got := strings.Join(strings.Fields(b.Text("main")), " "); !strings.Contains(got, text) {
			t.Errorf("the page does not say %q: %s", text, got)
		}
	}
	fill := func(what, secret string) {
		t.Helper()
		b.Do(what, chromedp.SetValue(chromedp.CSS("#m"), "priya@example.com"), chromedp.SetValue(chromedp.CSS("#pw"), secret), chromedp.Click(chromedp.CSS("button.go")))
	}
	b.Do("open a page", chromedp.Navigate(w.server.URL+"/access"), chromedp.WaitVisible(chromedp.CSS("#pw")))
	says("Sign in")
	shot(b, "signin")
	for _, next := range []string{"the first.", "the second.", "the third.", "the fourth.", "Wait 1 minute before the next try."} {
		fill("a wrong password", "wrong")
		b.Do("see that it is wrong", chromedp.WaitVisible(`//*[@id="err"][contains(., "`+next+`")]`))
		if next == "the second." {
			shot(b, "signin-wrong")
		}
	}
	fill("the right one at once", password)
	b.Do("see that it waits", chromedp.WaitVisible(`//*[@id="err"][contains(., "Too many tries")]`))
	shot(b, "signin-wait")
	clock.Move(time.Minute)
	fill("the right one", password)
	b.Do("be back on the page", chromedp.WaitVisible(chromedp.CSS("#people")))
	says("Who can do what")
	w.invited("Dana Reyes", "dana@example.com", "operator")
	w.invited("Marcus Webb", "marcus.webb.of.the.revenue.operations.team@northbeam.example", "viewer")
	w.post("/access/tokens", "name", "warehouse-export", "role", "viewer")
	b.Do("make a token", chromedp.Navigate(w.server.URL+"/access"), chromedp.SetValue(chromedp.CSS("#tn"), "dashboard"), chromedp.Click(chromedp.CSS("#new button")), chromedp.WaitVisible(chromedp.CSS("#shown")))
	says("Copy it now: it is not shown again.")
	shot(b, "access")
	b.Look(browsertest.Looks{Width: 390, Height: 844, Dark: true})
	shot(b, "access-dark-390")
	b.Look(browsertest.Looks{Width: 1280, Height: 900})
	clock.Move(config.SessionIdle)
	b.Do("come back after a night", chromedp.Navigate(w.server.URL+"/access?x=1"), chromedp.WaitVisible(`//h1[contains(., "You were signed out")]`))
	says("You were away for 12 hours.")
	shot(b, "expired")
	b.Do("sign in again", chromedp.Click(chromedp.CSS("a.go")), chromedp.WaitVisible(chromedp.CSS("#pw")))
	fill("the right one", password)
	b.Do("be back where it was", chromedp.WaitVisible(chromedp.CSS("#people")))
	b.Do("sign out", chromedp.Click(chromedp.CSS(".who button")), chromedp.WaitVisible(chromedp.CSS("#pw")))
	code, err := w.pages.Door.NewLink(t.Context(), "dana@example.com", "ops")
	if err != nil {
		t.Fatal(err)
	}
	b.Do("open an invitation", chromedp.Navigate(people.LinkAt(w.server.URL, code)), chromedp.WaitVisible(chromedp.CSS("#pwh")))
	says("Dana Reyes, this link is for dana@example.com.")
	shot(b, "link")
	b.Do("choose a password", chromedp.SetValue(chromedp.CSS("#pw"), "an entirely different sentence"), chromedp.Click(chromedp.CSS("button.go")), chromedp.WaitVisible(chromedp.CSS(".who")))
}
