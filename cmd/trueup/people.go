package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/people"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func peopleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "people",
		Short: "Add, list and remove the people who use the pages",
		Long: `Add, list and remove the people who sign in to the pages. A person has a role, the
same as an API token: viewer can read, operator can also act on exceptions, set links
and approve plans, and admin can also take a sync live and manage people and tokens.`,
		Example: `  trueup people add --name "Ana Lima" --email ana@example.com --role operator
  trueup people list
  trueup people role ana@example.com admin
  trueup people link ana@example.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	add := &cobra.Command{
		Use:   "add --name NAME --email ADDRESS --role ROLE",
		Short: "Add a person and print the link to sign in the first time",
		Long: `Add a person, and print a link on standard output. It works once, within 24 hours:
the person opens it, chooses a password, and is signed in. Send it to the person
yourself: Trueup does not.`,
		Example: `  trueup people add --name "Ana Lima" --email ana@example.com --role operator`,
		Args:    cobra.NoArgs,
		RunE:    withStore(addPerson),
	}
	add.Flags().String("name", "", "the person's name, as the pages show it")
	add.Flags().String("email", "", "the email `ADDRESS` to sign in with; it is what histories call the person")
	add.Flags().String("role", "", "viewer, operator or admin")
	list := &cobra.Command{Use: "list", Short: "List all people", Example: "  trueup people list --json", Args: cobra.NoArgs, RunE: withDatabase(listPeople)}
	role := &cobra.Command{Use: "role ADDRESS ROLE", Short: "Set the role of a person",
		Long:    "Set the role of a person: viewer, operator or admin. The person is signed out, and\nsigns in again with the new role.",
		Example: "  trueup people role ana@example.com admin", Args: cobra.ExactArgs(2), RunE: withStore(personRole)}
	link := &cobra.Command{Use: "link ADDRESS", Short: "Print a link to choose another password",
		Long: `Print a link by which a person chooses another password: for one who has forgotten it,
