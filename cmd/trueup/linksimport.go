package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/linkfile"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// importedJSON is what trueup links import prints as JSON.
type importedJSON struct {
	DryRun bool `json:"dry_run"`
	// Replace says that differing links are changed.
	Replace bool              `json:"replace"`
	Source  string            `json:"source_column"`
	Target  string            `json:"target_column"`
	Links   int               `json:"links"`
	New     int               `json:"new"`
	Same    int               `json:"same"`
	Differ  []differingLink   `json:"differing"`
	Bad     []linkfile.Fault  `json:"invalid"`
	Gone    []unknownInImport `json:"unknown"`
	// Unasked says why a tool could not be asked about the ids.
	Unasked []string `json:"unasked"`
	// Changed is how many links were set; of a dry run, how many would be.
	Changed int `json:"changed"`
}

type differingLink struct {
	Line     int    `json:"line"`
	Sync     string `json:"sync"`
	Customer string `json:"customer"`
	TargetID string `json:"target_id"`
	Has      string `json:"has"`
	By       string `json:"by"`
}

type unknownInImport struct {
	Line       int    `json:"line"`
	Connection string `json:"connection"`
	ID         string `json:"id"`
}

// importOptions are the flags of trueup links import.
type importOptions struct {
	columns, sync                 string
	dryRun, replace, skip, noLive bool
}

func linksImportCommand() *cobra.Command {
	o := importOptions{}
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Set links from a CSV file",
		Long: `Set links from a CSV file that has the ids of both tools, as trueup links export or
another program has written it. The first line names the columns; --columns says which is
which, as in --columns "source=Customer ID,target=Contact". Without it the columns are
found by their names where there is no doubt, and the command says which it took. Commas,
semicolons, tabs, UTF-8 and UTF-16 are understood. Ids stay text, with their zeros.

Before anything is set, each row is compared with the links that exist:

  new        the customer has no link
  same       the link exists already and stays as it was found
  differing  the customer is linked to another record; it stays, unless --replace
  unknown    one of the tools does not know the id; it is left out
  invalid    an id is missing; the file is refused, unless --skip-invalid

A customer or a record that is in two rows is always refused, with both lines. The tools
are asked about ids that are new here, as far as they answer; --no-live does not ask. For
each sync, either all links are set or none. --dry-run shows all of this and sets nothing.
If rows are left out, the exit code is 3. FILE can be - for standard input.`,
		Example: `  trueup links import links.csv --dry-run
  trueup links import contacts.csv --columns "source=Stripe ID,target=Contact ID"
  trueup links export > links.csv && trueup links import links.csv`,
		Args: cobra.ExactArgs(1),
		RunE: withStore(func(cmd *cobra.Command, args []string, cfg *config.Config, db *store.DB) error {
			return o.run(cmd, args[0], cfg, db)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.columns, "columns", "", "which column is which: `source=HEAD,target=HEAD`, and sync=HEAD")
	f.StringVar(&o.sync, "sync", "", "the `SYNC` of a file without a column sync (default: the only one)")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be set, and set nothing")
	f.BoolVar(&o.replace, "replace", false, "also change links that differ")
	f.BoolVar(&o.skip, "skip-invalid", false, "leave out rows without an id")
	f.BoolVar(&o.noLive, "no-live", false, "do not ask the tools whether they know the ids")
	return cmd
}

func (o *importOptions) run(cmd *cobra.Command, path string, cfg *config.Config, db *store.DB) error {
	who, err := whoIs(cmd)
	if err != nil {
		return err
	}
	content, err := o.read(cmd, path, cfg)
	if err != nil {
		return err
	}
	if err := refusedRows(path, content, o.skip); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, r := range content.Rows {
		names[r.Sync] = true
	}
	syncs := slices.Sorted(maps.Keys(names))
	for _, sync := range syncs {
		if err := checkSync(cfg, sync); err != nil {
			return err
		}
	}
	head := content.Columns.Head
	result := importedJSON{DryRun: o.dryRun, Replace: o.replace, Source: head[content.Columns.Source], Target: head[content.Columns.Target],
		Links: len(content.Rows), Differ: []differingLink{}, Bad: append([]linkfile.Fault{}, content.Invalid...), Gone: []unknownInImport{}, Unasked: []string{}}
	set := map[string][]store.Link{}
	for _, sync := range syncs {
		if set[sync], err = o.sort(cmd, cfg, db, sync, content.Rows, &result); err != nil {
			return err
		}
	}
	if err := o.set(cmd, db, who, syncs, set, &result); err != nil {
		return taken(err)
	}
	return result.tell(cmd, path, content.Columns.Guessed)
}

func (o *importOptions) read(cmd *cobra.Command, path string, cfg *config.Config) (linkfile.Content, error) {
	names, err := linkfile.ParseNames(o.columns)
	if err != nil {
		return linkfile.Content{}, usage(`write it as --columns "source=Customer ID,target=Contact ID"`, "%w", err)
	}
	var raw []byte
	if path == "-" {
		raw, err = io.ReadAll(cmd.InOrStdin())
	} else {
		raw, err = os.ReadFile(path) // #nosec G304 -- the file that the person names
	}
	if err != nil {
		return linkfile.Content{}, usage("", "%w", err)
	}
	sync := o.sync
	if sync != "" {
		if err := checkSync(cfg, sync); err != nil {
			return linkfile.Content{}, err
		}
	} else if len(cfg.Syncs) == 1 {
		sync, err = onlySync(cfg)
	}
	if err != nil {
		return linkfile.Content{}, err
	}
	content, err := linkfile.Read(raw, names, func(sync string) linkfile.Tools { return toolWords(cfg, sync) }, sync)
	if unreadable := new(linkfile.UnreadableError); errors.As(err, &unreadable) {
		return content, usage("nothing was changed", "%s: %w", path, err)
	}
	if err != nil {
		return content, usage(`name the columns, as in --columns "source=Customer ID,target=Contact ID", and --sync if the file has no such column; nothing was changed`, "%s: %w", path, err)
	}
	return content, nil
}

// toolWords are the words by which the columns of a file can name the tools of a sync.
func toolWords(cfg *config.Config, sync string) linkfile.Tools {
	s, ok := cfg.Syncs[sync]
	if !ok {
		return linkfile.Tools{}
	}
	words := func(connection string) []string {
		all := []string{connection}
		if kind := cfg.Connections[connection].Type; kind != "http" {
			all = append(all, kind)
		}
		return all
	}
	return linkfile.Tools{Source: words(s.Source.Connection), Target: words(s.Target.Connection)}
}

// shownFaults bounds how many lines of a file are told.
const shownFaults = 20

// refusedRows refuses a file in which a person has to decide what is right.
func refusedRows(path string, c linkfile.Content, skip bool) error {
	bad := slices.Clone(c.Double)
	if !skip {
		bad = append(bad, c.Invalid...)
	}
	if len(bad) == 0 {
		return nil
	}
	slices.SortFunc(bad, func(a, b linkfile.Fault) int { return a.Line - b.Line })
	var lines []string
	for _, f := range bad[:min(len(bad), shownFaults)] {
		lines = append(lines, f.String())
	}
	if more := len(bad) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %s more", status.Plural(more, "line")))
	}
	hint := "correct the file; nothing was changed"
	if len(c.Double) == 0 {
		hint = "correct the file, or add --skip-invalid; nothing was changed"
	}
	return usage(hint, "%s: %w", path, errors.New(strings.Join(lines, "\n")))
}

