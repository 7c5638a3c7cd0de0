package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/setup"
	"github.com/trueup-sync/trueup/internal/status"
)

// inited is what trueup init prints as JSON.
type inited struct {
	Config string `json:"config"`
	Mode   string `json:"mode"`
	// Secrets are files that were made, Missing those that a person still has to make.
	Secrets []string `json:"secrets"`
	Missing []string `json:"missing_secrets"`
	// Unwritten are statuses for which no value of the target is known yet.
	Unwritten []status.Status `json:"statuses_without_value"`
	// Gaps are values of the source without a meaning.
	Gaps []initGap `json:"gaps"`
	// Faults are what trueup check still finds in the file.
	Faults []fault `json:"faults"`
	Next   string  `json:"next"`
}

type initGap struct {
	Value     string `json:"value"`
	Customers int    `json:"customers"`
}

// initOptions are the flags of trueup init.
type initOptions struct {
	direction setup.DirectionAnswer
	listen    string
	database  string
	publicURL string
	set       []string
	means     []string
	to        []string
	match     []string
	from      string
	noLive    bool
	force     bool
}

func initCommand() *cobra.Command {
	o := initOptions{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a trueup.yaml: from questions, from flags, or from an example",
		Long: `Write a commented trueup.yaml in mode watch, which writes nothing to any tool. In a
terminal it asks for what no flag says: which tool decides and which follows, a token for
each, what the values mean, and how customers are matched. Elsewhere it never asks; what
is missing is marked in the file, listed, and the exit code is 3.

If a tool has its token, its records are read (nothing is changed there): the map is
filled in with the values that it holds, and those without a plain meaning are marked.

  --set SIDE.KEY=TEXT        a setting of a tool, such as target.location_id=L0c…
  --set SIDE.KEY_file=FILE   the same from a file; the way for tokens
  --set SIDE.KEY_env=NAME    the same from an environment variable

SIDE is source or target. A token never stands in trueup.yaml: it gets a file of its own in
the folder secrets, which only its owner can read. The types of tools are stripe (decides
only), gohighlevel, http, make, and sql for a table in PostgreSQL or MySQL; their keys are
those of trueup.yaml, and for http also token, webhook_secrets and description (the
lines that say how its API looks).

--from starts from an example instead; trueup config example lists them. Its tokens are
environment variables. To set up in a browser instead, run trueup run in an empty folder.`,
		Example: `  trueup init
  trueup init --from hubspot
  trueup init --source stripe --set source.api_key_file=stripe.key \
    --set source.webhook_secrets_env=STRIPE_WEBHOOK_SECRET \
    --target gohighlevel --set target.token_env=GHL_TOKEN \
    --set target.location_id=L0cAt10nAbCdEfGhIjKl --set target.field=customer_status \
    --match email=email:0.9 --means past_due=active --to active=Active
  trueup init -c /etc/trueup/trueup.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.direction.Source, "source", "", "the `TYPE` of the tool that decides")
	f.StringVar(&o.direction.Target, "target", "", "the `TYPE` of the tool that follows")
	f.StringVar(&o.direction.SourceName, "source-name", "", "the `NAME` of its connection")
	f.StringVar(&o.direction.TargetName, "target-name", "", "the `NAME` of its connection")
	f.StringVar(&o.direction.Sync, "sync", "customer-status", "the `NAME` of the sync")
	f.StringVar(&o.direction.Owner, "owner", "", "the `EMAIL` address of the person who is asked about exceptions")
	f.StringVar(&o.listen, "listen", "", "the `ADDRESS` to serve on")
	f.StringVar(&o.database, "database", "", "the `PATH` of the SQLite file, or a postgres:// address")
	f.StringVar(&o.publicURL, "public-url", "", "the `URL` at which the tools reach Trueup")
	f.StringArrayVar(&o.set, "set", nil, "`SIDE.KEY=TEXT`, a setting of a tool; can be repeated")
	f.StringArrayVar(&o.means, "means", nil, "`VALUE=STATUS`, what a value of the source means: active, paused, churned or ignore")
	f.StringArrayVar(&o.to, "to", nil, "`STATUS=VALUE`, what the target shows for a status")
	f.StringArrayVar(&o.match, "match", nil, "`SOURCE=TARGET[:CONFIDENCE]`, a match rule, such as email=email:0.9")
	f.StringVar(&o.from, "from", "", "start from the example of this `NAME`")
	f.BoolVar(&o.noLive, "no-live", false, "do not read from the tools")
	f.BoolVar(&o.force, "force", false, "replace a file that exists")
	jsonFlag(cmd)
	return cmd
}

func (o *initOptions) run(cmd *cobra.Command) error {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return err
	}
	switch _, err := os.Lstat(path); {
	case err == nil && !o.force:
		return usage("to replace it, add --force; to check it, run trueup check", "%s exists already, and was not changed", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return usage("", "%w", err)
	}
	if u, err := url.Parse(o.database); err == nil && u.User != nil {
		if _, secret := u.User.Password(); secret {
			return usage("set an environment variable to the address, and write --database '${NAME}'", "--database: a password does not belong into the file, nor on a command line")
		}
	}
	if o.from != "" {
		return o.example(cmd, path)
	}
	return o.setUp(cmd, path)
}

// readingTools bounds how long init counts the records of a tool.
const readingTools = time.Minute

// setUp makes the file step by step, as the set-up in a browser does.
func (o *initOptions) setUp(cmd *cobra.Command, path string) error {
	s, err := setup.Open(setup.Options{Path: path, Listen: o.listen, Database: o.database})
	if err != nil {
		return usage("remove that file to begin again", "%w", err)
	}
	defer s.Close()
	t := newTalk(cmd)
	for _, step := range []func(*talk, *setup.Setup) error{o.askDirection, o.askTools, o.askMap, o.askMatch} {
		if err := step(t, s); err != nil {
			return gaveUp(t, s, err)
		}
	}
	if o.publicURL != "" {
		if err := s.SetPublicURL(o.publicURL); err != nil {
			return gaveUp(t, s, err)
		}
	}
	d := s.Draft()
	faults, err := s.Put(o.force)
	if err != nil {
		return err
	}
	result := inited{Config: path, Gaps: []initGap{}}
	result.Secrets, result.Missing = d.SecretFiles()
	result.Unwritten = d.Unwritten()
	for _, v := range d.Gaps() {
		result.Gaps = append(result.Gaps, initGap{v.Value, v.Customers})
	}
	return tellInit(cmd, result, faults)
}

// gaveUp makes a usage mistake of what was entered wrong. What a person has answered stays
// for the next time; what flags say is said again.
func gaveUp(t *talk, s *setup.Setup, err error) error {
	hint := "what was entered is kept in " + s.Path() + setup.DraftSuffix + "; trueup init continues with it"
	if !t.asks && s.Abandon() {
		hint = "nothing was written; see trueup init --help"
	}
	var wrong setup.Problems
	if errors.As(err, &wrong) {
		first := wrong[0]
		field := first.Field
		if field != "" {
			field += ": "
		}
		return usage(hint, "%s%s", field, strings.TrimSuffix(first.Text, "."))
	}
	return err
}

func (o *initOptions) askDirection(t *talk, s *setup.Setup) error {
	a := o.direction
	if t.asks {
		t.say("Trueup writes %s. Press Enter for what is shown in [brackets].\n", s.Path())
	}
	var decides, follows []choice
	for _, one := range setup.Types {
		if one.Decides {
			decides = append(decides, choice{one.Name, one.Label})
		}
		if one.Follows {
			follows = append(follows, choice{one.Name, one.Label})
		}
	}
	var err error
	if a.Source == "" {
		if a.Source, err = t.choose("Which tool decides a customer's status?", decides, s.Draft().Source.Type); err != nil {
			return err
		}
	}
	if a.Target == "" {
		if a.Target, err = t.choose("Which tool follows?", follows, s.Draft().Target.Type); err != nil {
			return err
		}
	}
	if a.Source == "" || a.Target == "" {
		return usage("add --source TYPE and --target TYPE, or --from NAME; see trueup init --help", "not a terminal, so cannot ask which tool decides and which follows; nothing was written")
	}
	if a.Owner == "" {
		if a.Owner, err = t.line("Email address of the person to ask about exceptions (may be empty)", s.Draft().Owner); err != nil {
			return err
		}
	}
	return s.SetDirection(a)
}

// settingsOf are what --set says about one side.
func (o *initOptions) settingsOf(side setup.Side) (map[string]string, error) {
	all := map[string]string{}
	for _, one := range o.set {
		key, value, ok := strings.Cut(one, "=")
		of, key, dotted := strings.Cut(key, ".")
		if !ok || !dotted || of != string(setup.Source) && of != string(setup.Target) {
			return nil, usage("write --set source.KEY=TEXT or --set target.KEY=TEXT", "--set does not begin with source. or target.")
		}
		if of != string(side) {
			continue
		}
		name, from := key, ""
		for _, suffix := range []string{"_file", "_env"} {
			if cut, found := strings.CutSuffix(key, suffix); found {
				name, from = cut, suffix
			}
		}
		switch from {
		case "_file":
			text, err := os.ReadFile(value) // #nosec G304 -- the file that the person names
			if err != nil {
				return nil, usage("", "--set %s.%s: %w", side, key, err)
			}
			value = string(text)
		case "_env":
			text, set := os.LookupEnv(value)
			if !set {
				return nil, usage("set it, or use --set "+string(side)+"."+name+"_file=FILE", "the environment variable %s is not set", value)
			}
			value = text
		}
		if from == "" && secretKey(name) {
			return nil, usage(fmt.Sprintf("use --set %s.%s_file=FILE or --set %s.%s_env=NAME", side, name, side, name), "--set %s.%s: others on this machine can read what is written on a command line", side, name)
		}
		all[name] = value
	}
	return all, nil
}

// secretKey reports whether a key holds a secret, in any type of tool.
func secretKey(key string) bool {
	for _, kind := range setup.Types {
		for _, f := range kind.Fields {
			if f.Key == key && f.Secret {
				return true
			}
		}
	}
	return false
}

// fieldKey is the key by which --set names the place of a status in a tool.
const fieldKey = "field"

func (o *initOptions) askTools(t *talk, s *setup.Setup) error {
	for _, side := range []setup.Side{setup.Source, setup.Target} {
		given, err := o.settingsOf(side)
		if err != nil {
			return err
		}
		if err := checkKeys(s.Draft().Tool(side).Type, side, given); err != nil {
			return err
		}
		field := given[fieldKey]
		delete(given, fieldKey)
		if err := o.connect(t, s, side, given); err != nil {
			return err
		}
		if err := o.place(t, s, side, field); err != nil {
			return err
		}
	}
	for _, side := range []setup.Side{setup.Source, setup.Target} {
		if !s.Draft().Tool(side).Checked {
			continue
		}
		ctx, cancel := context.WithTimeout(t.ctx, readingTools)
		v := s.Counted(ctx, side)
		cancel()
		t.counted(s.Draft().Tool(side).Name, v)
	}
	return nil
}

// checkKeys refuses a key that a type does not have.
func checkKeys(kind string, side setup.Side, given map[string]string) error {
	known, _ := setup.TypeOf(kind)
	keys := []string{fieldKey}
	for _, f := range known.FieldsOf(side) {
		keys = append(keys, f.Key)
	}
	for key := range given {
		if !slices.Contains(keys, key) {
			return usage("available keys: "+strings.Join(keys, ", "), "--set %s.%s: a connection of type %s has no such key here", side, key, kind)
		}
	}
	return nil
}

// connect asks for the settings of one side, and looks at the tool with them. A person
// at a terminal can correct what the tool refuses.
func (o *initOptions) connect(t *talk, s *setup.Setup, side setup.Side, given map[string]string) error {
	kind, _ := setup.TypeOf(s.Draft().Tool(side).Type)
	for first := true; ; first = false {
		settings, err := t.settings(kind, side, s.Draft().Tool(side), given)
		if err != nil {
			return err
		}
		err = s.SetToolSoFar(side, settings)
		if err == nil && o.noLive || len(s.Draft().Tool(side).Later) > 0 {
			return err
		}
		var seen setup.Seen
		if err == nil {
			seen, err = s.Check(t.ctx, side)
		}
		var wrong setup.Problems
		switch {
		case errors.As(err, &wrong) && t.asks:
			t.say("%s\n", wrong.Error())
		case err != nil:
			return err
		default:
			t.points(s.Draft().Tool(side).Name, seen)
			if seen.OK() || !t.asks {
				return nil
			}
		}
		if again, err := t.line("Enter it again? y/n", map[bool]string{true: "y", false: "n"}[first]); err != nil || !strings.HasPrefix(strings.ToLower(again), "y") {
			return err
		}
		given = map[string]string{}
	}
}

// place keeps where a tool keeps the status, for the tools that have several places.
func (o *initOptions) place(t *talk, s *setup.Setup, side setup.Side, field string) error {
	fields := s.Seen(side).Fields
	if field == "" && len(fields) > 0 && s.Draft().Tool(side).Field == "" {
		var all []choice
		for _, f := range fields {
			all = append(all, choice{f.Name, strings.Join(f.Options, ", ")})
		}
		var err error
		if field, err = t.choose("In which field of "+s.Draft().Tool(side).Name+" is the status?", all, ""); err != nil {
			return err
		}
	}
	switch {
	case field == "":
		return nil
	case len(fields) > 0:
		return s.SetField(t.ctx, side, field)
	}
	return s.SetFieldUnseen(side, field)
}

// tellInit says what was written, what is left to do, and which command is next.
func tellInit(cmd *cobra.Command, r inited, faults config.Faults) error {
	r.Mode, r.Next = "watch", "trueup check --live"
	if flag := cmd.Flags().Lookup("config"); flag.Changed {
		r.Next += " -c " + r.Config
	}
	r.Faults = []fault{}
	for _, f := range faults {
		r.Faults = append(r.Faults, fault{Line: f.Line, Path: f.Path, Problem: f.Problem, Remedy: f.Remedy})
	}
	if r.Secrets == nil {
		r.Secrets = []string{}
	}
	if r.Missing == nil {
		r.Missing = []string{}
	}
	if r.Unwritten == nil {
		r.Unwritten = []status.Status{}
	}
	if wantsJSON(cmd) {
		if err := printJSON(cmd.OutOrStdout(), r); err != nil {
			return err
		}
	} else {
		r.print(cmd, faults)
	}
	if len(faults)+len(r.Unwritten) > 0 {
		return errPerson
	}
	return nil
}

func (r inited) print(cmd *cobra.Command, faults config.Faults) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "wrote %s in mode watch: nothing is written to any tool\n", r.Config)
	for _, file := range r.Secrets {
		fmt.Fprintf(out, "wrote %s, which only you can read\n", filepath.Join(filepath.Dir(r.Config), file))
	}
	if len(r.Gaps) > 0 {
		var all []string
		for _, g := range r.Gaps {
			text := fmt.Sprintf("%q", g.Value)
			if g.Customers > 0 {
				text += " (" + status.Plural(g.Customers, "customer") + ")"
			}
			all = append(all, text)
		}
		fmt.Fprintf(out, "%s of the source without a meaning, marked in the file: %s\n", status.Plural(len(all), "value"), strings.Join(all, ", "))
	}
	if len(faults)+len(r.Unwritten) > 0 {
		fmt.Fprintln(out, "to complete before Trueup can run:")
	}
	for _, f := range faults {
		fmt.Fprintf(out, "  %s\n", f)
	}
	for _, one := range r.Unwritten {
		fmt.Fprintf(out, "  %s: write what the target shows for %s, in the line that begins with # %s\n", r.Config, one, one)
	}
	for _, file := range r.Missing {
		fmt.Fprintf(out, "  put the secret into %s, and let only yourself read it (chmod 600)\n", filepath.Join(filepath.Dir(r.Config), file))
	}
	fmt.Fprintf(out, "next: %s\n", r.Next)
}
