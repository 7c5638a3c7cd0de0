package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a fileWatch on a file of which "one" was read.
type watched struct {
	*testing.T
	path  string
	ctx   context.Context
	asked chan os.Signal
	mu    sync.Mutex
	used  []string
	again bool // what is used is to be tried again
	log   bytes.Buffer
}

// watching gives the test a bubble, in which a second is at once over.
func watching(t *testing.T, test func(w *watched)) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{T: t, path: filepath.Join(t.TempDir(), "trueup.yaml"), asked: make(chan os.Signal, 1)}
		w.write("one")
		var stop context.CancelFunc
		w.ctx, stop = context.WithCancel(t.Context())
		defer stop()
		test(w)
	})
}

func (w *watched) start() {
	go (&fileWatch{path: w.path, have: []byte("one"), asked: w.asked, log: slog.New(slog.NewTextHandler(&w.log, nil)),
		lost: func(error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.used = append(w.used, "lost")
		},
		use: func(text []byte, _ bool) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.used = append(w.used, string(text))
			return w.again
		}}).run(w.ctx)
	time.Sleep(lookEvery / 2) // from here on a test is between two looks
}

func (w *watched) write(text string) {
	w.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
}

// looks lets so many looks pass.
func (w *watched) looks(n int) {
	time.Sleep(time.Duration(n) * lookEvery) // the bubble's clock
	synctest.Wait()
}

func (w *watched) want(texts ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.used, texts) {
		w.Errorf("used are %q, not %q", w.used, texts)
	}
}

// That the file has gone is told, and when it is back it is used anew, though its
// text is the one from before: that it is in use again is told as well.
func TestAFileThatHasGoneIsToldAndUsedAnewWhenItIsBack(t *testing.T) {
	watching(t, func(w *watched) {
		w.start()
		w.looks(2)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.looks(3)
		w.want("lost")
		w.write("one")
		w.looks(3)
		w.want("lost", "one")
	})
}

// A file that cannot be used yet is tried again until it can, though its text stays.
func TestAFileThatIsRefusedForWhatTheDatabaseHoldsIsTriedAgain(t *testing.T) {
	watching(t, func(w *watched) {
		w.again = true
		w.start()
		w.write("two")
		w.looks(3)
		w.want("two", "two")
		w.mu.Lock()
		w.again = false
		w.mu.Unlock()
		w.looks(3)
		w.want("two", "two", "two")
	})
}

func TestAChangedFileIsUsedAsItWasSeenTwice(t *testing.T) {
	watching(t, func(w *watched) {
		w.start()
		w.looks(3)
		w.want()
		w.write("on")
		w.looks(1)
		w.write("on its way")
		w.looks(1)
		w.write("two")
		w.looks(1)
		w.want()
		w.looks(1)
		w.want("two")
		w.looks(5)
		w.want("two")
	})
}

// The service starts for seconds; what is written meanwhile is a change.
func TestAnEditBetweenReadingAndWatchingIsUsed(t *testing.T) {
	watching(t, func(w *watched) {
		w.write("two")
		w.start()
		w.looks(3)
		w.want("two")
	})
}

func TestAFileThatCannotBeReadIsToldOnce(t *testing.T) {
	watching(t, func(w *watched) {
		w.start()
		told := func(times int) {
			t.Helper()
			if got := strings.Count(w.log.String(), "cannot be read"); got != times {
				t.Errorf("it was told %d times, not %d:\n%s", got, times, w.log.String())
			}
		}
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.looks(5)
		told(1)
		w.asked <- syscall.SIGHUP // whoever asks is told again
		synctest.Wait()
		told(2)
		w.write("one")
		w.looks(3)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.looks(5)
		told(3)
	})
}

func TestASignalHasTheFileUsedAtOnceAndOnce(t *testing.T) {
	watching(t, func(w *watched) {
		w.start()
		w.asked <- syscall.SIGHUP // secrets in other files may be new
		synctest.Wait()
		w.want("one")
		w.write("two")
		w.asked <- syscall.SIGHUP
		synctest.Wait()
		w.looks(5)
		w.want("one", "two")
	})
}

// SIGHUP ends a process that does not hear it. This one would be the test's.
func TestASignalBeforeAndAfterWatchingEndsNothing(t *testing.T) {
	heard := hangups()
	for range 2 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-heard
	}
}
