package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/trueup-sync/trueup/internal/newfile"
	"github.com/trueup-sync/trueup/internal/status"
)

// Step is one page of the set-up.
type Step string

// The steps.
const (
	Direction Step = "direction"
	Connect   Step = "connect"
	Map       Step = "map"
	Match     Step = "match"
	Event     Step = "event"
	Try       Step = "try"
	Watch     Step = "watch"
)

// Steps are all steps, in their order.
var Steps = []Step{Direction, Connect, Map, Match, Event, Try, Watch}

// Number is the step's place, from 1; 0 for none of them.
func (s Step) Number() int {
	for i, one := range Steps {
		if one == s {
			return i + 1
		}
	}
	return 0
}

// Next is the step after, and the last one after itself.
func (s Step) Next() Step { return Steps[min(s.Number(), len(Steps)-1)] }

// Draft is what a person has said so far. It holds no secret.
type Draft struct {
	// Done is the last step that was finished, "" for none.
	Done Step `json:"done"`

	Listen    string `json:"listen"`
	PublicURL string `json:"public_url"`
	Database  string `json:"database"`
	Sync      string `json:"sync"`
	Owner     string `json:"owner"`

	Source Tool `json:"source"`
	Target Tool `json:"target"`

	// Values are what the source's values mean, in the order in which they were shown.
	Values []Value `json:"values"`
	// To is the target's value for each status.
	To map[status.Status]string `json:"to"`

	Rules         []Rule  `json:"rules"`
	MinConfidence float64 `json:"min_confidence"`
	// NoMassLimit turns off the limit on mass changes.
	NoMassLimit bool `json:"no_mass_limit"`
}

// Tool is one side.
type Tool struct {
	// Name is the connection's.
	Name string `json:"name"`
	Type string `json:"type"`
	// Settings are the keys that are no secret, by the name of their field.
	Settings map[string]string `json:"settings"`
	// Secrets are the fields whose secret has a file.
	Secrets []string `json:"secrets"`
	// Later are the fields that a person fills in by hand: the file says where.
	Later []string `json:"later,omitempty"`
	// Field is where the tool keeps the status, for those with several places.
	Field string `json:"field"`
	// Checked says that the tool was seen with these settings; Polls that it can be
	// asked for changes.
	Checked bool `json:"checked"`
	Polls   bool `json:"polls"`
}

// Value is a value of the source.
type Value struct {
	Value string `json:"value"`
	// Means is a status, Ignored, or "" for not known yet.
	Means status.Status `json:"means"`
	// Proposed is what a value without a meaning likely means. Only a person makes it one.
	Proposed status.Status `json:"-"`
	// Customers is how many have it, where that was counted.
	Customers int `json:"customers"`
}

// Ignored is the meaning of a value that is not synced.
const Ignored status.Status = "ignore"

// Rule is one match rule.
type Rule struct {
	Source     string  `json:"source"`
	Target     string  `json:"target"`
	Confidence float64 `json:"confidence"`
}

// The statuses that a set-up knows; the file can have others.
var statuses = []status.Status{"active", "paused", "churned"}

// Gaps returns the values that have no meaning yet.
func (d Draft) Gaps() (all []Value) {
	for _, v := range d.Values {
		if v.Means == "" {
			all = append(all, v)
		}
	}
	return all
}

// Unwritten returns the statuses that values mean and for which no value of the target
// is known yet.
func (d Draft) Unwritten() (all []status.Status) {
	for _, one := range statuses {
		if len(d.from(one)) > 0 && d.To[one] == "" {
			all = append(all, one)
		}
	}
	return all
}

// from returns the values that mean a status.
func (d Draft) from(means status.Status) (all []string) {
	for _, v := range d.Values {
		if v.Means == means {
			all = append(all, v.Value)
		}
	}
	return all
}

// Reached reports whether a step may be opened: those before it are done.
func (d Draft) Reached(s Step) bool { return s.Number() <= d.Done.Number()+1 }

// DraftSuffix makes the name of the file that keeps a draft, of that of the file to be.
const DraftSuffix = ".setup"

// DatabaseName is the file of the database that a set-up begins.
const DatabaseName = "trueup.db"

// DatabaseOf is where a set-up keeps the database: beside the file to be or, where
// systemd runs the service, in the folder that it has for the service's state. It is
// written into the file as it is, so that a path without a folder stays beside it.
func DatabaseOf(env func(string) (string, bool)) string {
	// With several folders, they stand behind one another with colons.
	folders, _ := env("STATE_DIRECTORY")
	first, _, _ := strings.Cut(folders, ":")
	return filepath.Join(first, DatabaseName)
}

func draftPath(path string) string { return path + DraftSuffix }

// load returns the draft beside the file to be; found is false when there is none.
func load(path string) (d Draft, found bool, err error) {
	text, err := os.ReadFile(draftPath(path)) // #nosec G304 -- beside the file that the person who runs this names
	if errors.Is(err, fs.ErrNotExist) {
		return Draft{}, false, nil
	}
	if err != nil {
		return Draft{}, false, fmt.Errorf("read the set-up that was begun: %w", err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return Draft{}, false, fmt.Errorf("%s holds no set-up that can be continued (%w); remove it to begin anew", draftPath(path), err)
	}
	return d, true, nil
}

// save keeps the draft.
func (d Draft) save(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the set-up: %w", err)
	}
	return replace(draftPath(path), append(text, '\n'))
}

// replace writes a file that only its owner can read, as a whole or not at all.
func replace(path string, text []byte) error {
	name, err := beside(path, text)
	if err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(name))
	}
	return newfile.SyncFolder(filepath.Dir(path))
}

// beside writes a text into a new file of the same folder and returns its name.
func beside(path string, text []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".trueup-*") // its mode is 0600
	if err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}
