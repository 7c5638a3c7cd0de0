package main

import (
	"io/fs"
	"testing/fstest"
	_ "unsafe" // for go:linkname
)

// steps are the store's. There is no later version yet whose steps could be used, and the
// product needs no way to be given others.
//
//go:linkname steps github.com/trueup-sync/trueup/internal/store.migrations
var steps fs.FS

// nextVersion is the program with one step of the schema more.
func nextVersion() {
	next := fstest.MapFS{}
	err := fs.WalkDir(steps, "migrations", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var text []byte
			text, err = fs.ReadFile(steps, path)
			next[path] = &fstest.MapFile{Data: text}
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	next["migrations/postgres/0002_next.sql"] = &fstest.MapFile{Data: []byte(`
alter table customers add column next_note text not null default '';
alter table events add column next_note text not null default '';
create table next_things (id bigint generated always as identity primary key, customer text not null);
create index next_customers on customers (next_note);`)}
	steps = next
	main()
}
