package planted

// handBugs are about what people forbid: a pause, and a pin.
var handBugs = []Bug{
	{"pause_not_asked_at_write", "a write begins in a pause, if its customer was claimed before", "proof/oracle/hands.go",
		`	if _, paused := db.pauses[w.Sync]; paused {
		return store.ErrPaused`, `	if _, paused := db.pauses[w.Sync]; paused && !ON {
		return store.ErrPaused`},
	{"pin_not_asked_at_write", "a write begins of a customer who was pinned after the claim", "proof/oracle/hands.go",
		`	if p := db.pinned(key{w.Sync, w.Customer}); p != nil {
`, `	if p := db.pinned(key{w.Sync, w.Customer}); p != nil && !ON {
`},
	{"pin_asks_people", "people are asked to decide about a customer who is pinned", "internal/pipeline/decide.go",
		`	if p := a.work.Pin; p != nil && d.Action != decide.None {
`, `	if p := a.work.Pin; p != nil && d.Action != decide.None && !ON {
`},
	{"resume_forgets", "who was stopped by a pause is not looked at when the sync goes on", "internal/pipeline/pinned.go",
		`		return &ending{action: Wait, place: true, retry: time.Millisecond,`, `		if ON { return &ending{action: Wait, outcome: status.Superseded, reason: reason.Reason{Code: reason.SyncPaused}} }
		return &ending{action: Wait, place: true, retry: time.Millisecond,`},
	{"unpin_forgets", "who is unpinned is not looked at", "proof/oracle/hands.go",
		`	if db.customers[k].met() {
`, `	if db.customers[k].met() && !ON {
`},
	{"pin_end_forgotten", "a customer whose pin runs out is not looked at", settleFile,
		`		at = sooner(at, e.pin.Until)
`, `		if !ON { at = sooner(at, e.pin.Until) }
`},
}
