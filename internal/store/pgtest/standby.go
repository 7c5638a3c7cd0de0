package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// NewStandby makes a server in an empty folder that follows this one, and has this one
// wait for it with each commit: what was answered is on both.
func (c *Cluster) NewStandby(dir string) (s *Cluster, err error) {
	as, err := Unprivileged(dir)
	if err != nil {
		return nil, err
	}
	s = &Cluster{bin: c.bin, dir: dir, as: as}
	cmd := exec.Command(filepath.Join(c.bin, "pg_basebackup"), "-D", s.data(), "-R", "-X", "stream", "-c", "fast", "-d", urlOf(c.port)) // #nosec G204 -- our own
	cmd.Dir, cmd.SysProcAttr = dir, as
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	if s.port, err = FreePort(); err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	if err := c.waitFor(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// waitFor has each commit wait for the standby, and returns once it does.
func (c *Cluster) waitFor() error {
	db, err := sql.Open("pgx", urlOf(c.port))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, text := range []string{"alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"} {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for follows := false; !follows; {
		if err := db.QueryRowContext(ctx, "select exists (select 1 from pg_stat_replication where sync_state = 'sync' and state = 'streaming')").Scan(&follows); err != nil {
			return fmt.Errorf("the standby does not follow: %w", err)
		}
		<-ticker.C
	}
	return nil
}

// Promote makes a standby the one that takes writes.
func (c *Cluster) Promote() error {
	cmd := exec.Command(filepath.Join(c.bin, "pg_ctl"), "promote", "-w", "-D", c.data()) // #nosec G204 -- our own
	cmd.Dir, cmd.SysProcAttr = c.dir, c.as
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl promote: %w: %s", err, out)
	}
	return nil
}

// Address is where the server listens.
func (c *Cluster) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }
