package killtest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// Standby is the engine of rounds on a PostgreSQL with a standby that takes over. Each
// commit waits for the standby, and the nodes are told of both servers.
const Standby = "standby"

var (
	promoted = Kind{Name: "the primary crashes, the standby is promoted", do: func(r *round) error { return r.takenOver(r.primary.StopAtOnce) }}
	switched = Kind{Name: "the primary is stopped, the standby is promoted", do: func(r *round) error { return r.takenOver(r.primary.Close) }}
	vanished = Kind{Name: "the primary falls silent, the standby is promoted", do: (*round).vanished}
)

// takeOvers are the kinds of which a round on Standby has one: afterwards there is no
// other server left. It comes before or after two others.
var takeOvers = []Kind{promoted, switched, vanished}

// besideTakeOver is how many others a round has.
const besideTakeOver = 2

// pair makes both servers, and tells each node of both.
func (r *round) pair() (remove func() error, err error) {
	var undo []func() error
	remove = func() (err error) {
		for i := len(undo) - 1; i >= 0; i-- {
			err = errors.Join(err, undo[i]())
		}
		return err
	}
	dir, err := os.MkdirTemp(r.Bench.dir, "pair-")
	if err != nil {
		return remove, err
	}
	undo = append(undo, func() error { return os.RemoveAll(dir) })
	// The servers run as another user, who has to reach their folders.
	if err := os.Chmod(dir, 0o711); err != nil { // #nosec G302 -- see above
		return remove, err
	}
	one, other := filepath.Join(dir, "primary"), filepath.Join(dir, "standby")
	if err := errors.Join(os.Mkdir(one, 0o700), os.Mkdir(other, 0o700)); err != nil {
		return remove, err
	}
	if r.primary, err = pgtest.NewCluster(one); err != nil {
		return remove, fmt.Errorf("make the primary: %w", err)
	}
	undo = append(undo, r.primary.Close)
	if r.standby, err = r.primary.NewStandby(other); err != nil {
		return remove, fmt.Errorf("make the standby: %w", err)
	}
	undo = append(undo, r.standby.Close)
	dsn, done, err := r.primary.Schema()
	if err != nil {
		return remove, err
	}
	undo = append(undo, func() error { done(); return nil }) // the server that had the schema first is gone
	way, err := newWire(r.primary.Address())
	if err != nil {
		return remove, err
	}
	r.wires[0] = way // of all nodes
	undo = append(undo, way.close)
	if dsn, err = either(dsn, way.address(), r.standby.Address()); err != nil {
		return remove, err
	}
	for slot := range r.dsns {
		r.dsns[slot] = dsn
	}
	r.note("each commit waits for the standby")
	return remove, nil
}

// either is the URL of a schema on whichever of these servers takes writes.
func either(dsn string, servers ...string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("target_session_attrs", "read-write")
	q.Set("connect_timeout", "1")
	u.Host, u.RawQuery = strings.Join(servers, ","), q.Encode()
	return u.String(), nil
}

// takenOver ends the primary under all that listen, and promotes the standby once they
// refuse webhooks: each of them goes on with it.
func (r *round) takenOver(end func() error) error {
	if err := r.allServe(); err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	r.note("the primary is away")
	r.refuses(r.live[r.slot], "although the primary is away")
	r.note("webhooks are refused")
	return r.goOnWithStandby()
}

// vanished has the primary fall silent, as a machine that lost its power or its network:
// no connection is closed, and who connects hears nothing.
func (r *round) vanished() error {
	if err := r.allServe(); err != nil {
		return err
	}
	r.wires[0].silence()
	r.note("the primary is silent")
	if err := r.primary.StopAtOnce(); err != nil {
		return err
	}
	return r.goOnWithStandby()
}

// allServe waits until all programs listen: one that starts without a server that takes
// writes would end, as it should.
func (r *round) allServe() error {
	for slot := range r.nodes {
		if _, err := r.servingAt(slot); err != nil {
			return err
		}
	}
	// A commit may have reached the standby although its answer did not arrive.
	r.sender.unsure.Store(true)
	return nil
}

func (r *round) goOnWithStandby() error {
	if err := r.standby.Promote(); err != nil {
		return err
	}
	r.note("the standby is promoted")
	r.goesOn(r.live[r.slot], "after the standby was promoted")
	for slot := range r.nodes {
		if n := r.live[slot]; !r.until(func() bool { return !n.alive() || r.ready(n) }) {
			r.odd(breach(7, "node %d is not ready within %s after the standby was promoted:\n%s", slot, limit, n.log))
		}
	}
	r.note("every node is ready")
	return nil
}

// ready reports whether a program can store and work.
func (r *round) ready(n *node) bool {
	resp, err := r.sender.client.Get(n.address() + "/readyz")
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}
