// Package pgtest gives tests a real PostgreSQL: the server that the environment
// variable TRUEUP_TEST_POSTGRES names, or a temporary one that it starts for
// the test process.
//
// Main functions: Main, which a package's TestMain calls, DSN, which gives
// one test an empty schema of its own, and PlainDSN, which also gives it a role that may
// do nothing else. Ready and PlainReady give one that has its tables (storetest.Schema
// makes Trueup's). Without a server tests fail; they never skip.
// Main type: Cluster, a server of one's own that may be stopped and started.
//
// Only tests, and commands that test, import it.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver pgx
)

// env names a server whose user may make schemas and, for PlainDSN, roles.
const env = "TRUEUP_TEST_POSTGRES"

var (
	server  = sync.OnceValues(start)
	stop    = func() {}
	schemas atomic.Int64
)

// Main runs the tests and then stops the server that they started.
func Main(m interface{ Run() int }) int {
	code := m.Run()
	if err := dropReady(); err != nil {
		fmt.Fprintln(os.Stderr, "schemas of tests are left:", err)
		code = max(code, 1)
	}
	stop()
	return code
}

// DSN returns the URL of an empty schema that is dropped after the test.
func DSN(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("these tests need PostgreSQL: %v", err)
	}
	dsn, drop, err := schema(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// schema makes an empty schema, and returns its URL and how it is dropped.
func schema(base string) (dsn string, drop func() error, err error) {
	admin, err := sql.Open("pgx", base)
	if err != nil {
		return "", nil, err
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	if _, err := admin.Exec("create schema " + name); err != nil {
		return "", nil, errors.Join(err, admin.Close())
	}
	drop = func() error {
		_, err := admin.Exec("drop schema " + name + " cascade")
		return errors.Join(err, admin.Close())
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, errors.Join(err, drop())
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), drop, nil
}

// start returns the URL of a running server.
func start() (string, error) {
	if dsn := os.Getenv(env); dsn != "" {
		return dsn, nil
	}
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "trueup-pgtest-")
	if err != nil {
		return "", err
	}
	as, err := Unprivileged(dir)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	if err := initdb(bin, data, as, "--no-sync"); err != nil {
		return "", err
	}
	port, err := FreePort()
	if err != nil {
		return "", err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", err
	}
	postgres := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-h", "127.0.0.1", "-p", strconv.Itoa(port),
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off", "-c", "max_connections=200")
	postgres.Dir, postgres.SysProcAttr = dir, as
	postgres.Stdout, postgres.Stderr = log, log
	if err := postgres.Start(); err != nil {
		return "", err
	}
	stop = func() {
		postgres.Process.Signal(syscall.SIGINT) // it ends even with connections open
		postgres.Wait()
		os.RemoveAll(dir)
	}
	dsn := urlOf(port)
	if err := answers(dsn); err != nil {
		text, _ := os.ReadFile(log.Name())
		stop()
		return "", fmt.Errorf("%w: %s", err, text)
	}
	return dsn, nil
}

// initdb makes the files of a server that orders by a language, as most do.
func initdb(bin, data string, as *syscall.SysProcAttr, more ...string) error {
	cmd := exec.Command(filepath.Join(bin, "initdb"), append([]string{"-D", data, "-U", "trueup", "--auth=trust", "--encoding=UTF8", "--locale=C",
		"--locale-provider=icu", "--icu-locale=en-US"}, more...)...)
	cmd.Dir, cmd.SysProcAttr = filepath.Dir(data), as
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func urlOf(port int) string {
	return fmt.Sprintf("postgres://trueup@127.0.0.1:%d/postgres?sslmode=disable", port)
}

// binaries returns the folder of the newest server. Debian keeps it out of PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		slices.SortFunc(found, func(a, b string) int { return major(a) - major(b) })
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("it is not installed; install it (Debian: apt-get install postgresql), or name a server in " + env)
	}
	return filepath.Dir(path), nil
}

func major(path string) int {
	n, err := strconv.Atoi(strings.Split(path, "/")[4])
	if err != nil {
		return 0
	}
	return n
}

// Unprivileged gives the folder to a user the server accepts: it refuses root.
// The server ends with the test process, however that ends.
func Unprivileged(dir string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGINT}
	if os.Getuid() != 0 {
		return as, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, os.Chown(dir, uid, gid)
}

// FreePort returns a port of the loopback interface that nobody listens at.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// answers waits until the server takes connections.
func answers(dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-ticker.C:
		}
	}
}
