package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store"
)

// applied are the points between two steps at which an apply is killed.
var applied = []string{"source_read", "mapped", "matched", "linked", "target_read", "decided", "intent", "sent", "confirmed", "settling", "settled"}

// An apply that is killed at any point and given again writes each row of the
// plan once.
func TestAnApplyKilledAtEachBoundaryWritesNothingTwice(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for engine, dsn := range engines {
		for _, point := range applied {
			t.Run(engine+"/"+point, func(t *testing.T) {
				t.Parallel()
				a := newApplying(t, path, dsn(t))
				plan := a.plan()
				// The next one waits for the lease of the killed one, and has one
				// of its own that does not end on a busy machine.
				if state := a.run("", point+":3", "apply", "customer-status", "--plan", plan, "--yes", "--lease", "3s"); !killed(state) {
					t.Fatalf("it was not killed but ended with %s", state)
				}
				var result struct{ Applied, Refused, Failed, Left, Applied_before int }
				a.json(&result, "apply", "customer-status", "--plan", plan, "--yes", "--json")
				if result.Applied+result.Applied_before != customersApplied || result.Refused+result.Failed+result.Left > 0 {
					t.Errorf("given again it came to %+v", result)
				}
				var want []string
				for i := range customersApplied {
					want = append(want, fmt.Sprintf("rec_%d: Active → Churned", i))
				}
				if got := a.crm.Written(); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
					t.Errorf("written were %v", got)
				}
			})
		}
	}
}

const customersApplied = 5

// applying is two tools that differ for some customers, and a program that
// knows of none of them.
type applying struct {
	*testing.T
	binary, config string
	crm            *resttest.Tool
}

func newApplying(t *testing.T, binary, dsn string) *applying {
	billing, crm := resttest.New(t), resttest.New(t)
	text := configText(dsn, billing.URL, crm.URL)
	const read = "    read: {get: \"/records/{id}\", record: body}\n"
	text = strings.ReplaceAll(text, read, read+resttest.ListYAML)
	text += "    first_contact: source_wins\n"
	a := &applying{T: t, binary: binary, config: filepath.Join(t.TempDir(), "trueup.yaml"), crm: crm}
	if err := os.WriteFile(a.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range customersApplied {
		email := fmt.Sprintf("%d@example.com", i)
		billing.Set(resttest.Record{ID: fmt.Sprintf("cus_%d", i), Email: email, Status: "canceled"})
		crm.Set(resttest.Record{ID: fmt.Sprintf("rec_%d", i), Email: email, Status: "Active", UpdatedBy: "api:other"})
	}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return a
}

// run runs a command to its end, however that comes. Its output goes to a file
// unless the name is "".
func (a *applying) run(out, failpoint string, args ...string) *os.ProcessState {
	a.Helper()
	cmd := exec.Command(a.binary, append(args, "-c", a.config)...)
	cmd.Env = append(os.Environ(), "TRUEUP_FAILPOINT="+failpoint)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if out != "" {
		f, err := os.Create(out)
		if err != nil {
			a.Fatal(err)
		}
		defer f.Close()
		cmd.Stdout = f
	}
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		a.Fatal(err)
	}
	if stderr.Len() > 0 {
		a.Logf("%v: %s", args, &stderr)
	}
	return cmd.ProcessState
}

func killed(s *os.ProcessState) bool {
	ws, ok := s.Sys().(syscall.WaitStatus)
	return ok && ws.Signal() == syscall.SIGKILL
}

// json runs a command and reads what it prints.
func (a *applying) json(into any, args ...string) {
	a.Helper()
	out := filepath.Join(a.TempDir(), "out.json")
	state := a.run(out, "", args...)
	text, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		a.Fatalf("%v ended with %s: %v: %s", args, state, err, text)
	}
}

func (a *applying) plan() string {
	a.Helper()
	var plan struct {
		Hash string
		Rows []any
	}
	a.json(&plan, "plan", "customer-status", "--json")
	if len(plan.Rows) != customersApplied {
		a.Fatalf("the plan is %+v", plan)
	}
	return plan.Hash
}
