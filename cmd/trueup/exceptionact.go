package main

import (
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/store"
)

// actCommand is one verb as a command.
type actCommand struct {
	verb           store.Verb
	short, example string
	long           string // "" is short
	use            string // the word behind what names the exception
	flags          func(*cobra.Command, *exceptions.Request)
	// one: it is about a single exception, which is named first; the word after it
	// is read by word.
	word func(*exceptions.Request, string) error
}

const linkLong = `Link the customer to a record. The command reads both tools, shows the two sides as
they are now, and asks; --yes skips the question. It prints personal data.

It refuses a record that has another customer's key, unless you add --force. It
always refuses a record that is linked to another customer: first remove that link
with trueup links remove SYNC OTHER-CUSTOMER. If a tool does not answer, the link is
made anyway, with a warning.`

// exceptionsActCommands are all verbs.
func exceptionsActCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, c := range []actCommand{
		{verb: store.Acknowledge, short: "Acknowledge exceptions", example: "acknowledge 3 4"},
		{verb: store.Assign, short: "Assign exceptions to an owner", use: "OWNER", example: "assign 3 ana@example.com",
			word: func(r *exceptions.Request, owner string) error { r.Owner = owner; return nil }},
		{verb: store.Retry, short: "Check the customers of these exceptions again, now", example: "retry 3 4"},
		{verb: store.Ignore, short: "Ignore exceptions until the source changes, or permanently", example: "ignore 3 --forever", flags: ignoreFlags},
		{verb: store.Resolve, short: "Close exceptions and change nothing in the tools", example: "resolve 3"},
		{verb: store.Reopen, short: "Reopen exceptions", example: "reopen 3"},
		{verb: store.UseSource, short: "Write the source's value over the target's", example: "use-source 3", flags: sawFlag},
		{verb: store.KeepTarget, short: "Keep the target's value", example: "keep-target 3 --until 2026-12-31", flags: keepFlags},
		{verb: store.LinkTo, short: "Link the customer to a record", use: "RECORD", example: "link 3 contact_9", long: linkLong, flags: func(cmd *cobra.Command, r *exceptions.Request) { joinFlags(cmd, &r.Force) },
			word: func(r *exceptions.Request, id string) error { r.TargetID = id; return nil }},
		{verb: store.Rematch, short: "Remove the link and run the match rules again", example: "rematch 3"},
	} {
		all = append(all, c.command(exceptions.Command(c.verb)))
		if former := string(c.verb); former != exceptions.Command(c.verb) { // scripts that call it by that name go on
			hidden := c.command(former)
			hidden.Hidden = true
			all = append(all, hidden)
		}
	}
	return all
}

func (c actCommand) command(name string) *cobra.Command {
	r := exceptions.Request{Verb: c.verb}
	use, args := "NUMBER... | SYNC CUSTOMER", cobra.MinimumNArgs(1)
	if c.word != nil {
		use, args = "NUMBER "+c.use+" | SYNC CUSTOMER "+c.use, cobra.RangeArgs(2, 3)
	}
	cmd := &cobra.Command{
		Use:     name + " " + use,
		Short:   c.short,
		Long:    c.long,
		Example: "  trueup exceptions " + c.example,
		Args:    args,
	}
	group := false
	asFlag(cmd)
	cmd.Flags().StringVar(&r.Key, "key", "", "an idempotency key: a `TEXT` with which a repeated call takes effect once, per person and exception")
	if c.verb != store.LinkTo { // a record is one customer's
		cmd.Flags().BoolVar(&group, "group", false, "act on all open exceptions with the same cause")
	}
	if c.flags != nil {
		c.flags(cmd, &r)
	}
	jsonFlag(cmd)
	cmd.RunE = withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
		var err error
		if r.Who, err = whoIs(cmd); err != nil {
			return err
		}
		if c.word != nil {
			last := len(args) - 1
			if err := c.word(&r, args[last]); err != nil {
				return err
			}
			args = args[:last]
		}
		ids, err := whichExceptions(cmd, cfg, db, args, c.verb == store.Reopen)
		if err != nil {
			return err
		}
		actions := exceptions.Actions{Store: db, Watching: func(sync string) bool { return cfg.Syncs[sync].Watches() }, MayLink: mayLink(cmd, cfg, db)}
		if err := act(cmd, actions, ids, r, group); !errors.Is(err, errDeclined) {
			return err
		}
		return nil
	})
	return cmd
}

