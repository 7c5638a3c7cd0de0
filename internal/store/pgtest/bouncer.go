package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// bouncerINI has transactions of one client go from one session to the next, so that
// whatever needs its session soon misses it.
const bouncerINI = `[databases]
%s = host=%s port=%s user=%s connect_query='set search_path to %s'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 5
server_round_robin = 1
max_client_conn = 500
server_login_retry = 1
idle_transaction_timeout = 10
`

// ThroughBouncer returns the URL of the same schema behind a PgBouncer in transaction
// mode, which ends with the test.
func ThroughBouncer(t testing.TB, dsn string) string {
	t.Helper()
	through, end, err := Bouncer(dsn)
	if err != nil {
		t.Fatalf("these tests need PgBouncer: %v", err)
	}
	t.Cleanup(end)
	return through
}

// Bouncer starts a PgBouncer in transaction mode in front of a schema, and returns the
// schema's URL there and how it ends.
func Bouncer(dsn string) (through string, end func(), err error) {
	program, err := bouncerProgram()
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", nil, err
	}
	// A test's own folder would be closed to the user that it runs as.
	dir, err := os.MkdirTemp("", "trueup-bouncer-")
	if err != nil {
		return "", nil, err
	}
	as, err := Unprivileged(dir)
	if err != nil {
		return "", nil, err
	}
	as.Pdeathsig = syscall.SIGTERM // on SIGINT it waits for its clients
	port, err := FreePort()
	if err != nil {
		return "", nil, err
	}
	q := u.Query()
	text := fmt.Sprintf(bouncerINI, filepath.Base(u.Path), u.Hostname(), cmp.Or(u.Port(), "5432"), u.User.Username(), q.Get("search_path"), port)
	ini := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		return "", nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", nil, err
	}
	defer log.Close()
	cmd := exec.Command(program, ini)
	cmd.Dir, cmd.SysProcAttr, cmd.Stdout, cmd.Stderr = dir, as, log, log
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait() // how it ended is of no interest
		os.RemoveAll(dir)
	}
	q.Del("search_path") // PgBouncer takes no settings of a session
	u.Host, u.RawQuery = net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), q.Encode()
	if err := answers(u.String()); err != nil {
		said, _ := os.ReadFile(log.Name())
		end()
		return "", nil, fmt.Errorf("%w: %s", err, said)
	}
	return u.String(), end, nil
}

func bouncerProgram() (string, error) {
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path = "/usr/sbin/pgbouncer" // Debian's place, which is not in every PATH
		_, err = os.Stat(path)
	}
	if err != nil {
		return "", errors.New("it is not installed; install it (Debian: apt-get install pgbouncer)")
	}
	return path, nil
}
