package reason

import (
	"slices"
	"strings"

	"github.com/trueup-sync/trueup/internal/status"
)

// What people and programs do. Their sentences have no subject: who did it stands
// before them.
const (
	ActAcknowledged  Code = "act_acknowledged"
	ActAssigned      Code = "act_assigned"
	ActRetried       Code = "act_retried"
	ActIgnored       Code = "act_ignored" // until the source changes
	ActIgnoredAlways Code = "act_ignored_always"
	ActResolved      Code = "act_resolved"
	ActReopened      Code = "act_reopened"
	ActUsedSource    Code = "act_used_source"
	ActKeptTarget    Code = "act_kept_target"
	ActLinked        Code = "act_linked"
	ActRematched     Code = "act_rematched"

	ActLinkRemoved   Code = "act_link_removed"
	ActLinksImported Code = "act_links_imported"
	ActLinksRemoved  Code = "act_links_removed"
	ActPinned        Code = "act_pinned"
	ActUnpinned      Code = "act_unpinned"
	ActUndid         Code = "act_undid"
	ActReplayed      Code = "act_replayed"
	ActForgot        Code = "act_forgot"

	ActMapped      Code = "act_mapped"
	ActFileRead    Code = "act_file_read"
	ActFileFirst   Code = "act_file_first"
	ActRenamed     Code = "act_renamed"
	ActRemoved     Code = "act_removed"
	ActSameAccount Code = "act_same_account"

	ActPlanApplied Code = "act_plan_applied"
	ActRowsApplied Code = "act_rows_applied"

	ActPlanningStopped Code = "act_planning_stopped"
	ActApplyingStopped Code = "act_applying_stopped"

	ActPaused      Code = "act_paused"
	ActResumed     Code = "act_resumed"
	ActHaltResumed Code = "act_halt_resumed"
	ActWentLive    Code = "act_went_live"
	ActWatched     Code = "act_watched"

	ActTokenCreated Code = "act_token_created"
	ActTokenRevoked Code = "act_token_revoked"

	ActFirstPerson     Code = "act_first_person"
	ActPersonAdded     Code = "act_person_added"
	ActPersonRole      Code = "act_person_role"
	ActPersonRemoved   Code = "act_person_removed"
	ActPersonSignedOut Code = "act_person_signed_out"
	ActPersonLink      Code = "act_person_link"
	ActPasswordChosen  Code = "act_password_chosen"
	ActPersonArrived   Code = "act_person_arrived"
	ActPersonJoined    Code = "act_person_joined"
	ActRoleByGroups    Code = "act_role_by_groups"
	ActNoGroup         Code = "act_no_group"
)

// Topic is what an act is about, out of a closed set, to choose by.
type Topic string

// The topics, in the order in which people are offered them.
const (
	AboutExceptions Topic = "exceptions"
	AboutCustomers  Topic = "customers"
	AboutMap        Topic = "map"
	AboutPlans      Topic = "plans"
	AboutMode       Topic = "mode"
	AboutAccess     Topic = "access"
)

// Topics lists the closed set.
var Topics = []Topic{AboutExceptions, AboutCustomers, AboutMap, AboutPlans, AboutMode, AboutAccess}

// TopicNames are the topics for people.
var TopicNames = map[Topic]string{
	AboutExceptions: "Exceptions", AboutCustomers: "Customers", AboutMap: "Map and file", AboutPlans: "Plans", AboutMode: "Mode", AboutAccess: "Access",
}

// TopicOf is what an act is about, "" for a code that is no act.
func TopicOf(code Code) Topic { return acts[code].topic }

type act struct {
	topic Topic
	says  func(Facts) string
}

