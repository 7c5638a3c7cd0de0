package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// stage is the two sample tools, Trueup between them, and the script.
type stage struct {
	cast    []member
	steps   []step
	journal *journal
	sender  *sender
	billing *billing
	crm     *crm
	trueup  Service

	secret string
	mu     sync.Mutex
	links  links
	close  func()
}

// newStage starts both tools.
func newStage(life context.Context, seed uint64, n network) (*stage, error) {
	s := &stage{journal: &journal{}}
	s.cast, s.steps = newScript(seed)
	var key []byte
	s.secret, key = newSecret()
	s.sender = newSender(life, n.client, key)
	s.billing = newBilling(s.cast, "demo_"+rand.Text(), rand.Text()[:8], s.journal, s.sender)
	s.crm = newCRM(s.cast, "demo_"+rand.Text(), s.journal)

	var servers []*http.Server
	s.close = func() {
		for _, server := range servers {
			server.Close()
		}
		n.client.CloseIdleConnections()
	}
	serve := func(h http.Handler) (url string, err error) {
		l, err := n.listen()
		if err != nil {
			return "", fmt.Errorf("open a port on this machine for a sample tool: %w", err)
		}
		server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
			ErrorLog: log.New(io.Discard, "", 0)} // a broken connection must not write into the view
		servers = append(servers, server)
		go server.Serve(l)
		return "http://" + l.Addr().String(), nil
	}
	billingURL, err := serve(s.billing.handler(s.where))
	if err != nil {
		return nil, err
	}
	crmURL, err := serve(s.crm.handler(s.where))
	if err != nil {
		s.close()
		return nil, err
	}
	s.setLinks(func(l *links) { l.Billing, l.CRM = billingURL, crmURL })
	return s, nil
}

func (s *stage) where() links {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links
}

func (s *stage) setLinks(set func(*links)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set(&s.links)
}

// writeConfig writes trueup.yaml into dir, readable by its owner only because
// it holds tokens, made up as they are.
func (s *stage) writeConfig(dir string) (path, text string, err error) {
	where := s.where()
	text, err = configText(joint{
		Database:      filepath.Join(dir, "trueup.db"),
		BillingURL:    where.Billing,
		BillingToken:  s.billing.token,
		WebhookSecret: s.secret,
		CRMURL:        where.CRM,
		CRMToken:      s.crm.token,
	})
	if err != nil {
		return "", "", fmt.Errorf("write the configuration: %w", err)
	}
	path = filepath.Join(dir, "trueup.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", "", fmt.Errorf("write the configuration: %w", err)
	}
	return path, text, nil
}

// settled waits until every webhook is answered and every event has its outcome.
func (s *stage) settled(ctx context.Context) error {
	if err := s.sender.wait(ctx); err != nil {
		return err
	}
	return s.trueup.Idle(ctx)
}

// play tells the script and then makes ordinary changes, until For is over or
// ctx ends. It returns how many steps of the script there was time for.
func (s *stage) play(ctx context.Context, o Options, start time.Time) (int, error) {
	p := &player{billing: s.billing, crm: s.crm, cast: s.cast, journal: s.journal,
		settled: s.settled, late: map[string]event{}}
	changing, length, pace := ctx, scriptLength, gentlePace
	if o.For > 0 {
		share := func(part float64) time.Duration { return time.Duration(part * float64(o.For)) }
		length = share(scriptShare)
		pace = min(gentlePace, share(changeShare-scriptShare)/changesAfter)
		var stop context.CancelFunc
		changing, stop = context.WithDeadline(ctx, start.Add(share(changeShare)))
		defer stop()
	}
	steps, err := p.play(changing, s.steps, length)
	if err != nil {
		return steps, err
	}
	if err := p.wander(changing, rngAfter(o.Seed), pace); err != nil {
		return steps, err
	}
	if o.For > 0 {
		pause(ctx, time.Until(start.Add(o.For)))
	}
	return steps, nil
}

// show plays the script while a view follows it, and returns the final table.
// ctx ends the playing; life is what the last look at everything runs in.
func (s *stage) show(ctx, life context.Context, o Options, v view) (report, error) {
	start := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var steps int
	played := make(chan error, 1)
	go func() {
		var err error
		steps, err = s.play(ctx, o, start)
		played <- err
	}()

	n := narrator{cast: s.cast}
	look := func() (Snapshot, error) {
		snap, err := s.trueup.Snapshot(life)
		if err != nil {
			return snap, fmt.Errorf("ask Trueup how it stands: %w", err)
		}
		v.tell(start, n.next(s.journal, snap))
		v.show(s.frame(o, start, snap))
		return snap, nil
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if _, err := look(); err != nil {
				stop()
				<-played
				return report{}, err
			}
		case err := <-played:
			if err != nil {
				return report{}, err
			}
			// What is not done by then is no error: the table says so.
			settling, cancel := context.WithTimeout(life, grace)
			s.settled(settling)
			cancel()
			took := time.Since(start)
			snap, err := look()
			if err != nil {
				return report{}, err
			}
			return s.report(took, snap, len(s.steps)-steps), nil
		}
	}
}

func (s *stage) frame(o Options, start time.Time, snap Snapshot) frame {
	writes, _, _ := tally(s.cast, s.journal.since(0))
	_, repeats, _ := s.sender.counts()
	return frame{elapsed: time.Since(start), length: o.For, links: s.where(),
		rows: board(s.cast, s.billing.list(), s.crm.list(), snap), snap: snap, writes: writes, repeats: repeats}
}

func (s *stage) report(took time.Duration, snap Snapshot, untold int) report {
	r := report{took: took, snap: snap, untold: untold,
		rows: board(s.cast, s.billing.list(), s.crm.list(), snap)}
	r.writes, r.refusals, r.fewest = tally(s.cast, s.journal.since(0))
	r.accepted, r.repeats, r.lost = s.sender.counts()
	return r
}
