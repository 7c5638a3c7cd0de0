package setup

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/connector/makecom"
	"github.com/trueup-sync/trueup/internal/status"
)

// Line is one line of trueup.yaml to be.
type Line struct {
	Text string
	// Number is its place in the file so far; 0 stands for lines that are left out.
	Number int
	// New says that the step that is shown adds it.
	New bool
}

// Lines returns the file as it is after a step, with what that step adds marked. Until
// the last step, what says little to whoever looks is left out: the head of the file,
// and how each tool is reached.
func (d Draft) Lines(at Step) []Line {
	var all []Line
	number := 0
	for _, l := range d.write() {
		if l.step.Number() > at.Number() {
			continue
		}
		number++
		left := at != Watch && at != l.step && (l.step == Connect || strings.HasPrefix(l.text, "#") || l.text == "")
		switch {
		case !left:
			all = append(all, Line{Text: l.text, Number: number, New: l.step == at})
		case l.step == Connect && len(all) > 0 && all[len(all)-1].Number > 0:
			all = append(all, Line{Text: "    …"})
		}
	}
	return all
}

// Text returns the whole file.
func (d Draft) Text() []byte {
	w := &writer{lines: d.write()}
	return []byte(w.text())
}

// connectionText is a file that tells of one tool only.
func connectionText(t Tool, side Side) []byte {
	w := &writer{}
	w.add("connections:")
	w.connection(t, side)
	return []byte(w.text())
}

// writer collects lines, each with the step that adds it.
type writer struct {
	step  Step
	lines []written
}

type written struct {
	text string
	step Step
}

func (w *writer) add(format string, args ...any) {
	w.lines = append(w.lines, written{fmt.Sprintf(format, args...), w.step})
}

// at sets the step that adds the lines that follow.
func (w *writer) at(s Step) { w.step = s }

func (d Draft) write() []written {
	w := &writer{}
	w.at(Direction)
	w.add("# Made by Trueup's set-up. This file stays the truth: edit it by hand at any time, then run trueup check.")
	w.add("# An editor completes and checks it after: trueup config schema > trueup.schema.json")
	w.add("# yaml-language-server: $schema=./trueup.schema.json")
	w.add("")
	w.add("listen: %s", onLine(d.Listen))
	if d.PublicURL != "" {
		w.at(Event)
		w.add("public_url: %s   # where the tools reach Trueup", onLine(d.PublicURL))
		w.at(Direction)
	}
	// Its address may be in a variable, as it has a password.
	w.add("database: %s   # a path is SQLite; postgres://... is PostgreSQL", strings.ReplaceAll(word(d.Database), "$${", "${"))
	w.at(Watch)
	w.add("# On by default, so left out here:")
	w.add("# retention: {payloads: 30d, history: 400d}   # what is older is deleted")
	w.at(Direction)
	w.add("")
	w.connections(d)
	w.add("")
	w.sync(d)
	return w.lines
}

func (w *writer) connections(d Draft) {
	w.at(Direction)
	w.add("connections:")
	w.connection(d.Source, Source)
	w.connection(d.Target, Target)
	w.at(Direction)
}

func (w *writer) connection(t Tool, side Side) {
	w.at(Direction)
	w.add("  %s:   # %s", entered(t.Name), [...]string{"decides; nothing is ever written to it", "follows"}[side.index()])
	w.add("    type: %s", entered(t.Type))
	w.at(Connect)
	w.settings(t, side)
}

// entered is a word, or three dots while it has not been entered.
func entered(text string) string {
	if text == "" {
		return "..."
	}
	return word(text)
}

