package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store"
)

// sampleTools are the tools that scripts use, by their addresses.
var sampleTools sync.Map

// tools starts two tools, which a script finds at $BILLING and $CRM.
func tools(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		for _, name := range []string{"BILLING", "CRM"} {
			tool := resttest.New(t)
			sampleTools.Store(tool.URL, tool)
			ts.Setenv(name, tool.URL)
		}
	}
}

func toolNamed(ts *testscript.TestScript, name string) *resttest.Tool {
	tool, ok := sampleTools.Load(ts.Getenv(strings.ToUpper(name)))
	if !ok {
		ts.Fatalf("there is no tool %s", name)
	}
	return tool.(*resttest.Tool)
}

// record sets a record: TOOL ID EMAIL STATUS.
func record(ts *testscript.TestScript, _ bool, args []string) {
	toolNamed(ts, args[0]).Set(resttest.Record{ID: args[1], Email: args[2], Status: args[3], UpdatedBy: "human:ben"})
}

// edit is a person's edit: TOOL ID STATUS.
func edit(ts *testscript.TestScript, _ bool, args []string) {
	toolNamed(ts, args[0]).Edit(args[1], args[2], "human:ben")
}

// refuse makes a tool refuse the writes of a status, none again with "": TOOL STATUS.
func refuse(ts *testscript.TestScript, _ bool, args []string) {
	status := args[1]
	toolNamed(ts, args[0]).Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if status == "" || r.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		return true
	})
}

// stall lets a tool answer no list, and makes a file when it was asked for one:
// TOOL FILE. Without the file it answers again.
func stall(ts *testscript.TestScript, _ bool, args []string) {
	tool := toolNamed(ts, args[0])
	if len(args) == 1 {
		tool.Instead(nil)
		return
	}
	file := ts.MkAbs(args[1])
	tool.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Path != "/records" {
			return false
		}
		if err := os.WriteFile(file, []byte("asked"), 0o600); err != nil {
			panic(err)
		}
		<-r.Context().Done()
		return true
	})
}

// otherPlan is another process that compares under other rules, and ends when
// the file that it is given has something in it: what was said while it was at
// work. It is called: otherplan FILE.
func otherPlan(ts *testscript.TestScript, _ bool, args []string) {
	db, err := store.Open(context.Background(), store.Options{DSN: ts.MkAbs("trueup.db")})
	ts.Check(err)
	_, err = db.BeginSweep(context.Background(), store.Sweep{Sync: "customer-status", Purpose: store.ForPlan, Rules: "other"}, time.Minute)
	ts.Check(err)
	said, over := ts.MkAbs(args[0]), make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		defer db.Close()
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for {
			if info, err := os.Stat(said); err == nil && info.Size() > 0 {
				return
			}
			select {
			case <-ticker.C:
			case <-over:
				return
			}
		}
	})
	ts.Defer(func() { close(over); waiting.Wait() })
}

// otherApply is another process that begins to apply the latest plan and stands
// still.
func otherApply(ts *testscript.TestScript, _ bool, _ []string) {
	db, err := store.Open(context.Background(), store.Options{DSN: ts.MkAbs("trueup.db")})
	ts.Check(err)
	ts.Defer(func() { db.Close() })
	plan, err := db.LatestPlan(context.Background(), "customer-status")
	ts.Check(err)
	_, err = db.BeginApply(context.Background(), plan, false)
	ts.Check(err)
}

// written checks which writes a tool got, in any order: TOOL WRITE...
func written(ts *testscript.TestScript, _ bool, args []string) {
	got := toolNamed(ts, args[0]).Written()
	slices.Sort(got)
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Check(errors.New("written were " + strings.Join(got, ", ") + "; not " + strings.Join(want, ", ")))
	}
}
