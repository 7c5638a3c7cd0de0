package reason

import (
	"cmp"
	"strings"
)

// More verbs: what is offered about an exception beyond its remedies. Their
// strings are those of the API and the database.
const (
	Acknowledge Verb = "acknowledge"
	Assign      Verb = "assign"
	Ignore      Verb = "ignore"
	Reopen      Verb = "reopen"
	UseSource   Verb = "apply"
	KeepTarget  Verb = "keep"
)

// OfferText is an offer in words: the label of its button, what it does, and
// what a person did who took it.
type OfferText struct{ Label, Does, Done string }

// Offers has the words of each offer.
var Offers = map[Verb]OfferText{
	Acknowledge: {"Acknowledge", "show that you are working on it", "acknowledged"},
	Assign:      {"Assign", "assign it to an owner", "assigned"},
	Ignore:      {"Ignore", "ignore it until the source changes, or permanently", "ignored"},
	Resolve:     {"Resolve", "close it and change nothing in the tools; it opens again if the problem returns (a conflict or first contact: if a side changes)", "resolved"},
	Reopen:      {"Reopen", "open it again", "reopened"},
	Retry:       {"Retry", "check the customer again, now", "checked again"},
	UseSource:   {"Use the source's value", "write the source's value over the target's", "source's value applied"},
	KeepTarget:  {"Keep the target's value", "keep the target's value, until the source changes or for a time", "target's value kept"},
	Link:        {"Link", "link the customer to a record of the target", "linked"},
	Rematch:     {"Rematch", "remove the link and run the match rules again", "matched again"},
	Map:         {"Map", "give the value a meaning in trueup.yaml, or list it under ignore", "value mapped"},
	Resume:      {"Resume", "write the customers who wait, and start counting again", "resumed,"},
}

// happened says what was done to an exception, behind who did it: by each verb, and
// by the machine itself.
var happened = map[Verb]string{
	Acknowledge: "acknowledged it",
	Assign:      "assigned it",
	Retry:       "asked to check it again",
	Ignore:      "ignored it",
	Resolve:     "resolved it",
	Reopen:      "reopened it",
	UseSource:   "chose the source's value",
	KeepTarget:  "chose the target's value",
	Link:        "linked it",
	Rematch:     "removed the link",
	Map:         "mapped the value",
	Resume:      "resumed the sync",
	"closed":    "closed it",
	"suggested": "looked for similar records",
}

// Happened is one line of an exception's history: who did what, and the note that
// was kept with it.
func Happened(verb Verb, who, note string) string {
	text := who + " " + cmp.Or(happened[verb], string(verb))
	switch {
	case strings.HasPrefix(note, "to "):
		return text + " " + note
	case note != "":
		return text + ": " + note
	}
	return text
}
