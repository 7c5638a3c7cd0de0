package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Node is one process that works on the database.
type Node struct {
	Name      string
	Version   string
	StartedAt time.Time
	SeenAt    time.Time
	File      NodeFile
	Unsent    string // why its last heartbeat was not sent, "" when it was
}

// NodeFile is the configuration's file as a process knows it.
type NodeFile struct {
	// ReadAt is when the one that it runs on was read, Hash tells it from others.
	ReadAt time.Time
	Hash   string
	// Faults are why a later one is not used, since FaultsAt.
	Faults   []FileFault
	FaultsAt time.Time
}

// FileFault is one thing wrong in a file.
type FileFault struct {
	Line int    `json:"line,omitempty"` // 0: it is about the file as a whole
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

// String says where it is, and what.
func (f FileFault) String() string {
	text := f.Text
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Line > 0 {
		text = fmt.Sprintf("line %d: %s", f.Line, text)
	}
	return text
}

// nodesKept is how long a process that did not stop in order is remembered.
const nodesKept = 7 * 24 * time.Hour

// EnterNode notes that a process works on the database from now on. It takes
// the place of one of the same name; of a SQLite file it is the only one.
func (db *DB) EnterNode(ctx context.Context, name, version string) (Node, error) {
	n := Node{Name: name, Version: version}
	err := db.update(ctx, func(t *tx) error {
		n.StartedAt, n.SeenAt = t.now, t.now
		gone := t.now.Add(-nodesKept)
		if db.file != nil { // its lock: no one else who was here works now
			gone = t.now.Add(time.Millisecond)
		}
		if _, err := t.exec("delete from nodes where seen_at < $1", ms(gone)); err != nil {
			return err
		}
		return t.seeNode(n)
	})
	return n, nodeError("note that a process began", err)
}

// SeeNode notes that a process still works.
func (db *DB) SeeNode(ctx context.Context, n Node) error {
	err := db.update(ctx, func(t *tx) error {
		n.SeenAt = t.now
		return errors.Join(t.seeNode(n), t.beat())
	})
	if err == nil {
		err = db.testify(ctx)
	}
	return nodeError("note that a process still works", err)
}

func (t *tx) seeNode(n Node) error {
	faults := ""
	if len(n.File.Faults) > 0 {
		text, err := json.Marshal(n.File.Faults)
		if err != nil {
			return errStore{err}
		}
		faults = string(text)
	}
	before := ""
	if err := t.query(func(s scanner) error { return s.Scan(&before) }, "select file_faults from nodes where name = $1", n.Name); err != nil {
		return err
	}
	_, err := t.exec(`insert into nodes (name, version, started_at, seen_at, file_at, file_hash, file_faults, faults_at, unsent) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (name) do update set version = excluded.version, started_at = excluded.started_at, seen_at = excluded.seen_at,
    file_at = excluded.file_at, file_hash = excluded.file_hash, file_faults = excluded.file_faults, faults_at = excluded.faults_at, unsent = excluded.unsent`,
		n.Name, n.Version, ms(n.StartedAt), ms(n.SeenAt), ms(n.File.ReadAt), n.File.Hash, faults, ms(n.File.FaultsAt), n.Unsent)
	if err != nil || before == cleaned(faults) {
		return err
	}
	return t.tellOf(FileNotice, "", "", "", 0)
}

// LeaveNode forgets a process that stops in order, unless another one of its
// name has begun since.
func (db *DB) LeaveNode(ctx context.Context, n Node) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("delete from nodes where name = $1 and started_at = $2", n.Name, ms(n.StartedAt))
		return err
	})
	return nodeError("note that a process stops", err)
}

// Nodes returns the processes that work on the database, and those that stopped
// without a word, by name.
func (db *DB) Nodes(ctx context.Context) ([]Node, error) {
	var found []Node
	err := db.view(ctx, func(s scanner) error {
		var n Node
		var started, seen, read, since int64
		var faults string
		err := s.Scan(&n.Name, &n.Version, &started, &seen, &read, &n.File.Hash, &faults, &since, &n.Unsent)
		n.StartedAt, n.SeenAt, n.File.ReadAt, n.File.FaultsAt = at(started), at(seen), at(read), at(since)
		if err == nil && faults != "" {
			err = json.Unmarshal([]byte(faults), &n.File.Faults)
		}
		found = append(found, n)
		return err
	}, "select name, version, started_at, seen_at, file_at, file_hash, file_faults, faults_at, unsent from nodes order by name")
	return found, nodeError("list the processes", err)
}

func nodeError(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
