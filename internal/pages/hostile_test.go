package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// strange are names as tools hold them.
var strange = map[string]string{
	"markup": hostileName + `<img src=x onerror="document.body.remove()">`,
	"long":   strings.Repeat("W", 10_000),
	"rtl":    "\u202e" + strings.Repeat("חברת הביטוח המאוחדת ", 20) + "شركة",
	"emoji":  strings.Repeat("👩🏽‍🚀🦊", 60),
}

// A name never runs, never widens a page, and never turns what is beside it around.
func TestNoNameBreaksAPage(t *testing.T) {
	k := &walk{T: t, browser: browsertest.Open(t), seen: map[string]bool{}}
	a := k.installation("strange names")
	a.must(a.store.SetMode(t.Context(), flow, true))
	made := a.planned()
	pages := []string{"/", "/exceptions", "/exceptions?state=resolved", "/customers", "/activity", "/access", "/syncs/" + flow, "/plans/" + made.Hash}
	kinds := []status.Kind{status.Unmatched, status.Conflict, status.UnmappedStatus, status.WriteFailed}
	for id, name := range strange {
		a.customer(id, name)
	}
	for id, name := range strange {
		for _, kind := range kinds {
			x := a.about(kind, id)
			x.SourceValue, x.TargetValue, x.Cause, x.Reason = name, name, name, reason.Text(name)
			opened, err := a.store.OpenException(t.Context(), x)
			a.must(err)
			pages = append(pages, fmt.Sprintf("/exceptions/%d", opened))
		}
		_, _, err := a.pages.Door.Invite(t.Context(), string([]rune(name)[:80]), id+"@example.com", store.Viewer, "ops")
		a.must(err)
		a.post(customerPath(flow, id)+"/pin", "reason", name)
		pages = append(pages, customerPath(flow, id), customerPath(flow, id)+"/forget", "/customers?q="+url.QueryEscape("nobody "+cut(name, 80)))
	}
	for _, page := range pages {
		if got := a.get(page); got.code != http.StatusOK || strings.Contains(got.text, "<img src=x") || strings.Contains(got.text, "<script>alert") {
			t.Errorf("%s is answered %d, or a name runs", page, got.code)
		}
		k.browser.Do("open "+page, chromedp.Navigate(a.server.URL+page), chromedp.WaitReady(chromedp.CSS("h1")))
		k.browser.Narrow(page)
	}
}

// losing is a service that loses its syncs.
type losing struct {
	*world
	gone atomic.Bool
}

func (l *losing) Syncs() map[string]config.Sync {
	if l.gone.Load() {
		return nil
	}
	return l.config.Syncs
}

func TestASyncIsRemovedWhileItsPagesAreOpen(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.SetMode(t.Context(), flow, true))
	w.customer("cus_1", "Halden Optics")
	conflict, unmapped := w.needs(status.Conflict, "cus_2"), w.needs(status.UnmappedStatus, "cus_3")
	made := w.planned()
	service := &losing{world: w}
	w.pages.Service = service
	b := browsertest.Open(t)
	b.Expect("404")
	b.Do("open it", chromedp.Navigate(w.server.URL+"/syncs/"+flow), chromedp.Click(`//summary[contains(., "Pause")]`))
	service.gone.Store(true)
	b.Do("pause it", chromedp.SendKeys(chromedp.CSS("#pause-why"), "a migration"), chromedp.Click(`//form//button[contains(., "Pause")]`), chromedp.WaitVisible(`//h1[contains(., "There is no sync with this name")]`))

	w.person.Role = store.Admin
	values := strings.NewReplacer("{sync}", flow, "{customer}", "cus_1", "{hash}", made.Hash, "{$}", "", "{kind}", "unmatched", "{name}", "x")
	for _, r := range routes() {
		for _, id := range []int64{conflict.ID, unmapped.ID} {
			path := strings.ReplaceAll(values.Replace(r.Path), "{id}", fmt.Sprint(id))
			got := answered{}
			if r.Path == "/live" || r.Path == "/signout" {
				continue
			}
			if r.Method == http.MethodGet {
				got = w.get(path)
			} else {
				got = w.post(path, "verb", "apply", "saw", "Active", "saw_source", "canceled", "saw_history", "0", "reason", "a test", "status", "active", "digest", "d1", "hash", made.Hash[:4], "id", "cus_9")
			}
			if got.code >= 500 {
				t.Errorf("%s %s is answered %d: %s", r.Method, path, got.code, got.words())
			}
			if strings.HasPrefix(r.Path, "/syncs/{sync}") && got.code != http.StatusNotFound {
				t.Errorf("%s %s is answered %d: %s", r.Method, path, got.code, got.words())
			}
		}
	}
}
