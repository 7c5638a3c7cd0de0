package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/setup"
)

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
each, what the values mean, and how customers are matched. Elsewhere it never asks: it
needs --source and --target, or --from. What else is missing is marked in the file,
listed, and the exit code is 3.

If a tool has its token, its records are read (nothing is changed there), and the map is
filled in with the values that it holds. A word such as active or canceled says what it
means. For others, such as past_due, a meaning is proposed in a terminal, which you accept
or change; elsewhere they are marked and listed, unless --means says it.

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
	if t.ctx.Err() != nil {
		return gaveUp(t, s, errInterrupted)
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
	draft := s.Path() + setup.DraftSuffix
	hint := "what was entered is kept in " + draft + "; trueup init continues with it"
	if !t.asks && s.Abandon() {
		hint = "nothing was written; see trueup init --help"
	}
	var wrong setup.Problems
	switch {
	case errors.Is(err, errInterrupted):
		if _, none := os.Lstat(draft); none != nil {
			hint = ""
		}
		return &failure{err: fmt.Errorf("%w; %s was not written", err, s.Path()), hint: hint, code: exitFailed}
	case errors.As(err, &wrong):
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
	sides, types := []setup.Side{setup.Source, setup.Target}, map[setup.Side]*string{setup.Source: &a.Source, setup.Target: &a.Target}
	for _, side := range sides {
		if problem := setup.TypeProblem(side, *types[side]); *types[side] != "" && problem != "" {
			return setup.Problems{{Field: string(side), Text: problem}}
		}
	}
	var err error
	for _, side := range sides {
		if *types[side] == "" {
			if *types[side], err = t.typeOf(side, s.Draft().Tool(side).Type); err != nil {
				return err
			}
		}
	}
	if a.Source == "" || a.Target == "" {
		return noDirection(a)
	}
	if a.Owner == "" {
		if a.Owner, err = t.checked("Email address of the person to ask about exceptions (may be empty)", s.Draft().Owner, setup.OwnerProblem); err != nil {
			return err
		}
	}
	return s.SetDirection(a)
}

// noDirection says which flags are missing where nobody can be asked.
func noDirection(a setup.DirectionAnswer) error {
	var asked, flags []string
	if a.Source == "" {
		asked, flags = append(asked, "which tool decides"), append(flags, "--source TYPE ("+strings.Join(setup.TypesOf(setup.Source), ", ")+")")
	}
	if a.Target == "" {
		asked, flags = append(asked, "which tool follows"), append(flags, "--target TYPE ("+strings.Join(setup.TypesOf(setup.Target), ", ")+")")
	}
	return usage("add "+strings.Join(flags, " and ")+", or start with --from NAME; see trueup init --help",
		"not a terminal, so cannot ask %s; nothing was written", strings.Join(asked, " and "))
}
