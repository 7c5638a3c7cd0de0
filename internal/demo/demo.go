package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	randv2 "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options is what a demonstration is started with.
type Options struct {
	// For ends the demonstration by itself, 0 leaves that to the context.
	For time.Duration
	// Dir takes trueup.yaml and the database; "" is a temporary folder that is
	// removed at the end.
	Dir string
	Out io.Writer
	// IsTerminal redraws in place; otherwise each happening is one line.
	IsTerminal bool
	// Seed decides who plays which part, the order and the random changes.
	Seed uint64
	// Start starts Trueup on a configuration file, whose text it is given too.
	// Its context ends after Stop, not when the demonstration is interrupted.
	Start func(ctx context.Context, configPath, configYAML string) (Service, error)
}

const (
	// Shortest is the least Options.For: below it the pauses between a person's
	// edit and billing's change come too close to the clock skew.
	Shortest = 5 * time.Second

	// Shares of Options.For: when the script is told, and when the last change
	// is made.
	scriptShare = 0.6
	changeShare = 0.85

	// Without Options.For: the script's length, and the pace after it.
	scriptLength = 40 * time.Second
	gentlePace   = 3 * time.Second

	// While For runs, this many ordinary changes follow the script, at most.
	changesAfter = 20

	tick = 250 * time.Millisecond
	// grace is how long the end waits for what is still under way.
	grace = 10 * time.Second
)

// network is how the sample tools are reached; tests have one of their own.
type network struct {
	listen func() (net.Listener, error)
	client *http.Client
}

// Run shows the demonstration until For is over or ctx ends, writes the final
// table and returns nil. It returns an error when it could not be shown.
func Run(ctx context.Context, o Options) error {
	return run(ctx, o, network{
		listen: func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") },
		client: &http.Client{},
	})
}

func run(ctx context.Context, o Options, n network) (err error) {
	if o.For < 0 || o.For > 0 && o.For < Shortest {
		return fmt.Errorf("%s is too short to show anything: give it %s or more", o.For, Shortest)
	}
	dir, remove, err := folder(o.Dir)
	if err != nil {
		return err
	}
	defer remove()
	// The tools and Trueup outlive an interruption, so that what is under way
	// can end and the final table is true.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()

	s, err := newStage(life, o.Seed, n)
	if err != nil {
		return err
	}
	defer s.close()
	path, text, err := s.writeConfig(dir)
	if err != nil {
		return err
	}
	s.trueup, err = o.Start(life, path, text)
	if err != nil {
		return fmt.Errorf("start Trueup: %w", err)
	}
	defer func() {
		stopping, cancel := context.WithTimeout(life, grace)
		defer cancel()
		if stopErr := s.trueup.Stop(stopping); stopErr != nil {
			err = errors.Join(err, fmt.Errorf("stop Trueup: %w", stopErr))
		}
	}()
	url := strings.TrimSuffix(s.trueup.URL(), "/")
	enter, err := s.trueup.Enter(life)
	if err != nil {
		return fmt.Errorf("sign in to Trueup: %w", err)
	}
	s.setLinks(func(l *links) { l.Trueup = enter })
	s.sender.deliverTo(url + "/hooks/" + billingConnection)

	v := newView(o.Out, o.IsTerminal)
	v.begin(s.where(), path)
	defer v.end()
	final, err := s.show(ctx, life, o, v)
	v.end()
	if err != nil {
		return err
	}
	final.write(o.Out)
	return nil
}

// folder returns where the demonstration may write, and how to clear it away.
func folder(dir string) (path string, remove func(), err error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", nil, fmt.Errorf("make the folder for the demonstration: %w", err)
		}
		path, err = filepath.Abs(dir)
		return path, func() {}, err
	}
	path, err = os.MkdirTemp("", "trueup-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	return path, func() { os.RemoveAll(path) }, nil
}

// newSecret returns a Standard Webhooks secret and the key inside it.
func newSecret() (text string, key []byte) {
	key = make([]byte, 32)
	rand.Read(key)
	return "whsec_" + base64.StdEncoding.EncodeToString(key), key
}

// rngAfter is the random source for what follows the script.
func rngAfter(seed uint64) *randv2.Rand {
	return randv2.New(randv2.NewPCG(seed, 0x6166746572)) // #nosec G404 -- a demonstration can be shown again
}
