package reason

import "strconv"

// events are the reasons of what comes in.
var events = map[Code]entry{
	EventUnreadable: {says: func(f Facts) string {
		if f.Connection == "" { // the event's own reason
			return or(f.Detail, "the event cannot be read")
		}
		return "an event from " + f.Connection + " cannot be read" + before(": ", f.Detail)
	}, todo: do(Remedy{Verb: ListParked, Text: "see the events that cannot be read"})},
	EventIgnored: {says: func(f Facts) string { return or(f.Detail, "the connector has no use for the event") }},
	EventReused: {says: func(f Facts) string {
		if f.Event == "" { // the event's own reason
			return "its id was used before for something else"
		}
		return "event id " + f.Event + " of " + connection(f) + " was used before for something else, so the second event was not processed"
	}, todo: do(Remedy{Verb: ReplayParked, Text: "correct webhook.id, then replay the parked events"})},
	EventNotLinked: {says: always("no customer is linked to this record")},
	EventNoStatus:  {says: func(f Facts) string { return "it has no status, and " + source(f) + " cannot be asked for it" }},
	EventSuperseded: {says: func(f Facts) string {
		if f.Count == 0 {
			return "a later event of the same customer was processed instead"
		}
		return "event " + strconv.Itoa(f.Count) + " of the same customer was processed instead"
	}},
	EventOvertaken: {says: always("a newer change of the same customer had already been processed when it arrived")},
	EventsWentMute: {says: func(f Facts) string {
		return connection(f) + " used to send statuses, and its last " + counted(f.Count, "event") + " have none, so nothing from them is synced"
	}, todo: do(
		Remedy{Verb: ListEvents, Text: "see what came, and check webhook.status"},
		Remedy{Verb: Replay, Text: "once webhook.status is correct, replay the events"},
		Remedy{Verb: Resolve, Text: "if none of them is about a status, close this"})},
	EventsDatedAhead: {says: func(f Facts) string {
		return connection(f) + " dates its changes ahead" + at(f, ": an event that arrived at ", f.To) + at(f, " is dated ", f.At)
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: Resolve, Text: "correct the time zone in webhook.occurred_at or record.updated_at, or the clock of " + connection(f) + ", then close this; until then a change counts from when it arrived"}}
	}},
	CopyRestored: {says: func(f Facts) string {
		return "the database is a copy" + at(f, " made at ", f.At) + ", and Trueup may have written since"
	}, todo: afterCopy},
	CopyBehind: {says: func(f Facts) string {
		return "the database is older than the one Trueup last worked with here" + at(f, "; it was last used at ", f.At)
	}, todo: afterCopy},
	CopyElsewhere: {says: func(f Facts) string {
		return "the database was restored or moved" + at(f, "; where it was before, it was last used at ", f.At)
	}, todo: afterCopy},
	CopyUnused: {says: func(f Facts) string {
		return "the database has not been used" + at(f, " since ", f.At) + ", so it may be an older copy"
	}, todo: afterCopy},
	CopyMoved: {says: func(f Facts) string {
		return "the database was copied to PostgreSQL" + at(f, " at ", f.At) + ", and Trueup may have written with that one since"
	}, todo: afterCopy},
	CustomerErased: {says: always("the customer was forgotten")},
	SyncRemoved: {says: func(f Facts) string {
		return sync(f) + " was removed by " + who(f) + " before it was processed"
	}},
}

// afterCopy is what to do about what waited in an older copy.
func afterCopy(Facts) []Remedy {
	return []Remedy{{Verb: Plan, Text: "make a plan and read it: it shows where the two tools differ now"},
		{Verb: Replay, Text: "if the event was never processed, replay it"}}
}

// sources are the reasons of the source's side of a customer.
var sources = map[Code]entry{
	CustomerGone: {says: func(f Facts) string { return source(f) + " has no customer with this id" },
		todo: do(Remedy{Verb: Resolve, Text: "restore the customer there, or if it was deleted on purpose, close this"})},
	CustomerMerged: {says: func(f Facts) string {
		return "the customer was merged into " + or(f.Customer, "another") + " in " + source(f) + ", which is synced instead"
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Verb: LinksRemove, Text: "to give the record to " + or(f.Customer, "the other customer") + ": remove this link"},
			{Verb: LinksSet, Customer: f.Customer, Text: "and link " + or(f.Customer, "the other customer") + " to it"},
			{Verb: Resolve, Text: "or close this"}}
	}},
	DecidedWith: {says: func(f Facts) string {
		return "it is synced together with " + customer(f) + ", who has the same key in " + source(f)
	}},
	NotToldYet: {says: func(f Facts) string { return source(f) + " has not sent anything about this customer yet" }},
	ToldByAnother: {says: func(f Facts) string {
		return or(f.Connection, "another connection") + " sent events about this customer, but " + source(f) + ", the source of " + sync(f) + " now, has not yet"
	}, todo: func(f Facts) []Remedy {
		return []Remedy{{Text: "if " + or(f.Connection, "that connection") + " is " + source(f) + " under another name, write was: " + or(f.Connection, "its old name") +
			" below connections." + or(f.Source, "NAME") + "; if it is not, the next event of " + source(f) + " is enough"}}
	}},
	AnswerOutdated: {says: func(f Facts) string {
		return "reading the customer in " + source(f) + ": the answer is older than the change that it reported"
	}},
	NoStatus: {says: func(f Facts) string { return "the customer has no status in " + source(f) }},
	StatusVanished: {says: func(f Facts) string {
		return "the customer was " + value(f) + " and no longer has a status in " + source(f)
	}, todo: do(Remedy{Verb: Resolve, Text: "if the field has a new name, correct record.status; if a customer may be without a status, close this"})},
	ValueIgnored: {says: func(f Facts) string {
		if f.Reader != nil {
			return "the map says to ignore " + word(f.Value)
		}
		return "status " + word(f.Value) + " is listed under ignore"
	}},
	ValueUnmapped: {says: func(f Facts) string {
		if f.Reader != nil {
			return "the map has no meaning for " + word(f.Value)
		}
		return "status " + word(f.Value) + " is listed neither under statuses nor under ignore"
	},
		todo: do(Remedy{Verb: Map, Text: "give it a meaning in trueup.yaml, or list it under ignore"})},
}
