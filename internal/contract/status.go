package contract

import (
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// Status is the status of the whole service.
type Status struct {
	MadeAt *time.Time `json:"made_at"`
	Engine string     `json:"engine"` // sqlite or postgres
	// NeedsPerson lists what a person must do, and is empty when there is nothing.
	NeedsPerson []string `json:"needs_person"`
	// CustomersNeedPerson is how many customers need a person, in all syncs together.
	CustomersNeedPerson int `json:"customers_need_person"`
	// Alarms are those that are on.
	Alarms []Alarm `json:"alarms"`
	// Undelivered is where messages to people or programs are not delivered.
	Undelivered []Undelivered `json:"undelivered"`
	Syncs       []Sync        `json:"syncs"`
	// Left is what the database holds of syncs and connections that are no longer
	// in the file.
	Left        []Holding         `json:"left"`
	Connections []ConnectionState `json:"connections"`
	Nodes       []Node            `json:"nodes"`
	// Health is what was found from outside last, left out when nobody has looked yet.
	Health *Health `json:"health,omitempty"`
}

// Undelivered is where messages are not delivered.
type Undelivered struct {
	Setting string     `json:"setting"` // such as notify.webhook
	Waiting int        `json:"waiting"` // they are tried again
	GivenUp int        `json:"given_up"`
	Since   *time.Time `json:"since"`
	Failure string     `json:"failure"`
}

// Alarm is what keeps a sync from working as it should, and needs a person.
type Alarm struct {
	Alarm      status.Alarm `json:"alarm"`
	Sync       string       `json:"sync"`
	Connection string       `json:"connection,omitempty" doc:"Left out where it is about no single connection."`
	Since      *time.Time   `json:"since"`
	Text       string       `json:"text"`
	Remedy     Remedy       `json:"remedy"`
}

// ConnectionState is the status of a connection, across all nodes.
type ConnectionState struct {
	Connection string     `json:"connection"`
	Type       string     `json:"type"`
	RestsUntil *time.Time `json:"rests_until"`
	// Rate is left out when the connection has no rate limit.
	Rate *Rate `json:"rate,omitempty"`
	// Budget is the daily budget that the tool reported last, left out when it
	// never reported one.
	Budget *Budget `json:"budget,omitempty"`
	// ListedLate is how many seconds after its date a change can appear in the
	// source's list, left out when that is not known to happen.
	ListedLate float64 `json:"listed_late_seconds,omitempty"`
	// Refused is how many webhooks were refused in the past hour, by reason.
	Refused map[status.Refusal]int `json:"refused,omitempty"`
}

// Rate is how many calls may be made in a time, and how many of the next ones
// are free.
type Rate struct {
	Requests   int     `json:"requests"`
	PerSeconds float64 `json:"per_seconds"`
	Free       int     `json:"free"`
}

// Budget is how many calls a tool allows in a day.
type Budget struct {
	Left  int        `json:"left"`
	Limit int        `json:"limit"`
	At    *time.Time `json:"at"` // when it was reported
}

// Node is a process that works on the database, or one that stopped without
// shutting down.
type Node struct {
	Node      string     `json:"node"`
	Version   string     `json:"version"`
	StartedAt *time.Time `json:"started_at"`
	SeenAt    *time.Time `json:"seen_at"`
	Working   bool       `json:"working"` // it was seen recently
	// Unsent is why its last heartbeat was not sent, left out when it was.
	Unsent string `json:"heartbeat_not_sent,omitempty"`
	// File is the configuration that it runs with.
	File NodeFile `json:"file"`
}

// NodeFile is the configuration file that a process has read.
type NodeFile struct {
	ReadAt *time.Time `json:"read_at"`
	Hash   string     `json:"hash"`
	// Differs is set when most other processes run with another file.
	Differs bool `json:"differs"`
	// Faults are why the file on disk is not used, since FaultsAt.
	Faults   []store.FileFault `json:"faults"`
	FaultsAt *time.Time        `json:"faults_at"`
}

// NodeFileOf converts what a process reported about its file.
func NodeFileOf(f store.NodeFile, differs bool) NodeFile {
	return NodeFile{ReadAt: Stamp(f.ReadAt), Hash: f.Hash, Differs: differs, Faults: append([]store.FileFault{}, f.Faults...), FaultsAt: Stamp(f.FaultsAt)}
}
