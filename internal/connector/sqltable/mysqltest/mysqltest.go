// Package mysqltest gives tests a real MariaDB: the server that the environment
// variable TRUEUP_TEST_MYSQL names, or a temporary one that it starts for the test
// process.
//
// Main functions: Main, which a package's TestMain calls, and Database, which gives
// one test a database of its own. Without a server tests fail; they never skip.
//
// Only tests import it.
package mysqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// env names a server whose user may make databases and users, such as
// mysql://root@127.0.0.1:3306.
const env = "TRUEUP_TEST_MYSQL"

var (
	server    = sync.OnceValues(start)
	stop      = func() {}
	databases atomic.Int64
)

// Main runs the tests and then stops the server that they started.
func Main(m *testing.M) int {
	code := m.Run()
	stop()
	return code
}

// Tests are tests that stop the server at their end, for a TestMain that has more
// servers to stop.
type Tests struct{ M *testing.M }

// Run runs the tests.
func (t Tests) Run() int { return Main(t.M) }

// Database makes an empty database that is dropped after the test. admin may do
// everything in it, and host is where the server listens.
func Database(t testing.TB) (admin *sql.DB, host, name string) {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("these tests need MariaDB: %v", err)
	}
	name = fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
	cfg := configOf(base)
	root, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Exec("create database " + name + " character set utf8mb4"); err != nil {
		t.Fatal(err)
	}
	cfg.DBName, cfg.MultiStatements = name, true
	if admin, err = open(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := root.Exec("drop database " + name)
		if err := errors.Join(err, admin.Close(), root.Close()); err != nil {
			t.Error(err)
		}
	})
	return admin, base.Host, name
}

func open(cfg *driver.Config) (*sql.DB, error) {
	c, err := driver.NewConnector(cfg.Clone())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

func configOf(base *url.URL) *driver.Config {
	cfg := driver.NewConfig()
	cfg.User, cfg.Net, cfg.Addr = base.User.Username(), "tcp", base.Host
	cfg.Passwd, _ = base.User.Password()
	cfg.Logger = &driver.NopLogger{}
	cfg.Params = map[string]string{"time_zone": "'+00:00'"}
	return cfg
}

// start returns the address of a running server.
func start() (*url.URL, error) {
	if dsn := os.Getenv(env); dsn != "" {
		return url.Parse(dsn)
	}
	bin, err := exec.LookPath("mariadbd")
	if err != nil {
		if bin, err = exec.LookPath("/usr/sbin/mariadbd"); err != nil {
			return nil, errors.New("it is not installed; install it (Debian: apt-get install mariadb-server-core mariadb-client-core), or name a server in " + env)
		}
	}
	dir, err := os.MkdirTemp("", "trueup-mysqltest-")
	if err != nil {
		return nil, err
	}
	as, err := pgtest.Unprivileged(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	install := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", small)
	install.Dir, install.SysProcAttr, install.Env = dir, as, append(os.Environ(), "TMPDIR="+dir)
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	port, err := pgtest.FreePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	mariadbd := exec.Command(bin, "--no-defaults", "--datadir="+data, "--socket="+filepath.Join(dir, "s"), "--port="+strconv.Itoa(port),
		"--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--performance-schema=off", small)
	mariadbd.Dir, mariadbd.SysProcAttr, mariadbd.Env = dir, as, install.Env
	mariadbd.Stdout, mariadbd.Stderr = log, log
	if err := mariadbd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		mariadbd.Process.Signal(syscall.SIGKILL) // nothing of it is kept
		mariadbd.Wait()
		os.RemoveAll(dir)
	}
	base := &url.URL{Scheme: "mysql", User: url.User("root"), Host: fmt.Sprintf("127.0.0.1:%d", port)}
	if err := answers(base); err != nil {
		text, _ := os.ReadFile(log.Name())
		stop()
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return base, nil
}

// small is a log of transactions that does not take long to make.
const small = "--innodb-log-file-size=8M"

// answers waits until the server takes connections.
func answers(base *url.URL) error {
	db, err := open(configOf(base))
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
			return fmt.Errorf("MariaDB does not answer: %w", err)
		case <-ticker.C:
		}
	}
}