// acts has every act. Customer is the customer that it was done to, and Count how
// many customers it was, where that is more than one.
var acts = map[Code]act{
	ActAcknowledged: {AboutExceptions, func(f Facts) string { return "Acknowledged " + exceptionsOf(f) }},
	ActAssigned: {AboutExceptions, func(f Facts) string {
		return "Assigned " + exceptionsOf(f) + " to " + or(f.Detail, "someone")
	}},
	ActRetried: {AboutExceptions, func(f Facts) string { return "Looked again at " + customersOf(f) }},
	ActIgnored: {AboutExceptions, func(f Facts) string {
		return "Ignored " + exceptionsOf(f) + " until " + source(f) + " changes"
	}},
	ActIgnoredAlways: {AboutExceptions, func(f Facts) string { return "Ignored " + exceptionsOf(f) + " permanently" }},
	ActResolved:      {AboutExceptions, func(f Facts) string { return "Closed " + exceptionsOf(f) }},
	ActReopened:      {AboutExceptions, func(f Facts) string { return "Opened " + exceptionsOf(f) + " again" }},
	ActUsedSource: {AboutExceptions, func(f Facts) string {
		return "Chose the value of " + source(f) + " for " + customersOf(f)
	}},
	ActKeptTarget: {AboutExceptions, func(f Facts) string {
		end := " until " + source(f) + " changes"
		if !f.Until.IsZero() {
			end = at(f, " until ", f.Until)
		}
		return "Kept the edit for " + customersOf(f) + ": " + short(or(f.Found, "the value")) + " stays" + end
	}},
	ActLinked: {AboutCustomers, func(f Facts) string {
		return "Said that " + customersOf(f) + " is the " + or(f.Target, "target") + " record " + or(f.Record, "that was found")
	}},
	ActRematched:   {AboutExceptions, func(f Facts) string { return "Removed the link of " + customersOf(f) + " and had it matched again" }},
	ActLinkRemoved: {AboutCustomers, func(f Facts) string { return "Removed the link of " + customersOf(f) }},
	ActLinksImported: {AboutCustomers, func(f Facts) string {
		return "Imported " + counted(f.Count, "link") + " of " + sync(f)
	}},
	ActLinksRemoved: {AboutCustomers, func(f Facts) string {
		return "Removed " + counted(f.Count, "link") + " of " + sync(f)
	}},
	ActPinned:   {AboutCustomers, func(f Facts) string { return "Pinned " + customersOf(f) + at(f, " until ", f.Until) }},
	ActUnpinned: {AboutCustomers, func(f Facts) string { return "Unpinned " + customersOf(f) }},
	ActUndid: {AboutCustomers, func(f Facts) string {
		return "Put " + customersOf(f) + " back: " + short(holds(f.Found)) + " → " + short(holds(f.Value))
	}},
	ActReplayed: {AboutCustomers, func(f Facts) string {
		if f.Count > 1 {
			return "Replayed " + counted(f.Count, "event")
		}
		return "Replayed an event of " + customersOf(f)
	}},
	ActForgot: {AboutCustomers, func(f Facts) string { return "Forgot a customer, who is now called " + customersOf(f) }},

	ActMapped: {AboutMap, func(f Facts) string {
		if f.Status == "" {
			return "Had the value " + short(value(f)) + " ignored in " + sync(f)
		}
		return "Added " + short(value(f)) + " to " + string(f.Status) + " in " + sync(f)
	}},
	ActFileRead: {AboutMap, func(f Facts) string {
		if len(f.Changes) == 0 {
			return "Read trueup.yaml again: no setting changed"
		}
		return "Read trueup.yaml again: " + changed(f)
	}},
	ActFileFirst: {AboutMap, always("Read trueup.yaml for the first time")},
	ActRenamed: {AboutMap, func(f Facts) string {
		if f.Connection != "" {
			return "Renamed the connection " + or(f.Found, "of before") + " to " + f.Connection
		}
		return "Renamed the sync " + or(f.Found, "of before") + " to " + sync(f)
	}},
	ActRemoved: {AboutMap, func(f Facts) string {
		return "Removed " + or(f.Connection, sync(f)) + ", which the file no longer has"
	}},
	ActSameAccount: {AboutMap, func(f Facts) string {
		return "Confirmed that " + sync(f) + " still reaches the same accounts"
	}},

	ActPlanApplied: {AboutPlans, func(f Facts) string {
		return "Approved plan " + or(f.Plan, "of before") + ": " + counted(f.Count, "customer") + " in " + target(f)
	}},
	ActRowsApplied: {AboutPlans, func(f Facts) string {
		return "Wrote chosen customers of plan " + or(f.Plan, "of before") + " to " + target(f)
	}},

	ActPlanningStopped: {AboutPlans, func(f Facts) string { return "Stopped the comparison for a plan of " + sync(f) }},
	ActApplyingStopped: {AboutPlans, func(f Facts) string { return "Stopped writing the plan of " + sync(f) + ": what was written stays" }},

	ActPaused:   {AboutMode, func(f Facts) string { return "Paused " + sync(f) }},
	ActResumed:  {AboutMode, func(f Facts) string { return "Resumed " + sync(f) }},
	ActWentLive: {AboutMode, func(f Facts) string { return "Took " + sync(f) + " live" }},
	ActWatched:  {AboutMode, func(f Facts) string { return "Put " + sync(f) + " back to watching" }},
	ActHaltResumed: {AboutMode, func(f Facts) string {
		return "Resumed " + sync(f) + " after its halt: " + counted(f.Count, "customer") + " let through"
	}},

	ActTokenCreated: {AboutAccess, func(f Facts) string {
		return "Created the token " + or(f.Key, "of a program") + before(" with the role ", f.Rule)
	}},
	ActTokenRevoked: {AboutAccess, func(f Facts) string { return "Revoked the token " + or(f.Key, "of a program") }},

	ActFirstPerson: {AboutAccess, func(f Facts) string { return "Made the first account, for " + or(f.Detail, "an admin") }},
	ActPersonAdded: {AboutAccess, func(f Facts) string {
		return "Added " + or(f.Detail, "a person") + before(" with the role ", f.Rule)
	}},
	ActPersonRole: {AboutAccess, func(f Facts) string {
		return "Changed the role of " + or(f.Detail, "a person") + ": " + or(f.Found, "none") + " → " + or(f.Rule, "none")
	}},
	ActPersonRemoved:   {AboutAccess, func(f Facts) string { return "Removed " + or(f.Detail, "a person") }},
	ActPersonSignedOut: {AboutAccess, func(f Facts) string { return "Signed " + or(f.Detail, "a person") + " out everywhere" }},
	ActPersonLink: {AboutAccess, func(f Facts) string {
		return "Made a link by which " + or(f.Detail, "a person") + " can sign in"
	}},
	ActPasswordChosen: {AboutAccess, always("Chose a password")},
	ActPersonArrived: {AboutAccess, func(f Facts) string {
		return "Signed in with " + or(f.Key, "single sign-on") + " for the first time" + before(", with the role ", f.Rule)
	}},
	ActPersonJoined: {AboutAccess, func(f Facts) string {
		return "Signs in with " + or(f.Key, "single sign-on") + " from now on; the password has ended"
	}},
	ActRoleByGroups: {AboutAccess, func(f Facts) string {
		return "Got another role through the groups at " + or(f.Key, "single sign-on") + ": " + or(f.Found, "none") + " → " + or(f.Rule, "none")
	}},
	ActNoGroup: {AboutAccess, func(f Facts) string {
		return "Was signed out everywhere: no group at " + or(f.Key, "single sign-on") + " gives the role " + or(f.Rule, "needed") + " now"
	}},
}

