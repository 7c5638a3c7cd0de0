package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/web"
)

// listen opens the addresses of the configuration.
func (a *App) listen() error {
	o := a.options
	if o.Entrance != nil {
		a.listener, a.failed = o.Entrance.listener, o.Entrance.failed
		return nil
	}
	at := o.Config.Listen
	if o.Listen != "" {
		at = o.Listen
	}
	var err error
	if a.listener, err = net.Listen("tcp", at); err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with listen in trueup.yaml or --listen", at, err)
	}
	if at = o.Config.AdminListen; at == "" {
		return nil
	}
	if a.admin, err = net.Listen("tcp", at); err != nil {
		return errors.Join(fmt.Errorf("listen on %s: %w; choose another address with admin_listen in trueup.yaml", at, err), a.listener.Close())
	}
	return nil
}

func (a *App) closeListeners() error {
	if a.options.Entrance != nil {
		return nil // it is not ours to close
	}
	err := a.listener.Close()
	if a.admin != nil {
		err = errors.Join(err, a.admin.Close())
	}
	return err
}

// serve answers what web describes, people and programs on an address of their own
// where the configuration has one.
func (a *App) serve(o web.Options) {
	if in := a.options.Entrance; in != nil {
		service := web.New(o)
		in.service.Store(&service)
		a.servers = append(a.servers, in.server)
		return
	}
	if a.admin == nil {
		a.serveOn(a.listener, web.New(o))
		return
	}
	a.serveOn(a.listener, web.Public(o))
	a.serveOn(a.admin, web.Admin(o))
}

func (a *App) serveOn(l net.Listener, h http.Handler) {
	server := newServer(h, a.log)
	a.servers = append(a.servers, server)
	a.serving.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve: %w", err)
		}
	})
}

// newServer bounds how long anyone may hold a connection.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// shutdown lets requests that have begun be answered, and cuts them off when ctx ends.
func (a *App) shutdown(ctx context.Context) error {
	var all error
	for _, server := range a.servers {
		if err := server.Shutdown(ctx); err != nil {
			all = errors.Join(all, fmt.Errorf("stop serving: %w", err), server.Close())
		}
	}
	return all
}

// URL is where webhooks reach the service on this machine.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// AdminURL is where people and programs reach it.
func (a *App) AdminURL() string {
	if a.admin == nil {
		return a.URL()
	}
	return "http://" + a.admin.Addr().String()
}

// guarded lets in who calls from this machine, and others with a token: the names of
// syncs and their numbers are nobody else's business. What a proxy passes on comes from
// elsewhere.
func (a *App) guarded(next http.Handler) http.Handler {
	protected := api.Protected(api.Options{Store: a.store, Log: a.log}, store.Viewer, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && net.ParseIP(host).IsLoopback() && r.Header.Get("Forwarded")+r.Header.Get("X-Forwarded-For") == "" {
			next.ServeHTTP(w, r)
			return
		}
		protected.ServeHTTP(w, r)
	})
}
