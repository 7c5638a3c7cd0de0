package killtest

import (
	"bytes"
	"net"
	"sync"
)

// wire is a node's way to PostgreSQL, which can be silent or break.
type wire struct {
	listener net.Listener
	to       string // the server's address

	mu   sync.Mutex
	ends map[net.Conn]bool // true: the server's
	// heals is closed when a silence is over; nil: nothing is silent.
	heals chan struct{}
	// breaks is how many more commits are cut, and broken how many were.
	breaks, broken int
}

// commit is what a transaction's end looks like on its way to the server.
var commit = []byte("Q\x00\x00\x00\x0bcommit\x00")

func newWire(to string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{listener: l, to: to, ends: map[net.Conn]bool{}}
	go w.serve()
	return w, nil
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) serve() {
	for {
		node, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.join(node)
	}
}

// join connects a node with the server until one of them ends.
func (w *wire) join(node net.Conn) {
	defer node.Close()
	w.hush()
	server, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer server.Close()
	w.keep(node, server)
	defer w.drop(node, server)
	go func() {
		defer node.Close()
		w.carry(node, server, nil)
	}()
	w.carry(server, node, func(sent []byte) bool { return bytes.Contains(sent, commit) })
}

// carry brings bytes from one end to the other. breaks, if set, says which of them may be
// the last.
func (w *wire) carry(to, from net.Conn, breaks func([]byte) bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		w.hush()
		if n > 0 {
			if breaks != nil && breaks(buffer[:n]) && w.breakNow() {
				// The server gets each second one, whose answer finds nobody.
				if w.told()%2 == 0 {
					from.Close()
					to.Write(buffer[:n])
				}
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hush waits until nothing is silent.
func (w *wire) hush() {
	for {
		w.mu.Lock()
		heals := w.heals
		w.mu.Unlock()
		if heals == nil {
			return
		}
		<-heals
	}
}

// silence holds back everything that is on its way and that comes; nobody is told.
// What was held back arrives when heal is called.
func (w *wire) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heals == nil {
		w.heals = make(chan struct{})
	}
}

func (w *wire) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.heals != nil {
		close(w.heals)
		w.heals = nil
	}
}

// breakNext cuts the connections of the next commits.
func (w *wire) breakNext(commits int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaks = commits
}

func (w *wire) breakNow() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.breaks == 0 {
		return false
	}
	w.breaks--
	w.broken++
	return true
}

// told is how many commits were cut.
func (w *wire) told() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

func (w *wire) keep(node, server net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends[node], w.ends[server] = false, true
}

// giveUp ends the server's side of each connection, of which the node hears nothing
// while it is silent.
func (w *wire) giveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, server := range w.ends {
		if server {
			c.Close()
		}
	}
}

func (w *wire) drop(ends ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range ends {
		delete(w.ends, c)
	}
}

func (w *wire) close() error {
	w.heal()
	err := w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.ends {
		c.Close()
	}
	return err
}
