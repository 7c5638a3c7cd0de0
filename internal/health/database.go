package health

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// LowDisk is how little free disk is a warning.
const LowDisk = 1 << 30

// DatabaseOf is the check of the database: err is what opening it, or a
// transaction, met.
func DatabaseOf(engine string, schema int, err error) Check {
	if err != nil {
		what, remedy, told := strings.Cut(err.Error(), "; ")
		if !told {
			remedy = "correct database in trueup.yaml, or what keeps the database from working"
		}
		return fault(Database, Service, "nothing can be stored: "+what, remedy)
	}
	return pass(Database, Service, fmt.Sprintf("%s with schema version %d; a transaction was committed", engine, schema))
}

// NoDatabase is the check of a database that is not there yet.
func NoDatabase() Check {
	return warning(Database, Service, "there is no database yet", "start the service once, which makes it")
}

// DiskOf is the check of the disk that the SQLite file path is on.
func DiskOf(path string) Check {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return diskOf(filepath.Dir(path), freeOf)
}

// errUnknown means that this system does not tell.
var errUnknown = errors.New("this system does not report free disk space")

func diskOf(folder string, free func(folder string) (uint64, error)) Check {
	bytes, err := free(folder)
	switch {
	case errors.Is(err, errUnknown):
		return unknown(Disk, Service, err.Error())
	case errors.Is(err, fs.ErrNotExist):
		return fault(Disk, Service, fmt.Sprintf("the folder %s for the database does not exist", folder), "make it, or change database in trueup.yaml")
	case err != nil:
		return warning(Disk, Service, fmt.Sprintf("the free space is unknown: %v", err), "check the disk")
	case bytes < LowDisk:
		return warning(Disk, Service, fmt.Sprintf("%s free in %s, less than %s", size(bytes), folder, size(LowDisk)), "make room: events cannot be stored on a full disk")
	}
	return pass(Disk, Service, fmt.Sprintf("%s free in %s", size(bytes), folder))
}

func size(bytes uint64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
