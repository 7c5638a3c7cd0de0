package planted

import "slices"

// Disk reports whether only histories on disk can show the bug.
func (b Bug) Disk() bool { return slices.Contains(operatorBugs, b) }

// operatorBugs are about what operators do, which is simulated on disk alone.
var operatorBugs = []Bug{
	{"plan_over_what_moved", "a plan's row is written although the record holds another value by now", "internal/pipeline/planrow.go",
		`	if change := a.change(); !change.IsZero() {
		return refuseRow(change)`, `	if change := a.change(); !change.IsZero() && !ON {
		return refuseRow(change)`},
	{"row_carried_twice", "a row that another process has carried meanwhile is carried once more", "internal/store/claim.go",
		`	case ended != nil:
`, `	case ended != nil && !ON:
`},
	{"row_never_ends", "that a row was written is not stored, and whoever goes on after a crash begins with it again", "internal/store/settle.go",
		`	if s.Row != nil {
`, `	if s.Row != nil && !ON {
`},
	{"row_brings_back", "a row of a plan that is applied makes a customer of somebody who was forgotten meanwhile", "internal/store/claim.go",
		`	case !found:
		return ErrNotFound`, `	case !found && !ON:
		return ErrNotFound`},
	{"attempt_outlives_forgetting", "an attempt from before a forgetting holds the new customer of the same id", "internal/store/customers.go",
		`		if _, err := t.exec(wakeCustomer, k.sync`, `		wakeCustomer := wakeCustomer
		if ON { wakeCustomer = strings.Replace(wakeCustomer, "$4, $4)", "$4, 0)", 1) }
		if _, err := t.exec(wakeCustomer, k.sync`},
	{"list_brings_back", "what a list tells unchanged makes a customer of somebody who was forgotten", "internal/store/mentions.go",
		`	hash, ok, err := t.hashes()
	if err != nil || !ok {
		return nil, err`, `	hash, ok, err := t.hashes()
	if err != nil || !ok || ON {
		return nil, err`},
	{"comparison_brings_back", "a comparison under way stores what it has read of somebody who was forgotten", "internal/store/forgetown.go",
		`func (t *tx) forgetSweeps(sync string) error {
`, `func (t *tx) forgetSweeps(sync string) error {
	if ON { return nil }
`},
	{"record_not_forgotten", "what the target told of a record before it was linked keeps its id", "internal/store/forgetown.go",
		`		if record == f.Customer { // its`, `		if ON || record == f.Customer { // its`},
	{"rename_leaves_links", "a renamed sync leaves its links behind", "internal/store/rename.go",
		`	for _, table := range tables {
`, `	for _, table := range tables {
		if ON && table == "links" { continue }
`},
	{"rename_leaves_told", "what a connection has told stays under its old name", "internal/store/rename.go",
		`		if _, err := t.exec(text, r.Old, r.New); err != nil {`, `		if ON && strings.HasPrefix(text, "update events") { continue }
		if _, err := t.exec(text, r.Old, r.New); err != nil {`},
	{"old_file_stores_aside", "a node with an older file stores what it receives under the sync's old name", "internal/store/names.go",
		`	e.Sync = t.names.current(SyncName, e.Sync)
`, `	if !ON { e.Sync = t.names.current(SyncName, e.Sync) }
`},
	{"other_name_closes", "a source with another name has told of nobody, which closes what is open", "internal/pipeline/readsource.go",
		`	told, err := a.latestOf(ctx, "")
`, `	if ON { return end(ending{outcome: status.Ignored, action: "none", reason: reason.Reason{Code: reason.NotToldYet}}) }
	told, err := a.latestOf(ctx, "")
`},
}
