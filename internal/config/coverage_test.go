package config

import (
	"strings"
	"testing"
)

// closedTool is a type whose values are known, as a tool's that may add some and
// as one's that may not.
type closedTool struct{ grows bool }

func (closedTool) Check(*Checker, Connection) {}

func (t closedTool) ClosedSet(side Side) ClosedSet {
	if side.Field == "free" {
		return ClosedSet{}
	}
	return ClosedSet{Values: []string{"active", "past_due", "paused", "canceled", "incomplete"}, Also: []string{""}, Grows: t.grows,
		Usual: map[string]string{"active": "active", "past_due": "active", "paused": "paused", "canceled": "churned", "incomplete": "ignore"}}
}

// covered reads a file of one sync, and returns its faults or else its warnings.
func covered(t *testing.T, connection, sync string) (faults, warnings string) {
	t.Helper()
	text := `connections:
  billing: {type: ` + connection + `}
  crm: {type: open}
syncs:
  s:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: id, target: id}]
    limits: off
` + sync
	types := Types{"grows": func() Settings { return &closedTool{grows: true} }, "fixed": func() Settings { return &closedTool{} }, "open": func() Settings { return &openTool{} }}
	env := func(name string) (string, bool) { return "active", name == "WORD" }
	cfg, err := Parse("trueup.yaml", []byte(text), ".", types, env)
	if err != nil {
		return err.Error(), ""
	}
	var all []string
	for _, n := range cfg.Notices() {
		if n.Warning && !strings.Contains(n.Path, "limits") {
			all = append(all, n.String())
		}
	}
	return "", strings.Join(all, "\n")
}

type openTool struct{}

func (openTool) Check(*Checker, Connection) {}

