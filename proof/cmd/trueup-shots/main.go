// Trueup-shots takes a picture of each page at 1280 and 390 pixels, light and dark,
// to be looked at beside the design. It shows the demonstration, or, with -enter, a
// service that runs already and the link that lets it in.
//
//	go run ./proof/cmd/trueup-shots -out /tmp/shots
//	go run ./proof/cmd/trueup-shots -out /tmp/shots -enter 'http://127.0.0.1:8080/signin/enter?code=…' / /exceptions
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/demo"
)

// usual are the pages of the demonstration; a * follows the first link that begins so.
var usual = []string{"/", "/exceptions", "/exceptions/*", "/exceptions?state=resolved", "/customers", "/customers?q=nobody", "/customers/customer-status/*", "/syncs/customer-status",
	"/syncs/customer-status/live", "/syncs/customer-status/plans", "/plans", "/activity", "/access", "/nothing"}

func main() {
	out := flag.String("out", "shots", "the folder for the pictures")
	enter := flag.String("enter", "", "a link that signs in to a service that runs")
	flag.Parse()
	if err := run(*out, *enter, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "trueup-shots:", err)
		os.Exit(1)
	}
}

func run(out, enter string, pages []string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := os.MkdirAll(out, 0o700); err != nil {
		return err
	}
	if len(pages) == 0 {
		pages = usual
	}
	if enter == "" {
		link, err := demonstration(ctx)
		if err != nil {
			return err
		}
		enter = link
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		return fmt.Errorf("install Chromium (Debian: apt-get install chromium): %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	all, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	tab, closeTab := chromedp.NewContext(all)
	defer closeTab()
	if err := chromedp.Do(tab, chromedp.Navigate(enter)); err != nil {
		return err
	}
	base, err := url.Parse(enter)
	if err != nil {
		return err
	}
	for _, page := range pages {
		if err := picture(tab, base, page, out); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	return nil
}

// demonstration starts one, waits until its script is told, and returns the link that
// lets in.
func demonstration(ctx context.Context) (string, error) {
	read, write := io.Pipe()
	go func() {
		err := demo.Run(ctx, demo.Options{Out: write, Seed: 1, Start: app.DemoStart("0.9.0", slog.New(slog.DiscardHandler))})
		write.CloseWithError(err)
	}()
	link := ""
	lines := bufio.NewScanner(read)
	for link == "" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), "Trueup         "); ok {
			link = strings.Fields(rest)[0]
		}
	}
	if link == "" {
		return "", fmt.Errorf("the demonstration does not start: %w", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	fmt.Fprintln(os.Stderr, "The demonstration runs. The pictures are taken in 45 seconds.")
	time.Sleep(45 * time.Second)
	return link, nil
}

var strange = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// picture takes the four pictures of a page.
func picture(tab context.Context, base *url.URL, page, out string) error {
	ctx, cancel := context.WithTimeout(tab, 2*time.Minute)
	defer cancel()
	at := base.Scheme + "://" + base.Host
	address := at + page
	if before, ok := strings.CutSuffix(page, "*"); ok { // the list has links to each
		list, _, _ := strings.Cut(strings.TrimSuffix(before, "/"), "/customer-status")
		if err := chromedp.Do(ctx, chromedp.Navigate(at+list)); err != nil {
			return err
		}
		links, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll('main a[href^="`+before+`"]')].map(a => a.href)`))
		if err != nil || len(links) == 0 {
			return fmt.Errorf("no link to %s: %w", before, err)
		}
		address = links[0]
	}
	name := strings.Trim(strange.ReplaceAllString(strings.ReplaceAll(page, "*", "one"), "-"), "-") // not the name of its list
	if name == "" {
		name = "home"
	}
	for _, width := range []int64{1280, 390} {
		for _, theme := range []string{"light", "dark"} {
			look := chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
				return err
			})
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), look, chromedp.Navigate(address)); err != nil {
				return err
			}
			png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(out, fmt.Sprintf("%s-%d-%s.png", name, width, theme)), png, 0o600); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(os.Stderr, address)
	return nil
}
