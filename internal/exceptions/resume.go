package exceptions

import (
	"context"
	"errors"
	"strings"

	"trueup/internal/store"
)

// Resumer lets through what waits at a halted sync; it is *store.DB.
type Resumer interface {
	Resume(ctx context.Context, r store.Resume) (store.Resumed, error)
}

// Resume lets through what waits at a halted sync. It is done about the sync and
// not about its exception: what is let through is every customer who waits, and
// whoever does it says why.
func Resume(ctx context.Context, at Resumer, r store.Resume) (store.Resumed, error) {
	r.Reason = strings.TrimSpace(r.Reason)
	switch {
	case r.Who == "":
		return store.Resumed{}, &RefusedError{Why: "nobody is named who does it", Hint: "say who you are"}
	case r.Reason == "":
		return store.Resumed{}, &RefusedError{Why: "no reason is given", Hint: "say why these customers are to be written: it is kept with the exception"}
	}
	if r.Key != "" {
		r.Key, r.Asked = hashOf(r.Who, store.ResumeSync, r.Sync, r.Key), hashOf(r.Reason)
	}
	done, err := at.Resume(ctx, r)
	if errors.Is(err, store.ErrWatching) {
		return done, &RefusedError{Why: r.Sync + " only watches: who is let through now would be looked at, and nothing be written",
			Hint: "write mode: live in trueup.yaml first; who waits goes on waiting until then"}
	}
	return done, err
}