// customersOf names the customer, or counts them.
func customersOf(f Facts) string {
	switch {
	case f.Count > 1:
		return status.Plural(f.Count, "customer")
	case f.Customer != "":
		return f.Customer
	}
	return sync(f)
}

// exceptionsOf is the exception of the customer, or how many there were.
func exceptionsOf(f Facts) string {
	switch {
	case f.Count > 1:
		return status.Plural(f.Count, "exception")
	case f.Customer != "":
		return "the exception of " + f.Customer
	}
	return "an exception of " + sync(f)
}

// Change is a setting of the file that was changed. From is empty for one that was
// added, To for one that was removed.
type Change struct {
	Path string `json:"path"`
	From string `json:"from"`
	To   string `json:"to"`
}

// changed counts the settings, and says in which sync they are, if in one.
func changed(f Facts) string {
	n := max(f.Count, len(f.Changes))
	text := status.Plural(n, "setting") + " changed"
	var in []string
	for _, c := range f.Changes {
		name := ""
		if rest, ok := strings.CutPrefix(c.Path, "syncs."); ok {
			name, _, _ = strings.Cut(rest, ".")
		}
		in = append(in, name)
	}
	if in = slices.Compact(in); len(in) == 1 && n == len(f.Changes) {
		text += before(" in ", in[0])
	}
	return text
}
