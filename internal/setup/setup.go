package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/newfile"
)

// Options is what a set-up is begun with.
type Options struct {
	// Path is the trueup.yaml to be.
	Path string
	// Listen is where the service is to listen; "" is the usual address.
	Listen string
	// Database is where the database is to be; "" is the usual place, see DatabaseOf.
	Database string
	Env      func(string) (string, bool)
	Log      *slog.Logger
}

// Setup is one set-up under way. Its methods may be called from several goroutines.
type Setup struct {
	options Options
	dir     string

	mu    sync.Mutex
	draft Draft
	// continued says that the draft was there at Open; made are the files of secrets that
	// are new since.
	continued bool
	made      []string
	looks     map[Side]*look
	test      *MatchTest
	endTest   context.CancelFunc
	// ended ends what reads from tools in the background.
	ended context.Context
	end   context.CancelFunc
	jobs  sync.WaitGroup
}

// Open continues the set-up of a path, or begins one.
func Open(o Options) (*Setup, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	d, found, err := load(o.Path)
	if err != nil {
		return nil, err
	}
	if !found {
		d = Draft{Listen: "127.0.0.1:8080", Database: DatabaseOf(o.Env), Sync: "customer-status", MinConfidence: 0.8}
	}
	if o.Listen != "" {
		d.Listen = o.Listen
	}
	if o.Database != "" {
		d.Database = o.Database
	}
	s := &Setup{options: o, dir: filepath.Dir(o.Path), draft: d, continued: found, looks: map[Side]*look{}}
	s.ended, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Close ends what still reads from tools.
func (s *Setup) Close() {
	s.end()
	s.jobs.Wait()
}

// Abandon removes what this set-up has written, and reports whether it did. One that was
// begun before stays: somebody is at work on it.
func (s *Setup) Abandon() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.continued {
		return false
	}
	for _, file := range s.made {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false // the draft knows which secrets are its own
		}
		os.Remove(filepath.Dir(file)) // only when it is empty
	}
	s.made = nil
	s.dropDraft()
	return true
}

// Path is the trueup.yaml to be.
func (s *Setup) Path() string { return s.options.Path }

// Draft returns what was said so far.
func (s *Setup) Draft() Draft {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft
}

// Problem is something wrong with what a person has entered.
type Problem struct {
	// Field is the name of the field, "" for the step as a whole.
	Field string
	Text  string
}

// Problems are all that is wrong with what was entered.
type Problems []Problem

func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i, one := range p {
		texts[i] = one.Text
	}
	return strings.Join(texts, " ")
}

// Of returns what is wrong with a field, "" for nothing.
func (p Problems) Of(field string) string {
	for _, one := range p {
		if one.Field == field {
			return one.Text
		}
	}
	return ""
}

func (p *Problems) add(field, format string, args ...any) {
	*p = append(*p, Problem{field, fmt.Sprintf(format, args...)})
}

