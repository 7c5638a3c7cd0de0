package main

import (
	"database/sql"
	"errors"
	"net/url"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// disk is a store on SQLite into whose file one can look.
type disk struct {
	*store.DB
	path string
	raw  *sql.DB
}

// Product implements sim.Disk.
func (d *disk) Product() *store.DB { return d.DB }

// Standing implements sim.Disk.
func (d *disk) Standing(names ...string) ([]string, error) {
	if d.raw == nil {
		raw, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: d.path}).String())
		if err != nil {
			return nil, err
		}
		d.raw = raw
	}
	return storetest.Named(d.raw, "sqlite", names...)
}

func (d *disk) close() error {
	err := d.DB.Close()
	if d.raw != nil {
		err = errors.Join(d.raw.Close(), err)
	}
	return err
}
