package slack

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/trueup-sync/trueup/internal/notify"
)

// What Slack takes at most (docs.slack.dev/reference/block-kit/blocks), counted
// in characters; mostBytes is for all blocks together, which is not documented
// and was seen to be about 13,200 (github.com/slackapi/bolt-js/issues/2509).
const (
	mostHeader  = 150
	mostText    = 3000
	mostField   = 300 // 2000 are allowed; a status is short
	mostFields  = 10
	mostNote    = 400
	mostContext = 10
	mostButtons = 5
	mostLabel   = 75
	mostValue   = 2000
	mostConfirm = 300
	mostSummary = 300
	shortest    = 40
	mostBytes   = 12_000
)

// icons are Slack's names for them.
var icons = map[notify.Icon]string{
	notify.Alarm: ":red_circle:", notify.Seen: ":large_yellow_circle:", notify.Done: ":white_check_mark:",
	notify.Muted: ":no_bell:", notify.Clock: ":alarm_clock:", notify.News: ":clipboard:",
}

// render turns a message into blocks, and into the text that notifications
// show. What is too long altogether loses the ends of its texts, and its buttons
// if they alone are too long.
func render(m notify.Message) (blocks []slackgo.Block, text string) {
	text = escaped(strings.TrimSuffix(m.Title+": "+m.Text, ": "), mostSummary)
	for long := mostText; ; long /= 2 {
		if long < shortest {
			long, m.Buttons = mostText, nil
		}
		blocks = layout(m, long)
		all, err := json.Marshal(blocks)
		if err != nil || len(all) <= mostBytes || len(m.Buttons) == 0 && long/2 < shortest {
			return blocks, text
		}
	}
}

// layout makes the blocks with texts of at most so many characters.
func layout(m notify.Message, long int) []slackgo.Block {
	blocks := []slackgo.Block{slackgo.NewHeaderBlock(slackgo.NewTextBlockObject(slackgo.PlainTextType, cut(icons[m.Icon]+" "+m.Title, min(mostHeader, long)), true, false))}
	if m.Text != "" {
		// Plain text: nothing in it can mention anybody or look like ours.
		blocks = append(blocks, slackgo.NewSectionBlock(plain(m.Text, long), nil, nil))
	}
	if fields := fieldsOf(m, min(mostField, long)); len(fields) > 0 {
		blocks = append(blocks, slackgo.NewSectionBlock(nil, fields, nil))
	}
	if len(m.List) > 0 {
		blocks = append(blocks, slackgo.NewSectionBlock(plain(listed(m.List, long), long), nil, nil))
	}
	if notes := notesOf(m, min(mostNote, long)); len(notes) > 0 {
		blocks = append(blocks, slackgo.NewContextBlock("", notes...))
	}
	if len(m.Buttons) > 0 {
		blocks = append(blocks, slackgo.NewActionBlock("", buttonsOf(m, long)...))
	}
	return blocks
}

func fieldsOf(m notify.Message, most int) []*slackgo.TextBlockObject {
	var fields []*slackgo.TextBlockObject
	add := func(name, marked string) {
		if len(fields) < mostFields {
			fields = append(fields, slackgo.NewTextBlockObject(slackgo.MarkdownType, "*"+name+"*\n"+marked, false, true))
		}
	}
	if m.Owner.Name != "" || m.Owner.ID != "" {
		add("Owner", mention(m.Owner, most))
	}
	for _, f := range m.Facts {
		add(f.Name, escaped(f.Value, most))
	}
	return fields
}

// mention names a person, so that Slack tells him when it knows him.
func mention(p notify.Person, most int) string {
	if memberID(p.ID) {
		return "<@" + p.ID + ">"
	}
	return escaped(p.Name, most)
}

// memberID reports whether a text is no more than a member's id.
func memberID(id string) bool {
	return id != "" && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func notesOf(m notify.Message, most int) []slackgo.MixedElement {
	var notes []slackgo.MixedElement
	add := func(marked string) {
		if len(notes) < mostContext {
			notes = append(notes, slackgo.NewTextBlockObject(slackgo.MarkdownType, marked, false, true))
		}
	}
	for _, l := range m.Links {
		add("<" + strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "&", "&amp;").Replace(l.URL) + "|" + escaped(l.Text, most) + ">")
	}
	for _, n := range m.Notes {
		add(escaped(n, most))
	}
	return notes
}

func buttonsOf(m notify.Message, long int) []slackgo.BlockElement {
	var buttons []slackgo.BlockElement
	for _, b := range m.Buttons {
		if len(buttons) == mostButtons || utf8.RuneCountInString(b.Value) > mostValue {
			continue // a value that is cut would mean something else
		}
		e := slackgo.NewButtonBlockElement(string(b.Verb), b.Value, plain(b.Label, min(mostLabel, long)))
		if b.Confirm != "" {
			e.Confirm = slackgo.NewConfirmationBlockObject(plain("Are you sure?", mostLabel), plain(b.Confirm, min(mostConfirm, long)), plain(b.Label, 30), plain("Cancel", 30))
		}
		buttons = append(buttons, e)
	}
	return buttons
}

// listed is a list as far as it fits.
func listed(items []string, most int) string {
	var b strings.Builder
	for i, item := range items {
		line := "• " + cut(strings.Join(strings.Fields(item), " "), mostField) + "\n"
		if utf8.RuneCountInString(b.String())+utf8.RuneCountInString(line) > most-len("… \n") && i < len(items)-1 {
			b.WriteString("…")
			break
		}
		b.WriteString(line)
	}
	return strings.TrimRight(b.String(), "\n")
}

func plain(text string, most int) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, cut(text, most), false, false)
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escaped is a text in Slack's own markup that means nothing but itself, at
// most so many characters of it.
func escaped(text string, most int) string { return escaper.Replace(cut(text, most)) }
