package reason

// undo are the reasons of what was put back, or was not.
var undo = map[Code]entry{
	Undid: {says: func(f Facts) string {
		return who(f) + " undid Trueup's write: " + target(f) + " went from " + holds(f.Found) + " back to " + holds(f.Value)
	}},
	UndoNothing: {says: always("Trueup has not written the customer's record, so there is nothing to undo")},
	UndoneBefore: {says: func(f Facts) string {
		return "Trueup's last write was undone already" + at(f, " at ", f.At)
	}},
	UndoEmpty: {says: func(f Facts) string {
		return "the field was empty before Trueup wrote it, and not every tool lets a field be emptied"
	}, todo: do(Remedy{Text: "empty the field in the target; an edit that is newer than the source's change is kept"})},
	UndoUnseen: {says: func(f Facts) string {
		return target(f) + " cannot show what it holds, so an edit since Trueup's write would not be noticed"
	}, todo: do(Remedy{Text: "change the value in the target"})},
	UndoUnproved: {says: always("a write of Trueup is not confirmed yet"), todo: do(Remedy{Text: "try again when it is"})},
	UndoMoved: {says: func(f Facts) string {
		return target(f) + " has " + holds(f.Found) + " now, not " + holds(f.Planned) + ", which Trueup wrote"
	}},
	UndoEdited: {says: func(f Facts) string {
		return target(f) + " still has " + holds(f.Found) + ", but someone may have edited it after Trueup wrote it"
	}},
}
