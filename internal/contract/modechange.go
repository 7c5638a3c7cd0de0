package contract

// ModeChange is a change of a sync's mode in the file, as it would be made.
type ModeChange struct {
	Sync   string `json:"sync"`
	Before string `json:"before" doc:"The mode in the file now."`
	Mode   string `json:"mode" doc:"live or watch."`
	File   string `json:"file"`
	Digest string `json:"digest" doc:"Of the file's text before the change. Send it with the change: a file that was edited meanwhile is not written over."`
	// Lines are those that change, with a few around them.
	Lines []FileLine `json:"lines"`
}

// ModeSaved is what a change of the mode came to.
type ModeSaved struct {
	ModeChange
	Changed bool `json:"changed" doc:"False if the file had this mode already."`
	InUse   bool `json:"in_use" doc:"The service that answers has read the file and works in this mode."`
}
