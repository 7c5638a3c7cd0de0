// Package browsertest drives pages in the machine's Chromium, for tests.
//
// Main type: Browser (Open, Do, Look, Shot, Accessible, Show). Invariant: whatever the browser says
// that a developer should hear (an error of a script, a rule of the
// Content-Security-Policy that was broken, a file that was not found) fails the test.
//
// It imports nothing of ours.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Patience bounds how long one Do may take.
const Patience = time.Minute

// Browser is a page in a Chromium of its own.
type Browser struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	said     []string
	expected []string
}

// Open starts a Chromium that ends with the test.
func Open(t testing.TB) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium; install it (Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	all, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancelPage := chromedp.NewContext(all)
	b := &Browser{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	var heard sync.WaitGroup
	heard.Go(func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.hear(m)
		}
	})
	t.Cleanup(func() {
		cancelPage()
		heard.Wait()
		b.judge()
	})
	b.Look(Looks{Width: 1280, Height: 900})
	return b
}

// hear keeps what the browser says that a developer should hear.
func (b *Browser) hear(m chromedp.ConsoleMessage) {
	if t := string(m.Type); t != "error" && t != "warning" && !m.IsException() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, fmt.Sprintf("%s: %s %s", m.Type, m.Text, m.URL))
}

// Expect lets the browser complain in words that hold a text: a test asks for a
// page that is refused.
func (b *Browser) Expect(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, text)
}

func (b *Browser) judge() {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, text := range b.said {
		for _, e := range b.expected {
			if strings.Contains(text, e) {
				continue next
			}
		}
		b.t.Errorf("the browser says: %s", text)
	}
}

// Do does something in the page.
func (b *Browser) Do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: %v\n%s", what, err, b.Text("body"))
	}
}

// Text is the text of the first element that a selector finds, "" for none.
func (b *Browser) Text(selector string) string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		return ""
	}
	return text
}

// Looks is a size and a theme in which a page is looked at.
type Looks struct {
	Width, Height int64
	Dark          bool
}

// Look changes the size and the theme.
func (b *Browser) Look(l Looks) {
	b.t.Helper()
	theme := "light"
	if l.Dark {
		theme = "dark"
	}
	b.Do("change the looks", chromedp.EmulateViewport(l.Width, l.Height), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme},
			{Name: "prefers-reduced-motion", Value: "reduce"}}}) // nothing is looked at half way
		return err
	}))
}

// Shot writes a picture of the whole page to a file.
func (b *Browser) Shot(file string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, picture, 0o600)
	}
	if err != nil {
		b.t.Fatalf("take a picture: %v", err)
	}
}