// sort compares the rows of a sync with the links that exist and with the tools, and
// returns those to set.
func (o *importOptions) sort(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync string, rows []linkfile.Row, result *importedJSON) ([]store.Link, error) {
	found, err := db.Links(cmd.Context(), sync)
	if err != nil {
		return nil, err
	}
	have := map[string]store.Link{}
	for _, l := range found {
		have[l.Customer] = l
	}
	var fresh []linkfile.Row
	for _, r := range rows {
		if r.Sync != sync {
			continue
		}
		old, linked := have[r.Customer]
		switch {
		case !linked:
		case old.TargetID == r.Target:
			result.Same++
			continue
		default:
			result.Differ = append(result.Differ, differingLink{Line: r.Line, Sync: sync, Customer: r.Customer, TargetID: r.Target, Has: old.TargetID, By: old.By})
			if !o.replace {
				continue
			}
		}
		fresh = append(fresh, r)
	}
	if !o.noLive && len(fresh) > 0 {
		if fresh, err = leaveOut(cmd, cfg, db, sync, fresh, result); err != nil {
			return nil, err
		}
	}
	for _, r := range fresh {
		if _, linked := have[r.Customer]; !linked {
			result.New++
		}
	}
	if err := someoneElses(sync, fresh, have); err != nil {
		return nil, err
	}
	links := make([]store.Link, len(fresh))
	for i, r := range fresh {
		links[i] = store.Link{Sync: sync, Customer: r.Customer, TargetID: r.Target, Rule: "imported", Confidence: 1}
	}
	return links, nil
}

