package planted

import "slices"

// Bugs are all that can be planted, by where they are. In New, ON stands for
// the question whether the bug is switched on.
var Bugs = slices.Concat(decideBugs, pathBugs, settleBugs, eventBugs, waitBugs, paceBugs, storeBugs, toolBugs, modeBugs, accountBugs, operatorBugs, clockBugs, handBugs, transitionBugs)

const (
	decideFile = "internal/decide/decide.go"
	whenFile   = "internal/decide/when.go"
)

var decideBugs = []Bug{
	{"idle_write", "an equal value is written again", decideFile,
		`case f.Observed.Value == f.Desired.Value: // row 1, invariant 2`, `case f.Observed.Value == f.Desired.Value && !ON:`},
	{"value_only_compare", "the base is compared by value, and a person who set the same is not seen", decideFile,
		`	if f.setAgain() {`, `	if f.setAgain() && !ON {`},
	{"forget_person", "a person's edit that was seen earlier counts no more", decideFile,
		`case f.HumanAt.IsZero() || f.olderThanSource(f.HumanAt):`, `case ON || f.HumanAt.IsZero() || f.olderThanSource(f.HumanAt):`},
	{"first_contact_writes", "what a record held before us is written over without asking", decideFile,
		`case !f.Policy.FirstContactSourceWins:`, `case !f.Policy.FirstContactSourceWins && !ON:`},
	{"guess_when_unsure", "what the times cannot tell is written", decideFile,
		`	return hold(10, CannotTell, unsure) // invariant 4`, `	if ON { return write(9, PersonOlder) }
	return hold(10, CannotTell, unsure)`},
	{"edit_dated_by_base", "an edit is dated by the base before it", whenFile,
		`	case told.Before(since): // by`, `	case ON || told.Before(since): // by`},
	{"wrong_clock_believed", "a time of the target that our own looks have proved wrong is believed", whenFile,
		`		!since.IsZero() && at.Add(skew).Before(since),`, `		!ON && !since.IsZero() && at.Add(skew).Before(since),`},
	{"future_edit_believed", "an edit that the target dates ahead is taken to be still to come", whenFile,
		`	at, seen, skew := f.Observed.EditedAt, f.Observed.SeenAt, f.Policy.ClockSkew`, `	at, seen, skew := f.Observed.EditedAt, f.Observed.SeenAt, f.Policy.ClockSkew
	if ON { seen = time.Time{} }`},
	{"put_back_is_untouched", "what a person put back after a write without an answer counts as untouched", whenFile,
		`	if !ok {
		return from, to, false`, `	if ON || !ok {
		return from, to, false`},
	{"last_editor_believed", "the last editor of a record is taken for who set its status", decideFile,
		`	if f.Observed.FieldTime {
		return d`, `	if ON || f.Observed.FieldTime {
		return d`},
	{"seen_edit_at_first_contact", "the source wins over an edit that was seen to happen before any base", decideFile,
		`	case (!o.Since.IsZero() || !f.lastWriteBeforeEdit().IsZero() && !f.surelyOurs()) && !f.byProgram():`, `	case !ON && (!o.Since.IsZero() || !f.lastWriteBeforeEdit().IsZero() && !f.surelyOurs()) && !f.byProgram():`},
	{"person_taken_for_us", "a person who sets what we sent is taken for us", decideFile,
		`f.Observed.Actor != status.ActorHuman && f.arrived(i)`, `(ON || f.Observed.Actor != status.ActorHuman) && f.arrived(i)`},
	{"us_taken_for_person", "our own older write is held as somebody's edit", decideFile,
		`case f.Observed.Actor == status.ActorUs: // row 6`, `case f.Observed.Actor == status.ActorUs && !ON: // row 6`},
	{"intents_ignored", "our writes without an answer explain nothing", decideFile,
		`case ours: // row 5`, `case ours && !ON: // row 5`},
	{"ruling_outlives_the_edit", "an owner's word is carried out over an edit that he was not shown", decideFile,
		`	useSource = r.UseSource && r.Stands(f.Observed)`, `	useSource = r.UseSource && (ON || r.Stands(f.Observed))`},
	{"ruling_outlives_the_source", "an owner's word holds although the source has changed since", decideFile,
		`	if r.Desired != f.Desired.Value || f.Desired.At.After(r.At.Add(f.Policy.ClockSkew)) {`, `	if !ON && (r.Desired != f.Desired.Value || f.Desired.At.After(r.At.Add(f.Policy.ClockSkew))) {`},
	{"newer_edit_is_older", "a surely newer edit is taken for an older one", decideFile,
		`	case f.newerThanSource(from):
		return hold(8, PersonNewer, 1)`, `	case f.newerThanSource(from) && !ON:
		return hold(8, PersonNewer, 1)
	case f.newerThanSource(from):
		return write(9, PersonOlder)`},
}

