//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var armed = sync.OnceValue(func() *point {
	name, count, _ := strings.Cut(os.Getenv("TRUEUP_FAILPOINT"), ":")
	n, err := strconv.Atoi(count)
	if err != nil {
		n = 1
	}
	return &point{name: name, left: n}
})

type point struct {
	name string
	mu   sync.Mutex
	left int
}

// Hit marks a boundary between two steps, and ends the process there if the
// environment asks for it.
func Hit(name string) {
	p := armed()
	if p.name != name {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left--; p.left == 0 {
		// SIGKILL runs no deferred function and flushes no buffer.
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
