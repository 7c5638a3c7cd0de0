package blueprint

import (
	"bytes"
	_ "embed"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"text/template"

	"github.com/trueup-sync/trueup/internal/config"
)

// File is one file of an export.
type File struct {
	Name string
	// What is a short description of the file.
	What string
	Body []byte
}

// Page is the name of the file with the instructions.
const Page = "README.md"

//go:embed page.md.tmpl
var pageText string

var page = template.Must(template.New(Page).Parse(pageText))

// scenarioFiles is one connection's part of the page.
type scenarioFiles struct {
	plan
	EventsFile, OperationsFile string
}

// Export returns the files for a sync of the configuration: two blueprints for
// each side that is a Make connection, and the page.
func Export(cfg *config.Config, sync string) ([]File, error) {
	plans, err := plansOf(cfg, sync)
	if err != nil {
		return nil, err
	}
	var files []File
	var parts []scenarioFiles
	for _, p := range plans {
		part := scenarioFiles{p, p.Connection + "-events.json", p.Connection + "-operations.json"}
		for _, one := range []struct {
			name, what string
			blueprint  Blueprint
		}{
			{part.EventsFile, "blueprint: events of " + p.Connection + " to Trueup", events(p)},
			{part.OperationsFile, "blueprint: operations of Trueup in " + p.Connection, operations(p)},
		} {
			body, err := one.blueprint.JSON()
			if err != nil {
				return nil, err
			}
			files = append(files, File{one.name, one.what, body})
		}
		parts = append(parts, part)
	}
	var text bytes.Buffer
	if err := page.Execute(&text, map[string]any{"Sync": sync, "Parts": parts, "Config": filepath.Base(cfg.Path), "Secret": secretPlaceholder,
		"Tool": toolURL, "Retries": retries, "Pauses": retryPauses}); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return append(files, File{Page, "what to click in Make", text.Bytes()}), nil
}

// Unreachable reports whether Make certainly cannot reach the configuration's
// public_url, because it is an address of this machine.
func Unreachable(cfg *config.Config) bool {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}