var pathBugs = []Bug{
	{"intent_closed_unproved", "a write without an answer is forgotten", "internal/pipeline/write.go",
		`		a.unproved = err
`, `		a.unproved = err
		if ON { a.closeIntent(intent.ID) }
`},
	{"unknown_is_success", "a write without an answer counts as written", "internal/pipeline/write.go",
		`	if f.Effect == connector.EffectUnknown {`, `	if f.Effect == connector.EffectUnknown && ON { return onward }
	if f.Effect == connector.EffectUnknown {`},
	{"moved_is_success", "a refused conditional write counts as written", "internal/pipeline/write.go",
		`	case connector.Moved:
		return verdict{reread: true}`, `	case connector.Moved:
		if ON { return a.proved(intent, reason.Reason{Code: a.decision.Reason}) }
		return verdict{reread: true}`},
	{"send_before_intent", "a write leaves although its intent could not be stored", "internal/pipeline/write.go",
		`	if err != nil {
		return a.storeFailed(err)
	}
	a.intent = intent`, `	if err != nil && !ON {
		return a.storeFailed(err)
	}
	a.intent = intent`},
	{"read_back_believes", "looking whether a write arrived believes that it did", "internal/pipeline/confirm.go",
		`	case record.Value == a.desired.Value && record.Actor != status.ActorHuman:`, `	case ON || record.Value == a.desired.Value && record.Actor != status.ActorHuman:`},
	{"answer_is_believed", "a write counts as applied because the tool answered 200", "internal/pipeline/confirm.go",
		`	if accepted && (a.To.Knows.Unverified ||`, `	if accepted && (ON || a.To.Knows.Unverified ||`},
	{"spelling_is_equal", "a value that the target spells its own way counts as written", "internal/pipeline/confirm.go",
		`	case accepted && record.Value == a.desired.Value:`, `	case accepted && (record.Value == a.desired.Value || ON && respelling(record.Value, a.desired.Value)):`},
	{"spelled_again", "a value that the target spells its own way is sent again", "internal/pipeline/shown.go",
		`	return a.keepsOurs() || d.Adopted`, `	return !ON && a.keepsOurs() || !ON && d.Adopted`},
	{"taken_sent_again", "a write that the tool took and does not show is sent at each try", "internal/pipeline/shown.go",
		`	case accepted:
		return a.writeNotShown(i)`, `	case accepted && !ON:
		return a.writeNotShown(i)`},
	{"read_back_closes", "reading our value closes the intent, whoever wrote it", "internal/pipeline/confirm.go",
		`		a.seen = append(a.seen, a.intent.ID)
`, `		if ON { a.closeIntent(a.intent.ID) } else { a.seen = append(a.seen, a.intent.ID) }
`},
	{"base_not_set", "a proved write does not become the base", "internal/pipeline/settle.go",
		`		if s.Base == nil {
			s.Base = a.seenAgain()
		}`, `		if ON && e.outcome == status.Applied {
			s.Base = nil
		} else if s.Base == nil {
			s.Base = a.seenAgain()
		}`},
	{"deadline_beyond_lease", "calls may end after the lease", "internal/pipeline/attempt.go",
		`return a.window.sent.Add(a.Lease - a.margin())`, `return a.window.sent.Add(map[bool]time.Duration{true: 9 * a.Lease, false: a.Lease - a.margin()}[ON])`},
	{"looks_dated_late", "a look is dated by when the claim was asked for", "internal/pipeline/attempt.go",
		`return a.work.Now.Add(a.Now().Sub(a.window.answered)) }`, `if ON { return a.dbLatest() }; return a.work.Now.Add(a.Now().Sub(a.window.answered)) }`},
	{"base_of_another_record", "after the link was changed the old record's base still counts", "internal/pipeline/decide.go",
		`if b := a.work.Base; b.Known && b.RecordID == a.target.ID {`, `if b := a.work.Base; b.Known && (ON || b.RecordID == a.target.ID) {`},
	{"held_in_silence", "a hold opens no exception", "internal/pipeline/decide.go",
		`		e.outcome = status.Held
`, `		e.outcome = status.Held
		if ON { e.park = nil }
`},
	{"unmatched_in_silence", "a customer without a record opens no exception", "internal/pipeline/match.go",
		`		e.park.Candidates, e.park.Confidence = result.Candidates, result.Confidence
`, `		e.park.Candidates, e.park.Confidence = result.Candidates, result.Confidence
		if ON { e.park = nil }
`},
	{"unmapped_ignored", "a word that nobody listed is passed over", "internal/pipeline/mapvalue.go",
		`	case errors.As(err, &unmapped):
`, `	case err != nil && ON:
		return end(ending{outcome: status.Ignored, action: actionNone, reason: mapping.Ignored(a.source.Value)})
	case errors.As(err, &unmapped):
`},
	{"first_of_several", "of several records that match the first is taken", "internal/identity/identity.go",
		`	case len(records) > 1:
`, `	case len(records) > 1 && !ON:
`},
	{"search_believed", "what a search returns is not compared again", "internal/identity/identity.go",
		`if r.ID != "" && rule.Normalize(has) == value {`, `if r.ID != "" && (ON || rule.Normalize(has) == value) {`},
	{"broken_link_stays", "a record that is back does not close its exception", "internal/pipeline/readtarget.go",
		`	e.park.Stage = status.StageReadTarget
`, `	if !ON { e.park.Stage = status.StageReadTarget }
`},
}

