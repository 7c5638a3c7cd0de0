package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"trueup/internal/app"
	"trueup/internal/demo"
)

// In a real browser: a status is clicked in the billing tool and shows in the
// CRM, written by Trueup; one that is clicked in the CRM is a person's.
func TestAClickInABrowserIsCarried(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	urls := startDemo(ctx, t)
	page := browser(ctx, t)

	// Nothing in the script of this seed ends Hugo Silva's subscription.
	const name = "Hugo Silva"
	do := func(what string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(page, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	edit := func(value, who string) string {
		return `//li[contains(., "` + name + `") and contains(., "→ ` + value + `") and contains(., "` + who + `")]`
	}
	do("click in billing", chromedp.Navigate(urls["billing tool"]), chromedp.Click(chromedp.CSS(`button[aria-label="set `+name+` to canceled"]`)))
	do("see the webhook", chromedp.WaitVisible(`//li[contains(., "`+name+`") and contains(., "canceled") and contains(., "202")]`))
	do("see it carried", chromedp.Navigate(urls["CRM"]), chromedp.WaitVisible(edit("Churned", "Trueup")))
	do("click in the CRM", chromedp.Click(chromedp.CSS(`button[aria-label="set `+name+` to Active"]`)), chromedp.WaitVisible(edit("Active", "a person")))
}

// startDemo runs the demonstration until the test ends and returns where its
// parts are.
func startDemo(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := demo.Run(ctx, demo.Options{Out: in, Seed: 1, Start: app.DemoStart("test", slog.New(slog.DiscardHandler))})
		in.Close()
		done <- err
	}()
	urls := map[string]string{}
	lines := bufio.NewScanner(out)
	for len(urls) < 3 && lines.Scan() {
		if label, rest, ok := strings.Cut(strings.TrimSpace(lines.Text()), "http://"); ok {
			urls[strings.TrimSpace(label)] = "http://" + strings.Fields(rest)[0]
		}
	}
	go io.Copy(io.Discard, out)
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return urls
}

// browser opens a page in the machine's Chromium.
func browser(ctx context.Context, t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("this test needs Chromium; install it (Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	page, cancelPage := chromedp.NewContext(ctx)
	t.Cleanup(cancelPage)
	return page
}
