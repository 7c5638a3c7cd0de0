package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// Cluster is a server of its own, which may be stopped in the middle of its
// work. It writes to the disk as in production: what was committed must be
// there when it is started again. It is not safe for concurrent use.
type Cluster struct {
	bin, dir string
	port     int
	as       *syscall.SysProcAttr
	server   *exec.Cmd
	ended    chan struct{} // closed when the server has
}

// NewCluster makes a server's files in an empty folder and starts it.
func NewCluster(dir string) (*Cluster, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := Unprivileged(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, dir: dir, as: as}
	if err := initdb(bin, c.data(), as); err != nil {
		return nil, err
	}
	if c.port, err = FreePort(); err != nil {
		return nil, err
	}
	return c, c.Start()
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// Start starts a server that was stopped, and waits until it answers.
func (c *Cluster) Start() error {
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	server := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-k", c.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(c.port),
		"-c", "max_connections=200")
	server.Dir, server.SysProcAttr, server.Stdout, server.Stderr = c.dir, c.as, log, log
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		server.Wait() // how it ended is of no interest
		close(ended)
	}()
	c.server, c.ended = server, ended
	if err := answers(urlOf(c.port)); err != nil {
		text, _ := os.ReadFile(log.Name())
		return errors.Join(fmt.Errorf("%w: %s", err, text), c.Close())
	}
	return nil
}

// StopAtOnce ends the server as a crash would: no connection is told, nothing
// is written out.
func (c *Cluster) StopAtOnce() error {
	cmd := exec.Command(filepath.Join(c.bin, "pg_ctl"), "stop", "-D", c.data(), "-m", "immediate")
	cmd.Dir, cmd.SysProcAttr = c.dir, c.as
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl stop: %w: %s", err, out)
	}
	<-c.ended
	return nil
}

// Close ends the server. Its files are the caller's to remove.
func (c *Cluster) Close() error {
	err := c.server.Process.Signal(syscall.SIGINT)
	<-c.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Schema makes an empty schema, and returns its URL and how it is dropped.
func (c *Cluster) Schema() (dsn string, drop func() error, err error) { return schema(urlOf(c.port)) }