or whose first link is too old. It works once, within 24 hours; earlier links stop
working.`,
		Example: "  trueup people link ana@example.com", Args: cobra.ExactArgs(1), RunE: withStore(personLink)}
	signOut := &cobra.Command{Use: "sign-out ADDRESS", Short: "Sign a person out everywhere",
		Example: "  trueup people sign-out ana@example.com", Args: cobra.ExactArgs(1), RunE: withStore(personSignOut)}
	remove := &cobra.Command{Use: "remove ADDRESS", Short: "Remove a person",
		Long:    "Remove a person, who is signed out at once. What the person did stays in histories.",
		Example: "  trueup people remove ana@example.com", Args: cobra.ExactArgs(1), RunE: withStore(removePerson)}
	for _, c := range []*cobra.Command{add, role, link, signOut, remove} {
		asFlag(c)
	}
	for _, c := range []*cobra.Command{add, list, role, link, signOut, remove} {
		jsonFlag(c)
		cmd.AddCommand(c)
	}
	return cmd
}

func addPerson(cmd *cobra.Command, _ []string, cfg *config.Config, db *store.DB) error {
	text := map[string]string{}
	for _, flag := range []string{"name", "email", "role"} {
		value, err := cmd.Flags().GetString(flag)
		if err != nil {
			return err
		}
		if value == "" {
			return usage("write trueup people add --name NAME --email ADDRESS --role ROLE", "--%s is missing", flag)
		}
		text[flag] = value
	}
	role, err := oneOf("role", text["role"], store.Roles)
	if err != nil {
		return err
	}
	by, err := whoIs(cmd)
	if err != nil {
		return err
	}
	door := people.Door{Store: db}
	p, code, err := door.Invite(cmd.Context(), text["name"], text["email"], role, by)
	if err != nil {
		return personFailure(text["email"], err)
	}
	return printLink(cmd, cfg, p, code, fmt.Sprintf("%s (%s) is added with the role %s.", p.Name, p.Email, p.Role))
}

// printLink prints a link alone on standard output, and what it does beside it.
func printLink(cmd *cobra.Command, cfg *config.Config, p people.Person, code, done string) error {
	url, send := pagesURL(cfg), "Send this link to the person"
	if strings.HasSuffix(url, ":0") { // any free port: only the service knows which
		url, send = "", "Send this link to the person, after the address that the running service shows at its start"
	}
	link := people.LinkAt(url, code)
	if wantsJSON(cmd) {
		return printJSON(cmd.OutOrStdout(), contract.NewLink{Person: contract.PersonOf(p), Link: link})
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s %s: it works once, within 24 hours.\n", done, send)
	_, err := fmt.Fprintln(cmd.OutOrStdout(), link)
	return err
}

// pagesURL is where people reach the pages.
func pagesURL(cfg *config.Config) string {
	if cfg.AdminListen != "" {
		return cmp.Or(cfg.SignIn.URL, "http://"+cfg.AdminListen)
	}
	return cmp.Or(cfg.SignIn.URL, cfg.PublicURL, "http://"+cfg.Listen)
}

func listPeople(cmd *cobra.Command, _ []string, _ *config.Config, db *store.DB) error {
	door := people.Door{Store: db}
	found, err := door.List(cmd.Context(), "", 0)
	if err != nil {
		return err
	}
	var rows []contract.Person
	for _, p := range found {
		rows = append(rows, contract.PersonOf(p))
	}
	at := clockOf(cmd.OutOrStdout())
	return list(cmd, rows, "no people yet; trueup run prints a link for the first one, and trueup people add adds one", "NAME\tADDRESS\tROLE\tADDED\tBY\tLAST SEEN", func(p contract.Person) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s", p.Name, p.Email, p.Role, at.stamp(p.CreatedAt), orDash(p.CreatedBy), at.stamp(p.LastSeenAt))
	})
}

func personRole(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	role, err := oneOf("role", args[1], store.Roles)
	if err != nil {
		return err
	}
	by, err := whoIs(cmd)
	if err != nil {
		return err
	}
	door := people.Door{Store: db}
	was, err := door.SetRole(cmd.Context(), args[0], role, by)
	if err != nil {
		return personFailure(args[0], err)
	}
	sentence := fmt.Sprintf("%s is %s now, before %s, and signs in again", people.Email(args[0]), role, was)
	if was == role {
		sentence = fmt.Sprintf("%s has the role %s already", people.Email(args[0]), role)
	}
	return done(cmd, map[string]any{"email": people.Email(args[0]), "role": role, "was": was}, sentence)
}

func personLink(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
	by, err := whoIs(cmd)
	if err != nil {
		return err
	}
	p, err := db.PersonByEmail(cmd.Context(), people.Email(args[0]))
	if err != nil {
		return personFailure(args[0], err)
	}
	door := people.Door{Store: db}
	code, err := door.NewLink(cmd.Context(), p.Email, by)
	if err != nil {
		return personFailure(args[0], err)
	}
	return printLink(cmd, cfg, p, code, fmt.Sprintf("%s (%s) can choose another password.", p.Name, p.Email))
}

func personSignOut(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	by, err := whoIs(cmd)
	if err != nil {
		return err
	}
	door := people.Door{Store: db}
	n, err := door.SignOutEverywhere(cmd.Context(), args[0], by)
	if err != nil {
		return personFailure(args[0], err)
	}
	email := people.Email(args[0])
	return done(cmd, map[string]any{"email": email, "sessions": n}, fmt.Sprintf("%s is signed out everywhere (%s)", email, status.Plural(n, "session")))
}

func removePerson(cmd *cobra.Command, args []string, _ *config.Config, db *store.DB) error {
	by, err := whoIs(cmd)
	if err != nil {
		return err
	}
	door := people.Door{Store: db}
	p, err := door.Remove(cmd.Context(), args[0], by)
	if err != nil {
		return personFailure(args[0], err)
	}
	return done(cmd, map[string]any{"email": p.Email}, fmt.Sprintf("%s (%s) is removed", p.Name, p.Email))
}

// personFailure says what to do about a change of people that was not made.
func personFailure(email string, err error) error {
	email = people.Email(email)
	var field *people.FieldError
	switch {
	case errors.As(err, &field):
		return usage(lower(field.Sentence), "--%s is not valid", field.Field)
	case errors.Is(err, store.ErrKnown):
		return &failure{err: fmt.Errorf("%s is there already", email), hint: "trueup people role gives a person another role, trueup people link another password", code: exitFailed}
	case errors.Is(err, store.ErrLastAdmin):
		return &failure{err: fmt.Errorf("%s is the only admin", email), hint: "make someone else admin first: trueup people role ADDRESS admin", code: exitFailed}
	case errors.Is(err, store.ErrNotFound):
		return &failure{err: fmt.Errorf("no person with the address %s", email), hint: "trueup people list shows all people", code: exitFailed}
	}
	return err
}

// lower is a sentence as a hint has it.
func lower(sentence string) string {
	return strings.ToLower(sentence[:1]) + strings.TrimSuffix(sentence[1:], ".")
}
