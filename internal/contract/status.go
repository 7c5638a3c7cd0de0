package contract

import (
	"time"

	"trueup/internal/store"
)

// Status is how everything stands.
type Status struct {
	MadeAt *time.Time `json:"made_at"`
	Engine string     `json:"engine"` // sqlite or postgres
	// NeedsPerson says what a person must see to, and is empty when nothing is.
	NeedsPerson []string `json:"needs_person"`
	Syncs       []Sync   `json:"syncs"`
	// Left is what the database holds of syncs and connections that the file does
	// not have any more.
	Left        []Holding         `json:"left"`
	Connections []ConnectionState `json:"connections"`
	Nodes       []Node            `json:"nodes"`
}

// ConnectionState is how a connection stands, for all nodes.
type ConnectionState struct {
	Connection string     `json:"connection"`
	Type       string     `json:"type"`
	RestsUntil *time.Time `json:"rests_until"`
	// Rate is not there without a limit of ours.
	Rate *Rate `json:"rate,omitempty"`
	// Budget is what the tool said last of its day, not there when it never did.
	Budget *Budget `json:"budget,omitempty"`
	// ListedLate is by how many seconds the source dates a change earlier than it
	// can have come into its list, not there when it does not.
	ListedLate float64 `json:"listed_late_seconds,omitempty"`
}

// Rate is the calls that may be made in a time, and how many of the next ones
// nobody has taken.
type Rate struct {
	Requests   int     `json:"requests"`
	PerSeconds float64 `json:"per_seconds"`
	Free       int     `json:"free"`
}

// Budget is the calls that a tool allows in its day.
type Budget struct {
	Left  int        `json:"left"`
	Limit int        `json:"limit"`
	At    *time.Time `json:"at"` // when it said so
}

// Node is one process that works on the database, or one that stopped without
// a word.
type Node struct {
	Node      string     `json:"node"`
	Version   string     `json:"version"`
	StartedAt *time.Time `json:"started_at"`
	SeenAt    *time.Time `json:"seen_at"`
	Working   bool       `json:"working"` // it was seen lately
	// File is the configuration that it runs on.
	File NodeFile `json:"file"`
}

// NodeFile is the configuration's file as a process knows it.
type NodeFile struct {
	ReadAt *time.Time `json:"read_at"`
	Hash   string     `json:"hash"`
	// Differs says that most other processes run on another one.
	Differs bool `json:"differs"`
	// Faults are why the one on disk is not used, since FaultsAt.
	Faults   []store.FileFault `json:"faults"`
	FaultsAt *time.Time        `json:"faults_at"`
}

// NodeFileOf converts what a process knows of its file.
func NodeFileOf(f store.NodeFile, differs bool) NodeFile {
	return NodeFile{ReadAt: Stamp(f.ReadAt), Hash: f.Hash, Differs: differs, Faults: append([]store.FileFault{}, f.Faults...), FaultsAt: Stamp(f.FaultsAt)}
}
