package smtp

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/trueup-sync/trueup/internal/notify"
)

const (
	mostSubject = 150
	mostAnswer  = 200
)

// letter puts a message into an email. from is the address alone.
func (s *SMTP) letter(m notify.Message) (text []byte, from string, err error) {
	sender, err := mail.ParseAddress(s.From)
	if err != nil {
		return nil, "", err
	}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(sender)
	if err := letter.To(s.To...); err != nil {
		return nil, "", err
	}
	letter.Subject("[Trueup] " + line(m.Title, mostSubject))
	_, host, _ := strings.Cut(sender.Address, "@")
	letter.SetMessageIDWithValue(m.ID + "@" + host)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // nobody's absence is told to it (RFC 3834)
	letter.SetGenHeader("X-Auto-Response-Suppress", "All")  // the same for Exchange
	letter.SetBodyString(gomail.TypeTextPlain, body(m))
	var whole bytes.Buffer // so that no half of it is ever sent
	_, err = letter.WriteTo(&whole)
	return whole.Bytes(), sender.Address, err
}

// body is what a message says, in the order of its weight.
func body(m notify.Message) string {
	var parts []string
	add := func(lines ...string) {
		if len(lines) > 0 {
			parts = append(parts, strings.Join(lines, "\n"))
		}
	}
	add(line(m.Title, mostSubject))
	if m.Text != "" {
		add(m.Text)
	}
	var facts, items, more []string
	if m.Owner.Name != "" {
		facts = append(facts, "Owner: "+m.Owner.Name)
	}
	for _, f := range m.Facts {
		facts = append(facts, f.Name+": "+f.Value)
	}
	for _, l := range m.List {
		items = append(items, "- "+strings.Join(strings.Fields(l), " "))
	}
	more = append(more, m.Notes...)
	for _, l := range m.Links {
		more = append(more, fmt.Sprintf("%s: %s", l.Text, l.URL))
	}
	add(facts...)
	add(items...)
	add(more...)
	return notify.Mask(strings.ToValidUTF8(strings.Join(parts, "\n\n"), "\uFFFD")) + "\n"
}

// line is a text in one line of at most so many characters, masked.
func line(text string, most int) string {
	text = notify.Mask(strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " "))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
