package canary

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// program is the real binary, built once.
var program string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "trueup-canary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "trueup")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, "github.com/trueup-sync/trueup/cmd/trueup")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v: %s", err, out)
		return 1
	}
	return pgtest.Main(m)
}

// spill is everything that came out of the program, by where.
type spill struct {
	mu  sync.Mutex
	all map[string][]byte
}

func (s *spill) add(where string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string][]byte{}
	}
	s.all[where] = append(s.all[where], text...)
}

func (s *spill) text(where string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.all[where])
}

// none reports where needles came out. may says where one of them may.
func (s *spill) none(t *testing.T, may func(n needle, where string) bool, all ...needle) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, where := range slices.Sorted(maps.Keys(s.all)) {
		in := hayOf(s.all[where])
		for _, n := range all {
			if form := n.found(in); form != "" && !may(n, where) {
				t.Errorf("%s is in %s, %s:\n%s", n.what, where, form, n.around(in.text))
			}
		}
	}
}

// around returns the first line with a needle in it.
func (n needle) around(text []byte) string {
	for line := range bytes.Lines(text) {
		if n.found(hayOf(line)) != "" {
			return string(line[:min(len(line), 2000)])
		}
	}
	return "(over several lines)"
}

func nowhere(needle, string) bool { return false }

// environ is the environment of each run of the program.
func (w *world) environ() []string {
	all := os.Environ()
	for name, value := range w.env {
		all = append(all, name+"="+value)
	}
	return all
}

// command runs a command to its end and keeps what it wrote. Its exit code is
// not judged: a command that fails must be silent too.
func (w *world) command(s *spill, args ...string) []byte {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = w.dir, w.environ()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); ctx.Err() != nil {
		w.Errorf("trueup %v does not end: %v", args, err)
	}
	name := "trueup " + strings.ReplaceAll(strings.Join(args, " "), w.email.core, "MAIL")
	s.add(name+": stdout", stdout.Bytes())
	s.add(name+": stderr", stderr.Bytes())
	return stdout.Bytes()
}

// service is trueup run.
type service struct {
	w    *world
	s    *spill
	url  string
	cmd  *exec.Cmd
	done chan struct{}

	mu       sync.Mutex
	attempts map[string]int // by sync and customer
}

// The spill's places of a service.
const (
	runStdout = "trueup run: stdout"
	runStderr = "trueup run: stderr, the log"
)

// run starts the service with its log at its most talkative.
func (w *world) run(s *spill) *service {
	w.Helper()
	sv := &service{w: w, s: s, done: make(chan struct{}), attempts: map[string]int{}}
	sv.cmd = exec.Command(program, "run", "--log-level", "debug", "--log-format", "json")
	sv.cmd.Dir, sv.cmd.Env = w.dir, w.environ()
	sv.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	sv.cmd.Stdout = writer(func(text []byte) { s.add(runStdout, text) })
	logs, err := sv.cmd.StderrPipe()
	if err != nil {
		w.Fatal(err)
	}
	if err := sv.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	url := make(chan string, 1)
	go func() {
		defer close(sv.done)
		lines := bufio.NewReader(logs)
		for {
			line, err := lines.ReadBytes('\n')
			s.add(runStderr, line)
			sv.read(line, url)
			if err != nil {
				break
			}
		}
		sv.cmd.Wait()
	}()
	w.Cleanup(func() {
		sv.cmd.Process.Kill()
		<-sv.done
	})
	select {
	case sv.url = <-url:
	case <-sv.done:
		w.Fatalf("it does not start: %s", s.text(runStderr))
	}
	return sv
}

type writer func([]byte)

func (f writer) Write(p []byte) (int, error) { f(p); return len(p), nil }

// read takes from a line of the log what the test waits for.
func (sv *service) read(line []byte, url chan<- string) {
	var l struct{ Msg, URL, Sync, Customer string }
	if json.Unmarshal(line, &l) != nil {
		return
	}
	switch l.Msg {
	case "running":
		url <- l.URL
	case "attempt":
		sv.mu.Lock()
		defer sv.mu.Unlock()
		sv.attempts[l.Sync+" "+l.Customer]++
	}
}

// attempted waits until each customer of each sync was tried.
func (sv *service) attempted() {
	sv.w.Helper()
	sv.until("each customer was tried", func() bool {
		sv.mu.Lock()
		defer sv.mu.Unlock()
		return len(sv.attempts) == len(sv.w.config["syncs"].(object))*len(cases)
	})
}

func (sv *service) until(what string, done func() bool) {
	sv.w.Helper()
	ctx, cancel := context.WithTimeout(sv.w.Context(), 5*time.Minute)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			sv.w.Fatalf("waiting until %s", what)
		case <-sv.done:
			sv.w.Fatalf("it has ended: %s", sv.s.text(runStderr))
		case <-ticker.C:
		}
	}
}

// stop ends the service in order.
func (sv *service) stop() {
	sv.w.Helper()
	if err := sv.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		sv.w.Fatal(err)
	}
	<-sv.done
	if code := sv.cmd.ProcessState.ExitCode(); code != 0 {
		lines := strings.Split(strings.TrimSpace(string(sv.s.text(runStderr))), "\n")
		sv.w.Errorf("it stops with exit code %d: %s", code, lines[len(lines)-1])
	}
}

// request asks the service for something and keeps the answer.
func (sv *service) request(method, path string, header http.Header, body string) (code int) {
	sv.w.Helper()
	r, err := http.NewRequestWithContext(sv.w.Context(), method, sv.url+path, strings.NewReader(body))
	if err != nil {
		sv.w.Fatal(err)
	}
	maps.Copy(r.Header, header)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		sv.w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		sv.w.Fatal(err)
	}
	bare, _, _ := strings.Cut(path, "?")
	sv.s.add("the answer to "+method+" "+bare, fmt.Appendln(text, resp.Status, resp.Header))
	return resp.StatusCode
}
