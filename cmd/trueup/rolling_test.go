package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

func TestNodesOfTwoVersionsWorkBesideEachOther(t *testing.T) {
	p := scripts(t, "")
	p.Files = []string{filepath.Join("testdata", "rolling.txtar")}
	p.Setup = func(e *testscript.Env) error {
		e.Setenv("DATABASE", pgtest.DSN(t))
		return nil
	}
	p.Cmds["send"], p.Cmds["shows"] = send, shows
	testscript.Run(t, p)
}

var webhooksAt = regexp.MustCompile(`"webhooks":"(http://[^"]+)"`)

// send sends a webhook for each customer to the node with a log, and has each accepted:
// LOG CUSTOMER...
func send(ts *testscript.TestScript, _ bool, args []string) {
	var address string
	wait(ts, args[0]+" names no address", func() bool {
		log, _ := os.ReadFile(ts.MkAbs(args[0]))
		if found := webhooksAt.FindSubmatch(log); found != nil {
			address = string(found[1])
		}
		return address != ""
	})
	for _, customer := range args[1:] {
		body := strings.NewReader(fmt.Sprintf(`{"id": "evt_%s", "customer": %q}`, customer, customer))
		r, err := http.NewRequest(http.MethodPost, address, body)
		ts.Check(err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Token", "hook-token-of-the-test")
		answer, err := http.DefaultClient.Do(r)
		ts.Check(err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			ts.Fatalf("the webhook of %s is answered %s", customer, answer.Status)
		}
	}
}

// shows waits until records of a tool show a status: TOOL STATUS RECORD...
func shows(ts *testscript.TestScript, _ bool, args []string) {
	tool := toolNamed(ts, args[0])
	for _, id := range args[2:] {
		wait(ts, id+" does not show "+args[1], func() bool { return tool.Status(id) == args[1] })
	}
}

func wait(ts *testscript.TestScript, problem string, over func() bool) {
	deadline := time.NewTimer(time.Minute)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !over() {
		select {
		case <-deadline.C:
			ts.Fatalf("%s", problem)
		case <-ticker.C:
		}
	}
}