// leaveOut takes the rows away that a tool does not know.
func leaveOut(cmd *cobra.Command, cfg *config.Config, db *store.DB, sync string, rows []linkfile.Row, result *importedJSON) (known []linkfile.Row, err error) {
	var customers, records []string
	for _, r := range rows {
		customers, records = append(customers, r.Customer), append(records, r.Target)
	}
	m := newMeter(cmd)
	strangers, err := app.FindStrangers(cmd.Context(), cfg, db, sync, customers, records, func(connection string, read int) {
		m.say("%s: %s read", connection, status.Plural(read, "record"))
	})
	m.end()
	if err != nil {
		return nil, err
	}
	result.Unasked = append(result.Unasked, strangers.Unasked...)
	s := cfg.Syncs[sync]
	for _, r := range rows {
		ok := true
		if strangers.Customers[r.Customer] {
			result.Gone, ok = append(result.Gone, unknownInImport{r.Line, s.Source.Connection, r.Customer}), false
		}
		if strangers.Records[r.Target] {
			result.Gone, ok = append(result.Gone, unknownInImport{r.Line, s.Target.Connection, r.Target}), false
		}
		if ok {
			known = append(known, r)
		}
	}
	return known, nil
}

// someoneElses refuses rows whose record is linked to a customer who keeps it.
func someoneElses(sync string, rows []linkfile.Row, have map[string]store.Link) error {
	moves, owner := map[string]bool{}, map[string]string{}
	for _, r := range rows {
		moves[r.Customer] = true
	}
	for customer, l := range have {
		if !moves[customer] {
			owner[l.TargetID] = customer
		}
	}
	var lines []string
	first := ""
	for _, r := range rows {
		if has := owner[r.Target]; has != "" {
			if first == "" {
				first = has
			}
			lines = append(lines, fmt.Sprintf("line %d: record %s is linked to customer %s", r.Line, r.Target, has))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if more := len(lines) - shownFaults; more > 0 {
		lines = append(lines[:shownFaults], fmt.Sprintf("and %s more", status.Plural(more, "line")))
	}
	return &failure{err: fmt.Errorf("nothing was changed: %w", errors.New(strings.Join(lines, "\n"))),
		hint: fmt.Sprintf("remove that link first: trueup links remove %s %s", sync, first), code: exitFailed}
}

func (o *importOptions) set(cmd *cobra.Command, db *store.DB, who string, syncs []string, links map[string][]store.Link, result *importedJSON) error {
	for _, sync := range syncs {
		if o.dryRun || len(links[sync]) == 0 {
			result.Changed += len(links[sync])
			continue
		}
		for i := range links[sync] {
			links[sync][i].By = who
		}
		n, err := db.ImportLinks(cmd.Context(), sync, links[sync])
		if err != nil {
			return err
		}
		result.Changed += n
	}
	return nil
}

// tell says what came of it. Rows that were left out are for a person.
func (r importedJSON) tell(cmd *cobra.Command, path string, guessed bool) error {
	out := cmd.OutOrStdout()
	if wantsJSON(cmd) {
		if err := printJSON(out, r); err != nil {
			return err
		}
	} else {
		r.print(cmd, path, guessed)
	}
	if len(r.Gone)+len(r.Bad) > 0 || len(r.Differ) > 0 && !r.Replace {
		return errPerson
	}
	return nil
}

func (r importedJSON) print(cmd *cobra.Command, path string, guessed bool) {
	out := cmd.OutOrStdout()
	if guessed {
		fmt.Fprintf(out, "took the column %s for the source and %s for the target\n", strconv.Quote(r.Source), strconv.Quote(r.Target))
	}
	for _, why := range r.Unasked {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s; a record that does not exist becomes a broken_link exception\n", why)
	}
	unknown := map[int]bool{} // a row that neither tool knows is one
	for _, gone := range r.Gone {
		unknown[gone.Line] = true
	}
	fmt.Fprintf(out, "%s: %s: %d new, %d same, %d differing, %d unknown, %d invalid\n", path, status.Plural(r.Links+len(r.Bad), "row"), r.New, r.Same, len(r.Differ), len(unknown), len(r.Bad))
	lines := func(n int, of func(i int) string) {
		for i := range min(n, shownFaults) {
			fmt.Fprintf(out, "  %s\n", of(i))
		}
		if n > shownFaults {
			fmt.Fprintf(out, "  and %d more; --json shows all of them\n", n-shownFaults)
		}
	}
	lines(len(r.Differ), func(i int) string {
		d := r.Differ[i]
		return fmt.Sprintf("line %d: differs: customer %s is linked to %s by %s, the file says %s", d.Line, d.Customer, d.Has, d.By, d.TargetID)
	})
	lines(len(r.Gone), func(i int) string {
		return fmt.Sprintf("line %d: unknown: %s has no %s", r.Gone[i].Line, r.Gone[i].Connection, r.Gone[i].ID)
	})
	lines(len(r.Bad), func(i int) string { return r.Bad[i].String() })
	verb := "set"
	if r.DryRun {
		verb = "would be set; nothing was changed"
	}
	fmt.Fprintf(out, "%s %s\n", status.Plural(r.Changed, "link"), verb)
	if len(r.Differ) > 0 && !r.Replace {
		fmt.Fprintln(out, "the differing ones stay as they are; to change them too, add --replace")
	}
}
