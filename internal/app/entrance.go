package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// Entrance is where the service is reached, opened before there is one: until then, and
// beside it, front answers browsers.
type Entrance struct {
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
	failed   chan error

	service, front atomic.Pointer[http.Handler]
}

// openEntrance listens; who comes waits until serve is called.
func openEntrance(listen string, log *slog.Logger) (*Entrance, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose another address with listen in trueup.yaml or --listen", listen, err)
	}
	e := &Entrance{listener: l, failed: make(chan error, 1)}
	e.server = newServer(e, log)
	return e, nil
}

func (e *Entrance) serve() {
	e.serving.Go(func() {
		if err := e.server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
			e.failed <- fmt.Errorf("serve: %w", err)
		}
	})
}

// ServeHTTP hands machines to the service, and browsers to the front while there is one.
func (e *Entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, front := e.service.Load(), e.front.Load()
	switch {
	case front != nil && !forMachines(r.URL.Path):
		(*front).ServeHTTP(w, r)
	case service != nil:
		(*service).ServeHTTP(w, r)
	default:
		// No tool may believe that its webhook was taken.
		w.Header().Set("Retry-After", "60")
		http.Error(w, "Trueup is not set up yet", http.StatusServiceUnavailable)
	}
}

// forMachines reports whether a path is none of the pages.
func forMachines(path string) bool {
	for _, prefix := range []string{"/hooks/", "/api/", "/slack/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

// close ends an entrance that no service has used.
func (e *Entrance) close(ctx context.Context) error {
	err := e.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving: %w", err), e.server.Close())
	}
	e.serving.Wait()
	return err
}