func TestWhatIsListedIsComparedWithWhatTheSourceCanSay(t *testing.T) {
	const all = "    statuses:\n      active: {from: [active, past_due], to: Active}\n      paused: {from: [paused], to: Paused}\n      churned: {from: [canceled], to: Churned}\n"
	for _, c := range []struct {
		name, tool, sync string
		fault, warning   string
	}{
		{"everything listed is no fault", "grows", all + "    ignore: [incomplete]\n    mode: live\n", "", ""},
		{"a value that need not be listed may be", "fixed", all + "    ignore: [incomplete, \"\"]\n    mode: live\n", "", ""},
		{"going live with a value left out is refused, with the line to add", "grows", all + "    mode: live\n",
			"trueup.yaml:10: syncs.s.statuses: billing also has incomplete, listed nowhere; the usual choice is ignore: [incomplete]", ""},
		{"a sync that only watches is warned", "grows", all,
			"", "trueup.yaml:10: syncs.s.statuses: before you go live: billing also has incomplete, listed nowhere; the usual choice is ignore: [incomplete]"},
		{"several left out are one fault, each in the line where it usually stands", "grows",
			"    statuses:\n      active: {from: [active], to: Active}\n      churned: {from: [canceled], to: Churned, stops: true}\n      paused: {from: [paused], to: Paused}\n    mode: live\n",
			"trueup.yaml:10: syncs.s.statuses: billing also has past_due and incomplete, listed nowhere; the usual choice is active: {from: [active, past_due], ...} and ignore: [incomplete]", ""},
		{"words of one's own get no guess", "grows",
			"    statuses:\n      on: {from: [active], to: Active}\n      over: {from: [canceled, paused], to: Over}\n    ignore: [incomplete]\n    mode: live\n",
			"trueup.yaml:10: syncs.s.statuses: billing also has past_due, listed nowhere; add it to the from of on or over, or write ignore: [incomplete, past_due]", ""},
		{"a line shows what the environment gave as the file has it", "grows",
			"    statuses:\n      active: {from: [\"${WORD}\"], to: Active}\n      paused: {from: [paused], to: Paused}\n      churned: {from: [canceled], to: Churned}\n    ignore: [incomplete]\n    mode: live\n",
			"trueup.yaml:10: syncs.s.statuses: billing also has past_due, listed nowhere; the usual choice is active: {from: [${WORD}, past_due], ...}", ""},
		{"several without a usual place are offered together", "grows",
			"    statuses:\n      on: {from: [active], to: Active}\n    ignore: [incomplete, paused]\n    mode: live\n",
			"trueup.yaml:10: syncs.s.statuses: billing also has past_due and canceled, listed nowhere; add each to the from of on, or write ignore: [incomplete, paused, past_due, canceled]", ""},
		{"a misspelt value is a fault, with the nearest one", "grows",
			"    statuses:\n      active: {from: [active, past_due], to: Active}\n      paused: {from: [paused], to: Paused}\n      churned: {from: [cancelled], to: Churned}\n    ignore: [incomplete]\n",
			`trueup.yaml:13: syncs.s.statuses.churned.from[0]: "cancelled" is not a value of billing; did you mean canceled?`, ""},
		{"a misspelt value is not missed as well, and is not offered again", "grows",
			"    statuses:\n      active: {from: [activ], to: Active}\n      paused: {from: [paused], to: Paused}\n      churned: {from: [canceled], to: Churned}\n    ignore: [incomplete]\n    mode: live\n",
			"trueup.yaml:10: syncs.s.statuses: billing also has past_due, listed nowhere; the usual choice is active: {from: [active, past_due], ...}\n" +
				`trueup.yaml:11: syncs.s.statuses.active.from[0]: "activ" is not a value of billing; did you mean active?`, ""},
		{"and so is a misspelt one under ignore, where the tool's values are fixed", "fixed", all + "    ignore: [incomplete, incompleted]\n",
			`trueup.yaml:14: syncs.s.ignore[1]: "incompleted" is not a value of billing; did you mean incomplete?`, ""},
		{"another spelling beside the right one does no harm", "grows",
			"    statuses:\n      active: {from: [active, past_due], to: Active}\n      paused: {from: [paused], to: Paused}\n      churned: {from: [canceled, cancelled], to: Churned}\n    ignore: [incomplete]\n    mode: live\n",
			"", `trueup.yaml:13: syncs.s.statuses.churned.from[1]: "cancelled" is not a value of billing, unless the tool has added it; its values are active, past_due, paused, canceled, incomplete`},
		{"a value that the tool may have added since can be listed", "grows", all + "    ignore: [incomplete, hibernating]\n    mode: live\n",
			"", `trueup.yaml:14: syncs.s.ignore[1]: "hibernating" is not a value of billing, unless the tool has added it; its values are active, past_due, paused, canceled, incomplete`},
		{"where the tool cannot add any, it cannot", "fixed", all + "    ignore: [incomplete, hibernating]\n",
			`trueup.yaml:14: syncs.s.ignore[1]: "hibernating" is not a value of billing; the values are active, past_due, paused, canceled, incomplete`, ""},
		{"a file whose statuses have another fault hears of that first", "grows", "    statuses:\n      active: {from: [], to: Active}\n    mode: live\n",
			"trueup.yaml:11: syncs.s.statuses.active.from: it is empty; list the source's values that mean active, or remove the status", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fault, warning := covered(t, c.tool, c.sync)
			if fault != c.fault || warning != c.warning {
				t.Errorf("faults\n%s\nwarnings\n%s", fault, warning)
			}
		})
	}
}

func TestOnlyAClosedSetIsCompared(t *testing.T) {
	fault, warning := covered(t, "open", "    statuses: {active: {from: [anything], to: Active}}\n    mode: live\n")
	if fault+warning != "" {
		t.Error(fault, warning)
	}
}

func TestATargetThatCannotHoldAWordIsAFault(t *testing.T) {
	types := Types{"grows": func() Settings { return &closedTool{grows: true} }, "open": func() Settings { return &openTool{} }}
	text := `connections:
  billing: {type: open}
  crm: {type: grows}
syncs:
  s:
    source: {connection: billing}
    target: {connection: crm, field: f}
    match: [{source: id, target: id}]
    statuses:
      active: {from: [on], to: active}
      over: {from: [off], to: Canceled}
`
	_, err := Parse("trueup.yaml", []byte(text), ".", types, lookup)
	if err == nil || err.Error() != `trueup.yaml:11: syncs.s.statuses.over.to: "Canceled" is not a value of crm; did you mean canceled?` {
		t.Error(err)
	}
	if _, err = Parse("trueup.yaml", []byte(strings.Replace(text, "field: f", "field: free", 1)), ".", types, lookup); err != nil {
		t.Error(err)
	}
}
