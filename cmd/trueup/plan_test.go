package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"trueup/internal/resttest"
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

// written checks which writes a tool got, in any order: TOOL WRITE...
func written(ts *testscript.TestScript, _ bool, args []string) {
	got := toolNamed(ts, args[0]).Written()
	slices.Sort(got)
	want := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, want) {
		ts.Check(errors.New("written were " + strings.Join(got, ", ") + "; not " + strings.Join(want, ", ")))
	}
}