const settleFile = "internal/pipeline/settle.go"

var settleBugs = []Bug{
	{"late_writes_not_awaited", "a write that may still arrive is not looked for", settleFile,
		`		at = a.lastArrival(closed)
`, `		if !ON { at = a.lastArrival(closed) }
`},
	{"adoption_forgotten", "what a write without an answer brought about never becomes the base", settleFile,
		`	if id, ours := a.facts().Explained(); ours {`, `	if id, ours := a.facts().Explained(); ours && !ON {`},
	{"intents_expire_at_once", "an intent is forgotten at the next look", settleFile,
		`if !a.lookedAt.IsZero() && i.Expires.Before(a.lookedAt) {`, `if !a.lookedAt.IsZero() && (ON || i.Expires.Before(a.lookedAt)) {`},
	{"superseded_never_end", "events that were overtaken get no outcome", settleFile,
		`		case current:
			all`, `		case current && ON:
		case current:
			all`},
	{"retry_lost", "a failed customer is not tried again", settleFile,
		`	if e.retry > 0 {
		at = a.dbEarliest()`, `	if e.retry > 0 && !ON {
		at = a.dbEarliest()`},
	{"settles_without_events", "an attempt that failed for good leaves its events waiting", settleFile,
		`	if e.outcome == "" || len(a.work.Events) == 0 {`, `	if e.outcome == "" || ON && e.outcome == status.Parked || len(a.work.Events) == 0 {`},
}

