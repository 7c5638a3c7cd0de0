package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
)

// lookEvery is how often the configuration's file is looked at. Asking the
// kernel instead would miss files that are mounted or replaced.
const lookEvery = time.Second

// hangups hears SIGHUP from now on and until the process ends. Nobody heard
// it otherwise, at the start and during a stop, and it would end the process.
func hangups() chan os.Signal {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	return heard
}

// fileWatch tells of the configuration's file when its text is another, or when
// somebody asks for it.
type fileWatch struct {
	path  string
	have  []byte // what is in use, or was refused
	asked <-chan os.Signal
	// use reports whether the text is to be tried again: a person may have made it
	// usable without changing it.
	use func(text []byte, asked bool) (again bool)
	// lost is told that the file cannot be read.
	lost func(err error)
	log  *slog.Logger
}

// run looks until ctx ends.
func (w *fileWatch) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var seen []byte // at the look before; nil is nothing that could be read
	unreadable, again := false, false
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-w.asked:
			asked = true
		case <-ticker.C:
		}
		text, err := config.Read(w.path)
		if err != nil {
			if asked || !unreadable {
				w.log.Error("the configuration file cannot be read; the previous configuration stays in use", slog.Any("error", err))
			}
			if !unreadable && w.lost != nil {
				w.lost(err)
				w.have = nil // used anew when it is back, which says that it is
			}
			unreadable, seen = true, nil
			continue
		}
		// Whoever writes it may not have come to the end: two looks in a row
		// must see the same.
		settled := seen != nil && bytes.Equal(text, seen)
		unreadable, seen = false, text
		if asked || settled && (again || !bytes.Equal(text, w.have)) {
			w.have = text
			again = w.use(text, asked)
		}
	}
}

// reload goes on with another text of the configuration. With a fault the old
// one stays. It reports whether the same text may be usable later: whose memory is
// whose is said in the database as well. refused is what the log was told last.
func (f runFlags) reload(path string, text []byte, a *app.App, log *slog.Logger, refused *string) (again bool) {
	cfg, err := parseConfig(path, text)
	if err != nil {
		a.FileRefused(config.HashOf(text), err)
	} else {
		// Its own time: a stop in the middle waits for it.
		ctx, cancel := context.WithTimeout(context.Background(), f.drain)
		defer cancel()
		err = a.Reload(ctx, cfg)
	}
	if err != nil {
		if said := string(text) + err.Error(); said != *refused {
			log.Error("the changed configuration is not used; the previous one stays in use", slog.Any("error", err))
			*refused = said
		}
		var unclear *app.NamesError
		return errors.As(err, &unclear)
	}
	*refused = ""
	log.Info("configuration reloaded", slog.String("file", cfg.Path))
	return false
}
