package pages

import (
	"fmt"
	"html/template"
	"strings"
)

// stroke is what the lines of an icon share.
const stroke = `fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"`

// icons are the drawings within a square of 16. A shape carries the meaning,
// its color repeats it.
var icons = map[string]string{
	"mark":       `<rect x="1" y="1" width="20" height="20" rx="6" fill="currentColor"/><path d="M6 8.5h10M6 13.5h10" stroke="var(--on-accent)" stroke-width="2.4" stroke-linecap="round"/>`,
	"search":     `<circle cx="7" cy="7" r="4.8" {}/><path d="m10.6 10.6 3.6 3.6" {}/>`,
	"menu":       `<path d="M2 4.5h12M2 8h12M2 11.5h12" {}/>`,
	"home":       `<path d="M2.2 7.2 8 2.2l5.8 5v6.6H2.2Z" {}/>`,
	"exceptions": `<path d="M8 1.6 14.4 8 8 14.4 1.6 8Z" {}/>`,
	"customers":  `<circle cx="8" cy="5.2" r="2.7" {}/><path d="M2.6 13.8a5.4 5.4 0 0 1 10.8 0" {}/>`,
	"plans":      `<path d="M3 1.8h7l3 3v9.4H3Z" {}/><path d="M5.6 8.2h4.8M5.6 11h3" {}/>`,
	"activity":   `<path d="M2 8a6 6 0 1 0 2-4.5L2.2 5" {}/><path d="M2 2v3h3M8 5v3.3l2.2 1.4" {}/>`,
	"access":     `<circle cx="5" cy="11" r="3" {}/><path d="m7.2 8.8 6-6M11 5l2 2" {}/>`,
	"live":       `<circle cx="8" cy="8" r="4.2" fill="currentColor"/><circle cx="8" cy="8" r="7" fill="none" stroke="currentColor" stroke-width="1.4" opacity=".45"/>`,
	"watching":   `<path d="M1.2 8S3.6 3.5 8 3.5 14.8 8 14.8 8 12.4 12.5 8 12.5 1.2 8 1.2 8Z" {}/><circle cx="8" cy="8" r="2.1" fill="currentColor"/>`,
	"theme":      `<path d="M13.6 9.6A6 6 0 0 1 6.4 2.4a6 6 0 1 0 7.2 7.2Z" {}/>`,
	"person":     `<circle cx="8" cy="5" r="3" fill="currentColor"/><path d="M2.2 14.4a5.8 5.8 0 0 1 11.6 0Z" fill="currentColor"/>`,
	"churned":    `<circle cx="8" cy="8" r="5.2" fill="none" stroke="currentColor" stroke-width="1.8"/><path d="m4.4 11.6 7.2-7.2" stroke="currentColor" stroke-width="1.8"/>`,
	"active":     `<circle cx="8" cy="8" r="5.5" fill="currentColor"/>`,
	"dot":        `<circle cx="8" cy="8" r="4" fill="currentColor"/>`,
	"arrow":      `<path d="M2 8h11M9 4l4 4-4 4" {}/>`,
	"paused":     `<path d="M4 3h2.8v10H4zM9.2 3H12v10H9.2z" fill="currentColor"/>`,
	"ok":         `<circle cx="8" cy="8" r="7" fill="currentColor"/><path d="m4.9 8.2 2.1 2.1 4.1-4.4" fill="none" stroke="var(--panel)" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`,
	"link":       `<path d="M6.6 9.4a2.8 2.8 0 0 0 4 0l2.2-2.2a2.8 2.8 0 0 0-4-4l-.9.9M9.4 6.6a2.8 2.8 0 0 0-4 0L3.2 8.8a2.8 2.8 0 0 0 4 4l.9-.9" {}/>`,
	"lock":       `<rect x="3" y="7" width="10" height="7" rx="1.5" {}/><path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2" {}/>`,
	"warning":    `<path d="M8 1.6 15 14H1Z" {}/><path d="M8 6.2v3.6" {}/><circle cx="8" cy="11.8" r=".9" fill="currentColor"/>`,
	"empty":      `<circle cx="8" cy="8" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.4 2.4"/>`,
	"alert":      `<path d="M8 .8 15.2 8 8 15.2.8 8Z" fill="currentColor"/><path d="M8 4.6v3.9" fill="none" stroke="var(--panel)" stroke-width="1.7" stroke-linecap="round"/><circle cx="8" cy="11" r="1" fill="var(--panel)"/>`,
	"open":       `<circle cx="8" cy="8" r="6.2" {}/>`,
	"halted":     `<path d="M5 .9h6L15.1 5v6L11 15.1H5L.9 11V5Z" fill="currentColor"/><path d="M5 8h6" stroke="var(--panel)" stroke-width="2" stroke-linecap="round"/>`,
	"no":         `<circle cx="8" cy="8" r="6.6" {}/><path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" {}/>`,
	"info":       `<circle cx="8" cy="8" r="6.6" {}/><path d="M8 7.4v3.8" {}/><circle cx="8" cy="4.9" r=".9" fill="currentColor"/>`,
	"pause":      `<circle cx="8" cy="8" r="6.6" {}/><path d="M6.4 5.8v4.4M9.6 5.8v4.4" {}/>`,
}

// icon draws an icon. It is hidden from screen readers: the word is beside it.
func icon(name string, size int, class ...string) (template.HTML, error) {
	shape, ok := icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	box, look := 16, ""
	if name == "mark" {
		box = 22
	}
	if len(class) > 0 && class[0] != "" {
		look = fmt.Sprintf(` class="%s"`, template.HTMLEscapeString(class[0]))
	}
	return template.HTML(fmt.Sprintf(`<svg%s width="%d" height="%d" viewBox="0 0 %d %d" aria-hidden="true">%s</svg>`, // #nosec G203 -- our own drawings; the class is escaped
		look, size, size, box, box, strings.ReplaceAll(shape, "{}", stroke))), nil
}
