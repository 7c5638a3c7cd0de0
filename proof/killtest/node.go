package killtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lease is the shortest there is.
const lease = time.Second

// node is a running program.
type node struct {
	cmd *exec.Cmd
	// armed is the failpoint it kills itself at, "" for none.
	armed   string
	log     *tail
	running chan struct{} // closed when it listens
	ended   chan struct{} // closed when it has ended

	mu       sync.Mutex
	url      string
	expected bool // somebody wants it to end
}

// startNode starts the program and does not wait until it listens.
func startNode(binary, config, dsn, failpoint string) (*node, error) {
	n := &node{armed: failpoint, log: &tail{}, running: make(chan struct{}), ended: make(chan struct{})}
	n.cmd = exec.Command(binary, "run", "-c", config, "--lease", lease.String(), "--log-format", "json")
	n.cmd.Env = append(os.Environ(), "TRUEUP_FAILPOINT="+failpoint, inDatabase+dsn)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	logs, err := n.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	go n.follow(logs)
	return n, nil
}

// follow reads the log until the program has ended.
func (n *node) follow(logs io.Reader) {
	defer close(n.ended)
	lines := bufio.NewScanner(logs)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		n.log.add(lines.Text())
		var line struct{ Msg, URL string }
		if bytes.Contains(lines.Bytes(), []byte(`"running"`)) && json.Unmarshal(lines.Bytes(), &line) == nil && line.URL != "" {
			n.mu.Lock()
			n.url = line.URL
			n.mu.Unlock()
			close(n.running)
		}
	}
	n.cmd.Wait() // how it ended is asked later
}

// address is where it listens, "" while it does not.
func (n *node) address() string {
	select {
	case <-n.ended:
		return ""
	default:
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.url
	}
}

func (n *node) alive() bool {
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// expect says that it is to end now.
func (n *node) expect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.expected = true
}

// kill ends it at once. One that has ended by itself is not excused.
func (n *node) kill() {
	if n.alive() {
		n.expect()
	}
	n.cmd.Process.Kill() // it may have ended
	<-n.ended
}

// halt stops the program, and returns when no call of it is under way in the
// kernel any more.
func (n *node) halt() error {
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for over := time.After(limit); ; {
		stopped, err := allStopped(n.cmd.Process.Pid)
		if stopped || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-over:
			return fmt.Errorf("process %d does not stop within %s", n.cmd.Process.Pid, limit)
		}
	}
}

// allStopped reports whether each thread of a process stands still.
func allStopped(pid int) (bool, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return false, err
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		// "1234 (name) T ...": the name may hold spaces.
		if _, state, ok := bytes.Cut(text, []byte(") ")); !ok || state[0] != 'T' {
			return false, nil
		}
	}
	return len(threads) > 0, nil
}

// strangeEnd tells how it ended, "" when that was to be.
func (n *node) strangeEnd() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	status, ok := n.cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed := ok && status.Signaled() && status.Signal() == syscall.SIGKILL
	if n.expected || killed && n.armed != "" {
		return ""
	}
	return n.cmd.ProcessState.String() + "\n" + n.log.String()
}

// tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const tailLines = 60

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == tailLines {
		t.lines = t.lines[1:]
	}
	t.lines = append(t.lines, line)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