// DirectionAnswer is what is entered in the first step.
type DirectionAnswer struct {
	Source, Target         string // types
	SourceName, TargetName string // of the connections; "" is the usual one
	Sync, Owner            string
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

const nameProblem = "The name of %s needs 1 to 63 of the characters a-z, 0-9, - and _. It becomes part of addresses and commands."

// Named is the answer with the usual name of each tool that has none.
func (a DirectionAnswer) Named() DirectionAnswer {
	source, _ := TypeOf(a.Source)
	target, _ := TypeOf(a.Target)
	if a.SourceName == "" {
		a.SourceName = source.Usual[0]
	}
	if a.TargetName == "" {
		if a.TargetName = target.Usual[1]; a.TargetName == a.SourceName {
			a.TargetName += "-2"
		}
	}
	return a
}

// TypeProblem says what is wrong with the type that is chosen for a side, "" for nothing.
// It names those that can be chosen.
func TypeProblem(side Side, chosen string) string {
	if t, ok := TypeOf(chosen); ok && t.Can(side) {
		return ""
	}
	does := [...]string{"decides", "follows"}[side.index()]
	if chosen == "" {
		return "Choose the tool that " + does + "."
	}
	return fmt.Sprintf("%s is not a tool that %s. Choose one of %s.", quoted(chosen), does, strings.Join(TypesOf(side), ", "))
}

// OwnerProblem says what is wrong with the owner that is entered, "" for nothing.
func OwnerProblem(owner string) string {
	if a, err := mail.ParseAddress(owner); owner == "" || err == nil && a.Address == owner && len(owner) <= 254 {
		return ""
	}
	return "Write one email address, such as dana@example.com."
}

// SetDirection keeps which tool decides and which follows. Another tool than before
// begins its steps anew.
func (s *Setup) SetDirection(a DirectionAnswer) error {
	var wrong Problems
	if problem := TypeProblem(Source, a.Source); problem != "" {
		wrong.add("source", "%s", problem)
	}
	if problem := TypeProblem(Target, a.Target); problem != "" {
		wrong.add("target", "%s", problem)
	}
	a = a.Named()
	if len(wrong) == 0 {
		for _, one := range []struct{ field, name, of string }{{"name", a.Sync, "the sync"}, {"source_name", a.SourceName, "the tool that decides"}, {"target_name", a.TargetName, "the tool that follows"}} {
			if !validName.MatchString(one.name) {
				wrong.add(one.field, nameProblem, one.of)
			}
		}
	}
	if a.SourceName == a.TargetName && len(wrong) == 0 {
		wrong.add("target_name", "Both tools have the same name. Give each its own.")
	}
	if problem := OwnerProblem(a.Owner); problem != "" {
		wrong.add("owner", "%s", problem)
	}
	if len(wrong) > 0 {
		return wrong
	}
	return s.change(Direction, func(d *Draft) error {
		for side, to := range map[Side]Tool{Source: {Name: a.SourceName, Type: a.Source}, Target: {Name: a.TargetName, Type: a.Target}} {
			if t := d.Tool(side); t.Name == to.Name && t.Type == to.Type {
				continue
			}
			if err := dropSecrets(s.dir, d.Tool(side)); err != nil {
				return fmt.Errorf("remove the secrets of the tool from before: %w", err)
			}
			d.setTool(side, to)
			d.Values, d.To, d.Rules = nil, nil, nil
			d.Done = Direction
			s.forget(side)
		}
		d.Sync, d.Owner = a.Sync, a.Owner
		return nil
	})
}

// SetPublicURL keeps where the tools reach the service; "" is not known.
func (s *Setup) SetPublicURL(text string) error {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); text != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "") {
		return Problems{{"public_url", "Write an address such as https://sync.example.com."}}
	}
	return s.change("", func(d *Draft) error { d.PublicURL = strings.TrimSuffix(text, "/"); return nil })
}

// SetMassLimit keeps whether a mass change halts the sync.
func (s *Setup) SetMassLimit(on bool) error {
	return s.change("", func(d *Draft) error { d.NoMassLimit = !on; return nil })
}

// Finish notes that a step was finished.
func (s *Setup) Finish(step Step) error {
	if !s.Draft().Reached(step) {
		return Problems{{"", "Finish the steps before this one first."}}
	}
	return s.change(step, func(*Draft) error { return nil })
}

// change changes the draft and keeps it. done is the step that this finishes.
func (s *Setup) change(done Step, f func(*Draft) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.draft
	if err := f(&d); err != nil {
		return err
	}
	if done.Number() > d.Done.Number() {
		d.Done = done
	}
	if err := d.save(s.options.Path); err != nil {
		return err
	}
	s.draft = d
	return nil
}

// Tool returns one side.
func (d Draft) Tool(side Side) Tool {
	if side == Target {
		return d.Target
	}
	return d.Source
}

func (d *Draft) setTool(side Side, t Tool) {
	if side == Target {
		d.Target = t
		return
	}
	d.Source = t
}

// Config is the configuration that the draft gives, as trueup check reads it.
func (s *Setup) Config() (*config.Config, error) {
	d := s.Draft()
	return config.Parse(s.options.Path, d.Text(), s.dir, registry.Types(), s.options.Env)
}

// ErrExists says that there is a trueup.yaml already, which is not written over.
var ErrExists = errors.New("the file exists already, and was not changed")

// Write writes the file and ends the set-up. The draft is gone then.
func (s *Setup) Write() (*config.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, path := s.draft.Text(), s.options.Path
	cfg, err := config.Parse(path, text, s.dir, registry.Types(), s.options.Env)
	if err != nil {
		return nil, err
	}
	if err := create(path, text); err != nil {
		return nil, err
	}
	s.dropDraft()
	return cfg, nil
}

func (s *Setup) dropDraft() {
	if err := os.Remove(draftPath(s.options.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.options.Log.Warn("could not remove the draft of the set-up", slog.Any("error", err))
	}
}

// create writes a file that is not there yet, as a whole or not at all.
func create(path string, text []byte) error {
	name, err := beside(path, text)
	if err != nil {
		return err
	}
	err = newfile.Name(name, path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		err = fmt.Errorf("%s: %w", path, ErrExists)
	default:
		err = fmt.Errorf("write %s: %w", path, err)
	}
	return errors.Join(err, os.Remove(name))
}

// Loopback reports whether an address to listen on is one of this machine only.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
