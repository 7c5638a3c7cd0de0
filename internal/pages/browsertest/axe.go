package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// axe is the script of axe-core. scripts/test.sh brings the version that
// proof/axe/package-lock.json names.
var axe = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("the repository's root is not found")
		}
		dir = filepath.Dir(dir)
	}
	file := filepath.Join(dir, "proof", "axe", "node_modules", "axe-core", "axe.min.js")
	script, err := os.ReadFile(file) // #nosec G304 -- a file of the repository
	if err != nil {
		return "", fmt.Errorf("this test needs axe-core; install it (npm ci --prefix proof/axe): %w", err)
	}
	return string(script), nil
})

// barrier is a rule of axe-core that an element breaks.
type barrier struct{ Rule, Help, Element, Why string }

// barriers asks axe-core about the page. It comes in by the debugger, which the page's
// Content-Security-Policy does not bind, and loads nothing.
const barriers = `axe.run(document, {resultTypes: ["violations"], preload: false %s}).then((found) => found.violations.flatMap((v) =>
	v.nodes.map((n) => ({Rule: v.id, Help: v.help, Element: n.html, Why: n.any.concat(n.all, n.none).map((c) => c.message).join("; ")}))))`

// ofColors are the rules that a theme can break, where the other keeps them.
const ofColors = `, runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}`

// Show puts the text of a page, which a form was answered with, in place of the page
// that is open. What it loads comes from where that page came from.
func (b *Browser) Show(text string) {
	b.t.Helper()
	b.Do("show an answer", chromedp.Evaluate[chromedp.Void](`document.documentElement.id = "before"; undefined`), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, page.SetDocumentContent, page.SetDocumentContentParams{FrameID: tree.FrameTree.Frame.ID, HTML: text})
		return err
	}))
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.readyState === "complete" && document.documentElement.id !== "before" && document.styleSheets.length === 1`)); err != nil {
		b.t.Fatalf("an answer has no styles: %v", err)
	}
}

// bring has a script in the page that is open, and in each that is opened later.
func (b *Browser) bring(ctx context.Context, script string) error {
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`typeof axe === "object"`))
	if there || err != nil {
		return err
	}
	return chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](script), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// tooWide says what makes a page wider than the window, "" for nothing.
const tooWide = `document.documentElement.scrollWidth <= innerWidth ? "" : document.documentElement.scrollWidth + " pixels: " +
	[...document.querySelectorAll("body *")].filter((e) => e.scrollWidth > innerWidth || e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 120)).slice(-4).join(" | ")`

// Narrow fails the test for a page that is wider than a telephone, which it is left on.
func (b *Browser) Narrow(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	b.Look(Looks{Width: 390, Height: 800, Dark: true})
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[string](tooWide))
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	if wide != "" {
		b.t.Errorf("%s is wider than a telephone:\n\t%s", name, wide)
	}
}

// Accessible fails the test for each element of the page that somebody cannot see, read
// or reach, in light and in dark, and as Narrow does. The page is left in light at 1280 pixels.
func (b *Browser) Accessible(name string) {
	b.t.Helper()
	script, err := axe()
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	b.Narrow(name)
	if err := b.bring(ctx, script); err != nil {
		b.t.Fatalf("%s: axe-core: %v", name, err)
	}
	for _, l := range []struct {
		name, rules string
		Looks
	}{{"dark", ofColors, Looks{Width: 1280, Height: 900, Dark: true}}, {"light", "", Looks{Width: 1280, Height: 900}}} {
		b.Look(l.Looks)
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]barrier](fmt.Sprintf(barriers, l.rules), chromedp.EvalAwaitPromise))
		if err != nil {
			b.t.Fatalf("%s: axe-core: %v", name, err)
		}
		for _, f := range found {
			b.t.Errorf("%s in %s: %s (%s): %s\n\t%s", name, l.name, f.Rule, f.Help, f.Element, f.Why)
		}
	}
}