func (w *writer) text() string {
	var b strings.Builder
	for _, l := range w.lines {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// settings writes what belongs to one connection's type.
func (w *writer) settings(t Tool, side Side) {
	kind, ok := TypeOf(t.Type)
	if !ok {
		return
	}
	for _, f := range kind.FieldsOf(side) {
		file := word(secretFile(t.Name, f.Key))
		switch value := t.Settings[f.Key]; {
		case f.Secret && !t.has(f.Key) && !t.later(f.Key):
		case !f.Secret && t.later(f.Key):
			w.add("    %s: \"\"   # still to write: %s", f.Key, f.Hint)
		case t.Type == httpconn.Type && f.Key == "token":
			w.add("    auth: {bearer_file: %s}", file)
		case t.Type == httpconn.Type && f.Secret:
			// It stands inside the description, under verify.
		case t.Type == makecom.Type && f.Key == "webhook_secrets":
			w.add("    webhook: {verify: {scheme: header, name: X-Trueup-Key, secrets_file: %s}}", file)
		case f.Secret:
			w.add("    %s_file: %s", f.Key, file)
		case f.Long:
			for line := range strings.Lines(namingFile(value, word(secretFile(t.Name, "webhook_secrets")))) {
				w.add("    %s", strings.TrimRight(line, " \r\n"))
			}
		case value != "":
			w.add("    %s: %s", f.Key, onLine(value))
		}
	}
}

const (
	// webhookSecret stands in a description for the file with the secret of its webhooks.
	webhookSecret  = "WEBHOOK_SECRET"
	secretVariable = `["']?\$\{` + webhookSecret + `\}["']?`
)

// A description can name it as the file, or as the only variable of the list that
// docs/connectors/http.md shows.
var (
	secretAsFile  = regexp.MustCompile(`(\w_file:[ \t]*["']?)` + webhookSecret + `\b`)
	secretInFlow  = regexp.MustCompile(`\bsecrets:[ \t]*\[[ \t]*` + secretVariable + `[ \t]*\]`)
	secretInBlock = regexp.MustCompile(`\bsecrets:[ \t]*(#.*)?\n[ \t]*-[ \t]*` + secretVariable + `[ \t]*(#.*)?(\n(?:[ \t]*(?:#.*)?\n)*[ \t]*-)?`)
)

// namingFile has a description name the file with the secret of its webhooks. A variable
// of any other name stays one of the environment.
func namingFile(description, file string) string {
	text := secretInFlow.ReplaceAllString(description, "secrets_file: "+webhookSecret)
	text = secretInBlock.ReplaceAllStringFunc(text, func(list string) string {
		if secretInBlock.FindStringSubmatch(list)[3] != "" {
			return list // it has several
		}
		return "secrets_file: " + webhookSecret
	})
	return secretAsFile.ReplaceAllString(text, "${1}"+file)
}

func (w *writer) sync(d Draft) {
	w.at(Direction)
	w.add("syncs:")
	w.add("  %s:", entered(d.Sync))
	w.add("    source: {connection: %s%s%s}", entered(d.Source.Name), fieldOf(d.Source), pollOf(d.Source))
	w.add("    target: {connection: %s%s}", entered(d.Target.Name), fieldOf(d.Target))
	w.at(Match)
	w.add("    match:   # tried in order; the first rule that finds exactly one record wins")
	for _, r := range d.Rules {
		sure := ""
		if r.Confidence < 1 {
			sure = ", confidence: " + number(r.Confidence)
		}
		w.add("      - {source: %s, target: %s%s}", word(r.Source), word(r.Target), sure)
	}
	w.add("    min_confidence: %s   # below it nothing is written, an owner decides", number(d.MinConfidence))
	w.at(Map)
	w.add("    statuses:   # the word of Trueup, the values of %s, the value of %s", d.Source.Name, d.Target.Name)
	for _, s := range statuses {
		from := d.from(s)
		switch {
		case len(from) == 0:
		case d.To[s] == "": // only while it is being filled in
			w.add("      # %s: {from: [%s], to: ...}", s, words(from))
		default:
			w.add("      %s: {from: [%s], to: %s}", s, words(from), word(d.To[s]))
		}
	}
	if from := d.from(Ignored); len(from) > 0 {
		w.add("    ignore: [%s]   # known, and not synced", words(from))
	}
	for _, v := range d.Gaps() {
		w.add("    # no meaning yet: %s. Customers who have it become exceptions.", quoted(v.Value))
	}
	w.at(Watch)
	w.add("    mode: watch   # decides and records, writes nothing; live writes")
	w.add("    first_contact: ask   # a record that differs and that Trueup never wrote: an owner decides")
	w.protections(d)
	if d.Owner != "" {
		w.at(Direction)
		w.add("    owners: {default: %s}   # who is asked; others can be named by kind", word(d.Owner))
	}
}

func (w *writer) protections(d Draft) {
	if d.NoMassLimit {
		w.add("    limits: {mass_change: off}   # nothing stops a mass change; writes_per_customer is on by default")
		w.add("    # On by default, so left out here:")
	} else {
		w.add("    # On by default, so left out here:")
		var to []string
		for _, one := range d.Stops() {
			to = append(to, string(one))
		}
		w.add("    # limits:")
		if len(to) > 0 {
			w.add("    #   mass_change: {to: [%s], customers: 50, percent: 5, within: 1h}   # beyond it the sync halts until a person resumes it", strings.Join(to, ", "))
		}
		w.add("    #   writes_per_customer: {count: 6, within: 10m}   # beyond it the customer waits for an owner")
	}
	w.add("    # conflict: {rule: skip_newer_human_edit, clock_skew: 2s}   # a person's newer edit stays")
	w.add("    # sweep: {every: 24h, repair: true}   # compares both sides in full, where both can be listed")
}

// Stops are the statuses of the file that the limit on mass changes counts.
func (d Draft) Stops() (all []status.Status) {
	for _, s := range []status.Status{"paused", "churned"} {
		if len(d.from(s)) > 0 {
			all = append(all, s)
		}
	}
	return all
}

func fieldOf(t Tool) string {
	if t.Field == "" {
		return ""
	}
	return ", field: " + word(t.Field)
}

func pollOf(t Tool) string {
	if !t.Polls {
		return ""
	}
	return ", poll: 5m"
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// plainText is what YAML reads as the text that it is, wherever it stands; an address is
// one only on a line of its own.
var (
	plainText   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.@/-]*[A-Za-z0-9]$`)
	plainOnLine = regexp.MustCompile(`^([0-9.]+:[0-9]+|https?://[A-Za-z0-9./:_-]+)$`)
)

// word writes a text as one value of YAML that means just that text.
func word(text string) string {
	text = strings.ReplaceAll(text, "${", "$${")
	if quotedOrNot := config.Scalar(text); quotedOrNot == text || !plainText.MatchString(text) || reserved(text) {
		return quotedOrNot
	}
	return text
}

// reserved reports whether YAML reads a text as something else than a text.
func reserved(text string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "null"}, strings.ToLower(text))
}

// onLine writes a text as word does, where nothing stands after it but a comment.
func onLine(text string) string {
	if plainOnLine.MatchString(text) {
		return text
	}
	return word(text)
}

// quoted shows a text in a comment, on one line.
func quoted(text string) string { return strconv.Quote(text) }

func words(all []string) string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = word(one)
	}
	return strings.Join(out, ", ")
}
