package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/connector/httpconn"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/connector/sqltable"
	"github.com/trueup-sync/trueup/internal/dialguard"
)

// SetTool keeps what was entered about a tool: settings in the draft, each secret in
// a file of its own. A secret that is left empty stays what it was.
func (s *Setup) SetTool(side Side, entered map[string]string) error {
	if err := s.enter(side, entered, false); err != nil {
		return err
	}
	_, err := s.connection(side)
	return err
}

// enter keeps what was entered. With later, what is missing is left to be filled in by
// hand.
func (s *Setup) enter(side Side, entered map[string]string, later bool) error {
	t := s.Draft().Tool(side)
	kind, ok := TypeOf(t.Type)
	if !ok {
		return Problems{{"", "Choose the tools first."}}
	}
	settings, secrets := map[string]string{}, map[string]string{}
	var wrong Problems
	var missing []string
	for _, f := range kind.FieldsOf(side) {
		text := strings.TrimSpace(entered[f.Key])
		if f.Long {
			text = strings.ReplaceAll(strings.Trim(entered[f.Key], "\r\n"), "\r\n", "\n")
		}
		switch {
		case f.Secret && text != "":
			secret, problem := usableSecret(text)
			if problem != "" {
				wrong.add(f.Key, "%s", problem)
			}
			secrets[f.Key] = secret
		case f.Secret && t.has(f.Key):
		case text == "" && !f.Optional && later && f.Long:
			settings[f.Key] = strings.TrimRight(f.Sample[side.index()], "\n")
		case text == "" && !f.Optional && later:
			missing = append(missing, f.Key)
		case text == "" && !f.Optional:
			wrong.add(f.Key, "This is missing. %s.", f.Hint)
		case text != "":
			settings[f.Key] = text
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return s.keepTool(side, settings, secrets, missing)
}

// keepTool keeps a tool's settings, and then its secrets: the draft knows which files
// are its own before they are there.
func (s *Setup) keepTool(side Side, settings, secrets map[string]string, later []string) error {
	if err := noSecretIn(settings["description"], s.Draft().Tool(side), side); err != nil {
		return err
	}
	ours := s.Draft().Tool(side)
	for field, secret := range secrets {
		if err := keepable(s.dir, secretFile(ours.Name, field), secret, ours.has(field)); err != nil {
			return Problems{{field, sentence(err.Error())}}
		}
	}
	err := s.change("", func(d *Draft) error {
		t := d.Tool(side)
		t.Settings, t.Later, t.Checked = settings, later, false
		if kind, _ := TypeOf(t.Type); kind.Polls && side == Source {
			t.Polls = true
		}
		t.Secrets = slices.Clone(t.Secrets)
		for _, field := range slices.Sorted(maps.Keys(secrets)) {
			if !t.has(field) {
				t.Secrets = append(t.Secrets, field)
			}
		}
		d.setTool(side, t)
		return nil
	})
	for field, secret := range secrets {
		if err == nil {
			err = s.keepSecret(secretFile(ours.Name, field), secret)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(side)
	return err
}

// noSecretIn refuses a description that holds a secret itself.
func noSecretIn(text string, t Tool, side Side) error {
	t.Settings = map[string]string{"description": text}
	if len(config.InlineSecrets(connectionText(t, side), ".", registry.Types())) > 0 {
		return Problems{{"description", "The description holds a secret. Write secrets_file: " + webhookSecret + " there, and paste the secret into its own field."}}
	}
	return nil
}

// connection reads what the draft says about one side. What is wrong is told by field.
func (s *Setup) connection(side Side) (config.Connection, error) {
	t := s.Draft().Tool(side)
	all, err := config.Connections(s.options.Path, connectionText(t, side), s.dir, registry.Types(), s.options.Env)
	var faults config.Faults
	if errors.As(err, &faults) {
		return config.Connection{}, problemsOf(faults, t, side)
	}
	return all[t.Name], err
}

// problemsOf tells the faults of one connection by the field that they are about.
func problemsOf(faults config.Faults, t Tool, side Side) (wrong Problems) {
	kind, _ := TypeOf(t.Type)
	for _, f := range faults {
		key := strings.TrimPrefix(strings.TrimPrefix(f.Path, "connections."+t.Name), ".")
		name, _, _ := strings.Cut(key, "[")
		name = strings.TrimSuffix(name, "_file")
		field := ""
		for _, one := range kind.FieldsOf(side) {
			if one.Key == name || one.Key == "token" && strings.HasPrefix(name, "auth") || one.Key == "webhook_secrets" && strings.HasPrefix(name, "webhook.verify.secrets") {
				field = one.Key
			}
		}
		text := key + " " + f.Problem
		if field != "" {
			text = f.Problem
		} else if slices.ContainsFunc(kind.Fields, func(f Field) bool { return f.Long }) {
			field = "description"
		}
		// An address, as it is called by who enters one.
		told := strings.ReplaceAll(joined(text, f.Remedy), "it is not an absolute http or https URL; write one such as https://sync.example.com", "it is not a whole web address. Write one such as https://crm.example.com/api")
		wrong.add(field, "%s.", strings.TrimSuffix(sentence(told), "."))
	}
	return wrong
}

func joined(problem, remedy string) string {
	if remedy == "" {
		return strings.TrimSpace(problem)
	}
	return strings.TrimSpace(problem) + "; " + remedy
}

// sentence begins a text with a capital letter.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// State says how a point of a look ended.
type State string

// The states.
const (
	Good    State = "good"
	Bad     State = "bad"
	Unknown State = "unknown"
)

// Point is one thing that a look at a tool found.
type Point struct {
	State State
	Text  string
	More  string
}

// Seen is what a look at a tool found.
type Seen struct {
	Points []Point
	At     time.Time
	// Fields are the places where the tool can keep a status, nil where a sync does not
	// have to say so.
	Fields []connector.Field
	// options are the values that the status can have there, nil where it can have any.
	options []string
	polls   bool
}

// OK reports whether nothing has to change before the next step.
func (s Seen) OK() bool {
	return len(s.Points) > 0 && !slices.ContainsFunc(s.Points, func(p Point) bool { return p.State == Bad })
}

// look is what is known of one side since this process began.
type look struct {
	seen   Seen
	survey *Survey
	cancel context.CancelFunc
	// counted is closed when the survey has ended.
	counted chan struct{}
}

// forget drops what was seen of a side; whoever calls holds the lock.
func (s *Setup) forget(side Side) {
	if l := s.looks[side]; l != nil && l.cancel != nil {
		l.cancel()
	}
	delete(s.looks, side)
	s.dropTest()
}

// Seen returns what the last look at a side found.
func (s *Setup) Seen(side Side) Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.looks[side]; l != nil {
		return l.seen
	}
	return Seen{}
}

// probeTime bounds a look at a tool.
const probeTime = 30 * time.Second

// Grants is the SQL that gives the user of a table what the sync needs, and nothing
// else; "" for another tool, and where the settings are not complete.
func (s *Setup) Grants(side Side) string {
	if s.Draft().Tool(side).Type != sqltable.Type {
		return ""
	}
	c, err := s.connection(side)
	if err != nil {
		return ""
	}
	text, err := sqltable.Export(c, c.Settings.(*sqltable.Settings).User(), side == Source, side == Target)
	if err != nil {
		return ""
	}
	return text
}

// Check reads from a tool what it lets this token see. It changes nothing there. Where
// nothing is in the way it also begins to count the values.
func (s *Setup) Check(ctx context.Context, side Side) (Seen, error) {
	c, err := s.connection(side)
	if err != nil {
		return Seen{}, err
	}
	t := s.Draft().Tool(side)
	opened, closed, err := open(c, connector.Use{Target: side == Target && t.Field != "", Field: t.Field})
	if err != nil {
		return Seen{}, err
	}
	defer closed()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	seen := see(ctx, opened, t, side)
	s.mu.Lock()
	s.forget(side)
	s.looks[side] = &look{seen: seen}
	s.mu.Unlock()
	if !seen.OK() {
		return seen, nil
	}
	err = s.change("", func(d *Draft) error {
		t := d.Tool(side)
		t.Checked, t.Polls = true, seen.polls && side == Source
		d.setTool(side, t)
		return nil
	})
	if err == nil {
		s.startSurvey(side)
	}
	return seen, err
}

func see(ctx context.Context, opened connector.Connection, t Tool, side Side) Seen {
	seen := Seen{At: time.Now(), polls: opened.Changes != nil}
	add := func(state State, text, more string) { seen.Points = append(seen.Points, Point{state, text, more}) }
	kind, _ := TypeOf(t.Type)
	label := kind.Label
	if kind.Name == httpconn.Type {
		label = "The tool"
	}
	if opened.Probe == nil {
		add(Unknown, "Nothing can be read from it", "It only sends events, so its token shows to be right with the first event.")
	} else {
		said, err := opened.Probe.Probe(ctx)
		for _, one := range said {
			if strings.HasPrefix(one, "nothing to probe") {
				add(Unknown, "We can’t check the token yet", "The description has no list, the only call that needs no customer’s id. Without it customers cannot be counted or compared either.")
				continue
			}
			text, more := plainly(one)
			add(Good, text, more)
		}
		if err != nil {
			add(Bad, titleOf(err, kind), sentence(err.Error())+".")
			return seen
		}
	}
	if opened.Fields != nil {
		fields, err := opened.Fields.Fields(ctx)
		if err != nil {
			add(Bad, "Can’t see custom fields", sentence(err.Error())+".")
		}
		seen.Fields = fields
	}
	if side == Target && opened.Options != nil {
		seen.options, _ = opened.Options.Options(ctx) // the probe has said why there are none
	}
	needsField := opened.Fields != nil && t.Field == ""
	switch {
	case side == Target && opened.Target == nil && !needsField:
		add(Bad, "It can’t be written", "Add read and write to the description.")
	case side == Target && kind.Name == sqltable.Type:
		// Its privileges were looked at.
	case side == Target:
		add(Unknown, "We can’t tell yet if it can write", label+" tells only at the first write, of a customer that you choose.")
	case opened.Changes == nil && kind.Name == sqltable.Type:
		add(Bad, "No change would ever be noticed", "Add updated_at or change_table to the other columns.")
	case opened.Receiver == nil && opened.Changes == nil && !needsField:
		add(Bad, "No change would ever arrive", "Add webhook to the description, or a list and record.updated_at to ask for changes.")
	case opened.Receiver == nil:
		seen.polls = true
		more := "Webhooks can be added later, in trueup.yaml."
		if kind.Name == sqltable.Type {
			more = "A table sends nothing by itself."
		}
		add(Good, "Trueup asks it for changes every 5 minutes", more)
	}
	return seen
}

// newest is what a connector says about the clock of its tool.
var newest = regexp.MustCompile(`^(the newest change .*) is dated (\S+), (.*)$`)

// plainly is what a connector found, in the words of the set-up, and the small print.
func plainly(found string) (text, more string) {
	if m := newest.FindStringSubmatch(found); m != nil {
		return sentence(m[1]) + " is " + m[3], "Dated " + m[2]
	}
	if rest, ok := strings.CutPrefix(found, "the credentials are accepted and "); ok {
		return "The token works, and " + rest, ""
	}
	return sentence(found), ""
}

// titleOf says in a few words how a look ended badly.
func titleOf(err error, kind Type) string {
	switch connector.FailureOf(err).Kind {
	case connector.Unauthorized:
		if kind.Name == sqltable.Type {
			return "The user, the password or a privilege was refused"
		}
		return "The token was refused"
	case connector.Misconfigured, connector.Refused, connector.Gone:
		return "It does not answer as expected"
	case connector.RateLimited:
		return "It allows no more calls right now"
	}
	return "It could not be reached"
}

// open opens a connection with its tool's rate limit. closed ends what it left open.
func open(c config.Connection, use connector.Use) (opened connector.Connection, closed func(), err error) {
	client := dialguard.Client(c.Name, c.AlsoAllow)
	deps := connector.Deps{HTTP: client, Use: use}
	if limit := c.CallLimit(); limit != nil {
		deps.Gate = &pace{gap: limit.Per / time.Duration(limit.Requests)}
	}
	opened, err = registry.Open(c, deps)
	return opened, func() { opened.Closed(); client.CloseIdleConnections() }, err
}

// pace is a connector.Gate of this process alone: one call in each gap.
type pace struct {
	gap  time.Duration
	mu   sync.Mutex
	next time.Time
}

// Wait implements connector.Gate.
func (p *pace) Wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.gap)
	p.mu.Unlock()
	timer := time.NewTimer(at.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the rate limit: %w", ctx.Err())
	}
}