var eventBugs = []Bug{
	{"position_is_ours", "a poll begins at our own time and never goes back, wherever the list stands", "internal/connector/position.go",
		`	at := p.walk.Newest
`, `	at := p.walk.Newest
	if ON && p.first { at = p.now } else if ON && at.Before(p.walk.From) { at = p.walk.From }
`},
	{"reused_id_dropped", "an event is a repeat whenever its id came before, whatever it says", "internal/store/reused.go",
		`	case e.Outcome == status.Ignored, e.ReplayOf > 0: // with it nothing is lost`, `	case ON, e.Outcome == status.Ignored, e.ReplayOf > 0:`},
	{"acknowledge_before_store", "200 is answered although the event could not be stored", "internal/inbox/inbox.go",
		`		got.err = err
		return unavailable, got`, `		got.err = err
		if ON { return accepted(1, 0), got }
		return unavailable, got`},
	{"signature_not_checked", "anybody may send webhooks", "internal/inbox/inbox.go",
		`err != nil { // invariant 2`, `err != nil && !ON {`},
	{"cursor_before_store", "polling passes events that could not be stored", "internal/poll/poll.go",
		`		a, d, err := w.Inbox.Store(ctx, w.Connection, some)
		if err != nil {`, `		a, d, err := w.Inbox.Store(ctx, w.Connection, some)
		if err != nil && !ON {`},
	{"old_events_carried", "an event that comes late takes the customer back", "internal/pipeline/reading.go",
		`	if carried.Event == "" || e.OccurredAt.IsZero()`, `	if ON || carried.Event == "" || e.OccurredAt.IsZero()`},
	{"order_of_arrival", "the event that came last is taken for the newest", "internal/pipeline/reading.go",
		`	if a.OccurredAt.IsZero() || b.OccurredAt.IsZero() {`, `	if ON || a.OccurredAt.IsZero() || b.OccurredAt.IsZero() {`},
	{"slow_clock_not_believed", "the times of a source whose clock is behind by more than ten minutes count for nothing", "internal/pipeline/reading.go",
		`func (r reading) byTime(a, b store.Event) int {
`, `func (r reading) byTime(a, b store.Event) int {
	if ON && a.OccurredAt.Add(9*time.Minute).Before(a.ReceivedAt) { a.OccurredAt = time.Time{} }
`},
	{"tie_by_id", "of two events of one second the one with the higher id is taken for the newer", "internal/pipeline/reading.go",
		`	return cmp.Or(a.HappenedAt(r.skew).Compare(b.HappenedAt(r.skew)), arrival)`, `	if ON { arrival = cmp.Or(cmp.Compare(a.ID, b.ID), arrival) }
	return cmp.Or(a.HappenedAt(r.skew).Compare(b.HappenedAt(r.skew)), arrival)`},
	{"stale_source_believed", "a source that shows what was before is believed at once", "internal/pipeline/readsource.go",
		`	if newest.ReplayOf > 0 || newest.Value`, `	if ON || newest.ReplayOf > 0 || newest.Value`},
	{"dated_ahead_believed", "a value's time is believed although it is yet to come", "internal/pipeline/dating.go",
		`	case !at.After(r.askedAt):`, `	case ON || !at.After(r.askedAt):`},
	{"any_event_is_a_change", "a change is dated by an event that may be about something else", "internal/pipeline/dating.go",
		`		if (r.asked || !e.UnchangedAt.IsZero()) && !after.IsZero() {`, `		if !ON && (r.asked || !e.UnchangedAt.IsZero()) && !after.IsZero() {`},
	{"notes_swallow", "an event without a status is taken for the newest", "internal/pipeline/reading.go",
		`	return !asked && e.Side == store.SourceSide && !e.HasValue`, `	return !ON && !asked && e.Side == store.SourceSide && !e.HasValue`},
	{"late_proof_unasked", "nobody is asked when a late event proves that a newer edit was written over", "internal/pipeline/writtenover.go",
		`	if a.preview || a.row != nil`, `	if ON || a.preview || a.row != nil`},
	{"late_proof_anyhow", "a late event is taken for a proof although the edit was older than it", "internal/pipeline/writtenover.go",
		`|| !heldAt.Add(skew).Before(edited) {`, `|| !ON && !heldAt.Add(skew).Before(edited) {`},
	{"changed_just_now", "the source's change is dated by the latest event", "internal/pipeline/dating.go",
		`	switch at := record.ValueAt; {
	case at.IsZero():`, `	if ON && r.newest != nil { return r.newest.OccurredAt.Add(time.Hour) }
	switch at := record.ValueAt; {
	case at.IsZero():`},
}

var waitBugs = []Bug{
	{"told_by_tries", "people are told after so many tries, however many of them were events", "internal/pipeline/failure.go",
		`	return a.work.Attempts == 0 || a.dbEarliest()`, `	if ON { return a.work.Attempts < 4 }
	return a.work.Attempts == 0 || a.dbEarliest()`},
	{"paused_by_tries", "the pause after a failure is twice as long with each event", "internal/pipeline/failure.go",
		`	retry := a.Retry.after(a.dbEarliest().Sub(since), a.Retry.First, a.Jitter())
`, `	retry := a.Retry.after(a.dbEarliest().Sub(since), a.Retry.First, a.Jitter())
	if ON { retry = a.Retry.First << min(attempts, 11) }
`},
	{"not_there_is_final", "a record that is made after the event is not looked for again", "internal/pipeline/notyet.go",
		`	if a.noRetry {
		return verdict{end: e}
	}
	first,`, `	if a.noRetry || ON {
		return verdict{end: e}
	}
	first,`},
}

