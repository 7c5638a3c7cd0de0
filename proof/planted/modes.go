package planted

// modeBugs are about a sync that only watches for a while.
var modeBugs = []Bug{
	{"writes_while_watching", "a sync that only watches writes", "internal/pipeline/decide.go",
		`		if a.watching() && !a.trial() {
`, `		if a.watching() && !a.trial() && !ON {
`},
	{"watching_uses_up", "a look of a sync that only watches ends what was accepted while it was live", settleFile,
		`	if a.watching() && e.outcome != "" && s.LastWrite == nil {`, `	if a.watching() && e.outcome != "" && s.LastWrite == nil && !ON {`},
	{"live_again_carries_nothing", "what was accepted before a sync only watched is not looked at when it is live again", "proof/oracle/modes.go",
		`		case live && c.owed:
`, `		case live && c.owed && !ON:
`},
	{"late_reader_uses_up", "a look of a node that has not read yet that the sync is live ends what others have accepted", oracleSettleFile,
		`	} else if s.Outcome != "" && live {`, `	} else if s.Outcome != "" && live && !ON {`},
	{"resumed_while_watching", "who waits at a halted sync is let through while it only watches", "proof/oracle/limits.go",
		`	if done.Changed && db.watches(r.Sync) {`, `	if done.Changed && db.watches(r.Sync) && !ON {`},
}
