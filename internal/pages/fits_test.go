package pages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
)

// fits reports whether all that is in an element can be seen without scrolling.
func fits(b *browsertest.Browser, selector string) (is bool) {
	b.Do("measure "+selector, chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		is, err = chromedp.Evaluate[bool](fmt.Sprintf(`(() => { const e = document.querySelector(%q); return e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight; })()`, selector))(ctx, t)
		return err
	}))
	return is
}

func TestWhatGoingLiveChangesIsReadInFullBesideTheNameOfTheSync(t *testing.T) {
	w := newWorld(t)
	s := w.config.Syncs[flow]
	s.Mode = config.ModeWatch
	w.config.Syncs[flow] = s
	w.must(os.WriteFile(filepath.Join(w.dir(), "trueup.yaml"), []byte("syncs:\n  "+flow+":\n    mode: watch   # decides and records, writes nothing; live writes each change as it comes\n    statuses: {}\n"), 0o600))
	b := browsertest.Open(t)
	b.Do("open the page", chromedp.Navigate(w.server.URL+"/syncs/"+flow+"/live"), chromedp.WaitVisible(chromedp.CSS(".file pre")))
	for _, width := range []int64{1280, 390} {
		b.Look(browsertest.Looks{Width: width, Height: 900})
		if !fits(b, ".file pre") {
			t.Errorf("at %d the change to the file is cut off", width)
		}
	}
	b.Look(browsertest.Looks{Width: 1280, Height: 900})
	if !fits(b, "nav.main .lines") {
		t.Error("the name of the sync is cut off")
	}
	if got := b.Text("nav.main .lines"); got != flow {
		t.Errorf("the name is %q", got)
	}
}
