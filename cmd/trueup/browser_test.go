package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/demo"
	"github.com/trueup-sync/trueup/internal/pages/browsertest"
)

// In a real browser: a status is clicked in the billing tool and shows in the
// CRM, written by Trueup; one that is clicked in the CRM is a person's.
func TestAClickInABrowserIsCarried(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	urls := startDemo(ctx, t)

	// Nothing in the script of this seed ends Hugo Silva's subscription.
	const name = "Hugo Silva"
	do := browsertest.Open(t).Do
	edit := func(value, who string) string {
		return `//li[contains(., "` + name + `") and contains(., "→ ` + value + `") and contains(., "` + who + `")]`
	}
	do("click in billing", chromedp.Navigate(urls["billing tool"]), chromedp.Click(chromedp.CSS(`button[aria-label="set `+name+` to canceled"]`)))
	do("see the webhook", chromedp.WaitVisible(`//li[contains(., "`+name+`") and contains(., "canceled") and contains(., "200")]`))
	do("see it carried", chromedp.Navigate(urls["CRM"]), chromedp.WaitVisible(edit("Churned", "Trueup")))
	do("click in the CRM", chromedp.Click(chromedp.CSS(`button[aria-label="set `+name+` to Active"]`)), chromedp.WaitVisible(edit("Active", "a person")))
	do("be signed in by the printed address", chromedp.Navigate(urls["Trueup"]), chromedp.WaitVisible(`//h2[contains(., "Billing decides")]`))
	do("sign out", chromedp.Click(`//button[text()="Sign out"]`), chromedp.WaitVisible(`//h1[text()="Sign in"]`))
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
