package killtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// The engines.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Bench is what all rounds share.
type Bench struct {
	// Cannot are the disks this machine does not have, and why.
	Cannot map[string]error

	dir, binary string
	cluster     *pgtest.Cluster
}

// NewBench builds the program with its failpoints, and for PostgreSQL makes a
// server that is to be stopped and started.
func NewBench(engines []string) (*Bench, error) {
	dir, err := os.MkdirTemp("", "trueup-kill-")
	if err != nil {
		return nil, err
	}
	b := &Bench{dir: dir, binary: filepath.Join(dir, "trueup"), Cannot: map[string]error{}}
	// The server runs as another user, who has to reach its folder.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	cmd := exec.Command("go", "build", "-tags", "failpoint", "-ldflags=-s -w", "-o", b.binary, "github.com/trueup-sync/trueup/cmd/trueup")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the program: %w: %s", err, out), b.Close())
	}
	if slices.Contains(engines, Postgres) {
		if err := b.startCluster(); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	if slices.Contains(engines, SQLite) {
		for _, d := range []disk{small, frail} {
			if err := d.possible(dir); err != nil {
				b.Cannot[string(d)] = err
			}
		}
	}
	return b, nil
}

func (b *Bench) startCluster() error {
	dir := filepath.Join(b.dir, "postgres")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	cluster, err := pgtest.NewCluster(dir)
	if err != nil {
		return fmt.Errorf("a PostgreSQL of one's own: %w", err)
	}
	b.cluster = cluster
	return nil
}

// Close ends the server and removes all files.
func (b *Bench) Close() error {
	var err error
	if b.cluster != nil {
		err = b.cluster.Close()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}
