package main

import (
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trueup/internal/config"
	"trueup/internal/contract"
	"trueup/internal/exceptions"
	"trueup/internal/store"
)

// actCommand is one verb as a command.
type actCommand struct {
	verb           store.Verb
	short, example string
	long           string // "" is short
	// args, beside the numbers: one word in front of them or behind.
	use   string
	flags func(*cobra.Command, *exceptions.Request)
	// one: it is about a single exception, whose number comes first; the word
	// after it is read by word.
	word func(*exceptions.Request, string) error
}

const linkLong = `Say which record the customer is. Both sides are shown as the tools hold them now,
and you are asked; --yes does not ask. This reads the tools and prints personal
data.

Refused when the record shows another customer's key, unless you add --force.
Refused also with --force when it is linked to another customer: first free it with
trueup links remove SYNC OTHER-CUSTOMER. A tool that does not answer stops nobody.`

// exceptionsActCommands are all verbs.
func exceptionsActCommands() []*cobra.Command {
	var all []*cobra.Command
	for _, c := range []actCommand{
		{verb: store.Acknowledge, short: "Say that you look at it", example: "acknowledge 3 4"},
		{verb: store.Assign, short: "Give it to an owner", use: "NUMBER OWNER", example: "assign 3 ana@example.com",
			word: func(r *exceptions.Request, owner string) error { r.Owner = owner; return nil }},
		{verb: store.Retry, short: "Look at the customers of these exceptions again, now", example: "retry 3 4"},
		{verb: store.Ignore, short: "Hide it until the source changes, or for ever", example: "ignore 3 --for-ever", flags: ignoreFlags},
		{verb: store.Resolve, short: "Close it, whatever the tools say", example: "resolve 3"},
		{verb: store.Reopen, short: "Open it again", example: "reopen 3"},
		{verb: store.ApplyOurs, short: "Write what the source says over what the target holds", example: "apply 3", flags: sawFlag},
		{verb: store.KeepTheirs, short: "Leave what the target holds", example: "keep 3 --until 2026-12-31", flags: keepFlags},
		{verb: store.LinkTo, short: "Say which record the customer is", use: "NUMBER TARGET", example: "link 3 contact_9", long: linkLong, flags: func(cmd *cobra.Command, r *exceptions.Request) { joinFlags(cmd, &r.Force) },
			word: func(r *exceptions.Request, id string) error { r.TargetID = id; return nil }},
		{verb: store.Rematch, short: "Forget the link and try the match rules anew", example: "rematch 3"},
	} {
		all = append(all, c.command())
	}
	return all
}

func (c actCommand) command() *cobra.Command {
	r := exceptions.Request{Verb: c.verb}
	use, args := "NUMBER...", cobra.MinimumNArgs(1)
	if c.word != nil {
		use, args = c.use, cobra.ExactArgs(2)
	}
	cmd := &cobra.Command{
		Use:     string(c.verb) + " " + use,
		Short:   c.short,
		Long:    c.long,
		Example: "  trueup exceptions " + c.example,
		Args:    args,
	}
	group := false
	asFlag(cmd)
	cmd.Flags().StringVar(&r.Key, "key", "", "a `TEXT` that makes a repeated call one; it counts for who does it and the exception")
	if c.verb != store.LinkTo { // a record is one customer's
		cmd.Flags().BoolVar(&group, "group", false, "about all open exceptions of the same cause")
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
			if err := c.word(&r, args[1]); err != nil {
				return err
			}
			args = args[:1]
		}
		desk := exceptions.Desk{Store: db, Watching: func(sync string) bool { return cfg.Syncs[sync].Watches() }, MayLink: mayLink(cmd, cfg, db)}
		if err := act(cmd, desk, args, r, group); !errors.Is(err, errDeclined) {
			return err
		}
		return nil
	})
	return cmd
}

// act does it about each exception that is named, and tells what came of it.
func act(cmd *cobra.Command, desk exceptions.Desk, numbers []string, r exceptions.Request, group bool) error {
	all := []contract.Exception{}
	var refusal error
	for _, arg := range numbers {
		id, err := number("exception", arg)
		if err != nil {
			return err
		}
		for before := int64(0); ; {
			var done exceptions.GroupDone
			if group {
				done, err = desk.DoGroup(cmd.Context(), id, r, before)
			} else {
				var one exceptions.Done
				if one, err = desk.Do(cmd.Context(), id, r); err == nil {
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
		return fmt.Sprintf("exception %d: that was done already", x.ID)
	}
	looked := fmt.Sprintf("customer %s of %s will be looked at again; see trueup explain %s %s", x.Customer, x.Sync, x.Sync, x.Customer)
	switch r.Verb {
	case store.ApplyOurs:
		return fmt.Sprintf("exception %d: what the source says, %s, is to go over %s: %s", x.ID, orNothing(d.SawSource), orNothing(d.Saw), looked)
	case store.KeepTheirs:
		return fmt.Sprintf("exception %d: %s is to stay although the source says %s: %s", x.ID, orNothing(d.Saw), orNothing(d.SawSource), looked)
	case store.LinkTo:
		return fmt.Sprintf("exception %d: %s\n%s", x.ID, looked, linked(x.Sync, x.Customer, r.TargetID))
	case store.Retry, store.Rematch:
		return fmt.Sprintf("exception %d: %s", x.ID, looked)
	case store.Assign:
		return fmt.Sprintf("exception %d belongs to %s", x.ID, x.Owner)
	}
	return fmt.Sprintf("exception %d is %s", x.ID, x.State)
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
		return &failure{err: r, hint: r.Hint, code: exitFailed}
	}
	return err
}

// asFlag adds --as, which names who does it.
func asFlag(cmd *cobra.Command) {
	cmd.Flags().String("as", "", "who does it: a `NAME` or an address; your user name unless said")
}

// whoIs is who does something at this command line.
func whoIs(cmd *cobra.Command) (string, error) {
	if named, err := cmd.Flags().GetString("as"); err != nil || named != "" {
		return named, err
	}
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "", usage("say who you are with --as", "this machine does not tell your user name")
	}
	return u.Username, nil
}

func ignoreFlags(cmd *cobra.Command, r *exceptions.Request) {
	cmd.Flags().BoolFunc("for-ever", "also when the source changes", func(string) error {
		r.Ignored = store.IgnoredAlways
		return nil
	})
}

func sawFlag(cmd *cobra.Command, r *exceptions.Request) {
	cmd.Flags().Func("saw", "refuse unless the target still holds this `VALUE`", func(value string) error {
		r.Saw = &value
		return nil
	})
	cmd.Flags().Func("saw-source", "refuse unless the source still says this `VALUE`", func(value string) error {
		r.SawSource = &value
		return nil
	})
}

func keepFlags(cmd *cobra.Command, r *exceptions.Request) {
	sawFlag(cmd, r)
	cmd.Flags().Func("until", "only until a `TIME`: 2026-12-31, 2026-12-31T08:00:00Z, or from now on such as 72h", func(text string) error {
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
				return time.Time{}, fmt.Errorf("%s is over", text)
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-12-31, 2026-12-31T08:00:00Z or 72h", text)
}