// act does it about each exception that is named, and tells what came of it.
func act(cmd *cobra.Command, actions exceptions.Actions, ids []int64, r exceptions.Request, group bool) error {
	all := []contract.Exception{}
	var refusal error
	for _, id := range ids {
		var err error
		for before := int64(0); ; {
			var done exceptions.GroupDone
			if group {
				done, err = actions.DoGroup(cmd.Context(), id, r, before)
			} else {
				var one exceptions.Done
				if one, err = actions.Do(cmd.Context(), id, r); err == nil {
					done.Done = append(done.Done, one)
				}
			}
			for _, d := range done.Done { // also when it ended early: this was done
				if d.Refused != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), d.Refused)
					refusal = d.Refused
					continue
				}
				all = append(all, contract.ExceptionOf(d.Exception))
				if !wantsJSON(cmd) {
					fmt.Fprintln(cmd.OutOrStdout(), sentenceOf(d, r))
				}
			}
			if err != nil {
				return refused(err)
			}
			if before = done.More; before == 0 {
				break
			}
		}
	}
	if wantsJSON(cmd) {
		if err := printJSON(cmd.OutOrStdout(), all); err != nil {
			return err
		}
	}
	return refused(refusal)
}

// sentenceOf says what was done.
func sentenceOf(d exceptions.Done, r exceptions.Request) string {
	x := d.Exception
	if !d.Changed {
		return fmt.Sprintf("exception %d: already done", x.ID)
	}
	looked := fmt.Sprintf("customer %s of %s will be checked again; to see the result: trueup explain %s %s", x.Customer, x.Sync, x.Sync, x.Customer)
	switch r.Verb {
	case store.UseSource:
		return fmt.Sprintf("exception %d: Trueup will write the source's value (%s) over %s: %s", x.ID, orNothing(d.SawSource), orNothing(d.Saw), looked)
	case store.KeepTarget:
		until := "until the source changes"
		if !r.Until.IsZero() {
			until = "until " + r.Until.UTC().Format("2006-01-02 15:04:05Z")
		}
		return fmt.Sprintf("exception %d: %s stays %s, although the source has %s: %s", x.ID, orNothing(d.Saw), until, orNothing(d.SawSource), looked)
	case store.LinkTo:
		return fmt.Sprintf("exception %d: %s\n%s", x.ID, looked, linked(x.Sync, x.Customer, r.TargetID))
	case store.Retry, store.Rematch:
		return fmt.Sprintf("exception %d: %s", x.ID, looked)
	case store.Assign:
		return fmt.Sprintf("exception %d is assigned to %s", x.ID, x.Owner)
	}
	return fmt.Sprintf("exception %d is %s%s", x.ID, x.State, ignoredUntil(string(x.Ignored)))
}

// orNothing shows a tool's value.
func orNothing(value string) string {
	if value == "" {
		return "an empty field"
	}
	return value
}

func refused(err error) error {
	var r *exceptions.RefusedError
	if errors.As(err, &r) {
		hint := r.Hint
		switch command := commandOf(r.Remedy.Verb, r.Remedy.Sync, r.Remedy.Customer); {
		case r.Remedy.Verb == reason.Show:
			hint += fmt.Sprintf(": trueup exceptions show %d", r.Exception)
		case command != "":
			hint += ": trueup " + command
		}
		return &failure{err: r, hint: hint, code: exitFailed}
	}
	return err
}

// asFlag adds --as, which names who does it.
func asFlag(cmd *cobra.Command) {
	cmd.Flags().String("as", "", "who does it: a `NAME` or an address (default: your user name)")
}

// whoIs is who does something at this command line.
func whoIs(cmd *cobra.Command) (string, error) {
	if name := userName(cmd); name != "" {
		return name, nil
	}
	return "", usage("name yourself with --as", "your user name is unknown")
}

// userName is who --as names, where a command has it, or else the user's name, "" when
// that is not known.
func userName(cmd *cobra.Command) string {
	if as := cmd.Flags().Lookup("as"); as != nil && as.Value.String() != "" {
		return as.Value.String()
	}
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

func ignoreFlags(cmd *cobra.Command, r *exceptions.Request) {
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "for-ever" { // its former name
			name = "forever"
		}
		return pflag.NormalizedName(name)
	})
	cmd.Flags().BoolFunc("forever", "permanently, even when the source changes", func(string) error {
		r.Ignored = store.IgnoredAlways
		return nil
	})
}

func sawFlag(cmd *cobra.Command, r *exceptions.Request) {
	cmd.Flags().Func("saw", "refuse unless the target still holds this `VALUE`", func(value string) error {
		r.Saw = &value
		return nil
	})
	cmd.Flags().Func("saw-source", "refuse unless the source still has this `VALUE`", func(value string) error {
		r.SawSource = &value
		return nil
	})
}

func keepFlags(cmd *cobra.Command, r *exceptions.Request) {
	sawFlag(cmd, r)
	cmd.Flags().Func("until", "only until this `TIME`: 2026-12-31, 2026-12-31T08:00:00Z, or a duration from now such as 72h", func(text string) error {
		var err error
		r.Until, err = untilTime(text, time.Now())
		return err
	})
}

// untilTime reads a moment: a date, a time, or a duration from now on.
func untilTime(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			if !at.After(now) {
				return time.Time{}, fmt.Errorf("%s is in the past", text)
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a valid time; write 2026-12-31, 2026-12-31T08:00:00Z or 72h", text)
}