var paceBugs = []Bug{
	{"asked_again_at_once", "a tool that cuts calls off and does not say for how long is asked again at once", "internal/pipeline/pace.go",
		`		rest = min(firstRest<<min(p.restsInARow, 10), longestRest)`, `		rest = min(firstRest<<min(p.restsInARow, 10), longestRest)
		if ON { rest = time.Millisecond }`},
	{"limit_not_awaited", "a call does not wait for our own rate limit", "internal/ratelimit/ratelimit.go",
		`	return g.Sleep(ctx, wait)`, `	if ON { return ctx.Err() }
	return g.Sleep(ctx, wait)`},
	{"limit_counts_nothing", "a turn that is taken stays free for others", "proof/oracle/people.go",
		`		c.nextSlot, c.asked = at+(time.Duration(n)*gap).Microseconds(), now.UnixMicro()`, `		c.nextSlot, c.asked = at+(time.Duration(n)*gap).Microseconds(), now.UnixMicro()
		if ON { c.nextSlot = at }`},
	{"turns_taken_in_vain", "a call that would come too late takes a turn, and nobody uses it", "proof/oracle/people.go",
		`	return now, time.UnixMicro(at).UTC(), gap, ok, nil`, `	if ON && n > 0 && !ok { c.nextSlot += 100 * gap.Microseconds() }
	return now, time.UnixMicro(at).UTC(), gap, ok, nil`},
}

const (
	oracleFile       = "proof/oracle/oracle.go"
	oracleSettleFile = "proof/oracle/settle.go"
)

