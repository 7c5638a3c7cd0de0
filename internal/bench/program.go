package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// program is Trueup or the bare program, running.
type program struct {
	url   string
	ready time.Duration // from its start until it was ready
	cmd   *exec.Cmd
	ended chan error
	said  bytes.Buffer // what it wrote, for when it fails
}

// run starts a program; args are given the address that it is to listen on. It returns
// once the program says that it is ready.
func (b *bench) run(ctx context.Context, args func(listen string) []string) (*program, error) {
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &program{url: "http://" + listen, ended: make(chan error, 1)}
	p.cmd = b.Command(ctx, args(listen)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	p.cmd.WaitDelay = 10 * time.Second
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.cmd, err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	if err := p.waitReady(ctx); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	p.ready = time.Since(began)
	return p, nil
}

// trueup starts Trueup in a place.
func (b *bench) trueup(ctx context.Context, path string) (*program, error) {
	return b.run(ctx, func(listen string) []string {
		return []string{"run", "-c", path, "--listen", listen, "--log-format", "json", "--log-level", "error"}
	})
}

// bare starts the bare program.
func (b *bench) bare(ctx context.Context, t *tools, s secret) (*program, error) {
	return b.run(ctx, func(listen string) []string { return []string{"bench", "bare", listen, t.url, s.text} })
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

const (
	readyLimit = 5 * time.Minute // a million customers on a slow disk
	readyPause = time.Millisecond
)

func (p *program) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, errSlow)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			ok := resp.StatusCode == http.StatusOK
			if err := resp.Body.Close(); err != nil {
				return err
			}
			if ok {
				return nil
			}
		}
		select {
		case err := <-p.ended:
			p.ended <- err
			return fmt.Errorf("it ended before it was ready: %w: %s", errors.Join(err, errors.New("it ended")), p.said.String())
		case <-ctx.Done():
			return fmt.Errorf("it did not get ready: %w", context.Cause(ctx))
		default:
			wait(ctx, readyPause)
		}
	}
}

const stopLimit = 40 * time.Second

// stop ends it as a person would, and waits.
func (p *program) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return p.kill()
	}
	timer := time.NewTimer(stopLimit)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("%s: %w: %s", p.cmd.Args[1], err, p.said.String())
		}
		return nil
	case <-timer.C:
		return errors.Join(errSlow, p.kill())
	}
}

func (p *program) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// memory is what it has in memory now and had at most, in MB; 0 where the system does not
// tell.
func (p *program) memory() (now, peak float64) {
	path := fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)
	mb := func(name string) float64 {
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(field(path, name), " kB"), 64) // 0: not told
		return kb / 1024
	}
	return mb("VmRSS"), mb("VmHWM")
}

// tick is the unit of processor time in /proc, which is the same on all of Linux.
const tick = 10 * time.Millisecond

// cpu is the processor time that it has used, 0 where the system does not tell.
func (p *program) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name of the program, in parentheses, may hold spaces.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}