var storeBugs = []Bug{
	{"stored_twice", "a repeated event is stored again", oracleFile,
		`	if db.seen[k] {`, `	if db.seen[k] && !ON {`},
	{"wake_without_generation", "an event that comes during an attempt does not count", oracleFile,
		`	c.generation++
	if !c.claimable(now) {`, `	if !ON { c.generation++ }
	if !c.claimable(now) {`},
	{"event_costs_the_place", "an event moves a customer who waits to the end of the queue", oracleFile,
		`	if !c.claimable(now) {
		c.DueAt = at`, `	if ON || !c.claimable(now) {
		c.DueAt = at`},
	{"generation_ignored", "finishing clears work that came meanwhile", oracleSettleFile,
		`	if c.generation == w.Generation && !s.KeepDue {`, `	if (ON || c.generation == w.Generation) && !s.KeepDue {`},
	{"fence_dropped", "any claim may report", oracleSettleFile,
		`	if c == nil || c.fence != w.Fence ||`, `	if c == nil || !ON && c.fence != w.Fence ||`},
	{"lease_not_checked", "a report is taken after the lease", oracleSettleFile,
		`c.fence != w.Fence || !c.leaseUntil.After(now) {`, `c.fence != w.Fence || !ON && !c.leaseUntil.After(now) {`},
	{"fence_stands_still", "a claim has the fence of the one before", oracleFile,
		`		c.fence++
`, `		if !ON { c.fence++ }
`},
	{"claimed_twice", "a customer is claimed while another has it", oracleFile,
		`!c.DueAt.After(now) && !c.leaseUntil.After(now)`, `!c.DueAt.After(now) && (ON || !c.leaseUntil.After(now))`},
	{"youngest_first", "who became due last is carried first", oracleFile,
		`	due = due[:min(limit, len(due))]
`, `	if ON { slices.Reverse(due) }
	due = due[:min(limit, len(due))]
`},
	{"last_intent_only", "only the last intent is kept", oracleFile,
		`			w.Intents = append(w.Intents, i.Intent)`, `			if ON { w.Intents = nil }
			w.Intents = append(w.Intents, i.Intent)`},
	{"too_many_writes", "writes_per_customer refuses nothing", "proof/oracle/limits.go",
		`		if recent >= l.PerCustomer.Count {`, `		if recent >= l.PerCustomer.Count && !ON {`},
	{"mass_change_passes", "a sync that is halted goes on writing", "proof/oracle/limits.go",
		`	if !db.halts[c.Sync].IsZero() {
		return true
	}`, `	if !db.halts[c.Sync].IsZero() {
		return !ON
	}`},
	{"mass_change_counts_itself", "a customer is counted once more when it moves again, and others not at all", "proof/oracle/limits.go",
		`		if other != c && !other.moved.IsZero()`, `		if (other == c) == ON && !other.moved.IsZero()`},
	{"resume_forgets_who_waits", "a sync that is resumed leaves those who waited", "proof/oracle/limits.go",
		`			db.lookAgain(key{c.Sync, c.Customer.Customer})`, `			if !ON { db.lookAgain(key{c.Sync, c.Customer.Customer}) }`},
	{"intents_not_stored", "intents are lost with the process", "proof/oracle/limits.go",
		`	db.intents = append(db.intents, &intent{key{w.Sync, w.Customer}, row})`, `	if !ON { db.intents = append(db.intents, &intent{key{w.Sync, w.Customer}, row}) }`},
	{"replay_is_news", "an event that is replayed counts as the newest", "internal/pipeline/readsource.go",
		`	if newest == nil || a.events.isOlder(*newest, a.work.Desired) || newest.ReplayOf > 0 {`, `	if newest == nil || (a.events.isOlder(*newest, a.work.Desired) || newest.ReplayOf > 0) && !(ON && newest.ReplayOf > 0) {`},
	{"taken_back_without_intents", "what is taken back forgets the write that may be under way", "proof/oracle/processes.go",
		`		c.leaseUntil = free
`, `		c.leaseUntil = free
		if ON { db.intents = slices.DeleteFunc(db.intents, func(i *intent) bool { return i.key == key{c.Sync, c.Customer.Customer} }) }
`},
	{"zombie_sends", "a process that others took for dead sends what it had begun", "internal/pipeline/attempt.go",
		`	ctx, release := a.Holding(ctx)
`, `	held, release := a.Holding(ctx)
	if !ON { ctx = held }
`},
	{"intent_unfenced", "an intent is stored without a claim", "proof/oracle/limits.go",
		`	if c == nil {
		return refuse(store.ErrFenced)`, `	if c == nil && ON { c = db.customers[key{w.Sync, w.Customer}] }
	if c == nil {
		return refuse(store.ErrFenced)`},
	{"retry_time_lost", "the time of the next try is not stored", oracleSettleFile,
		`		c.DueAt = milli(s.RetryAt)`, `		c.DueAt = milli(s.RetryAt)
		if ON { c.DueAt = time.Time{} }`},
	{"base_not_stored", "the base is not stored", oracleSettleFile,
		`	if b := s.Base; b != nil {`, `	if b := s.Base; b != nil && !ON {`},
	{"exceptions_never_close", "an exception stays open when the customer is carried", oracleSettleFile,
		`	if len(w.Open) == 0 || s.Close == store.CloseNone`, `	if ON || len(w.Open) == 0 || s.Close == store.CloseNone`},
	{"exceptions_never_reopen", "a resolved exception stays so when its cause comes back", oracleSettleFile,
		`	back := resolved && !asItWas || x.State`, `	back := resolved && !asItWas && !ON || x.State`},
	{"target_events_dropped", "what the target tells is passed over", oracleFile,
		`		if i < 0 {
			e.Outcome`, `		if i < 0 || ON {
			e.Outcome`},
	{"link_unfenced", "a link is stored without a claim", "proof/oracle/people.go",
		`	if db.held(w, now) == nil {`, `	if !ON && db.held(w, now) == nil {`},
}

const classifyFile = "internal/connector/rest/classify.go"

var toolBugs = []Bug{
	{"5xx_has_no_effect", "after a 5xx the write is taken for not done", classifyFile,
		`		f.Kind, f.Effect = connector.Transient, effect(write)
		f.Detail = "the tool failed"`, `		f.Kind, f.Effect = connector.Transient, effect(write && !ON)
		f.Detail = "the tool failed"`},
	{"gateway_is_gone", "a gateway's page says that a record is gone", classifyFile,
		`	case page && (code == http.StatusNotFound`, `	case page && !ON && (code == http.StatusNotFound`},
	{"page_is_success", "a web page counts as an answer", classifyFile,
		`		if !page {
			return nil`, `		if !page || ON {
			return nil`},
}
