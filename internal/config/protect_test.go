package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/status"
)

// guarded reads a small file with lines added to its sync, and to its end.
func guarded(t *testing.T, statuses, sync, top string) *Config {
	t.Helper()
	file := fmt.Sprintf(`connections:
  billing: {type: stripe, api_key: k}
  crm: {type: http, base_url: http://127.0.0.1:9002, auth: {bearer: t}, list: {get: /all}}
syncs:
  a:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {%s}
%s
%s
`, statuses, sync, top)
	c, err := Parse("trueup.yaml", []byte(file), t.TempDir(), fakeTypes, lookup)
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	return c
}

const threeStatuses = "active: {from: [a], to: A}, paused: {from: [p], to: P}, churned: {from: [c], to: C}"

func TestWhatIsLeftOutProtects(t *testing.T) {
	usual := &MassChange{To: []status.Status{"churned", "paused"}, Customers: 50, Percent: 5, Within: time.Hour}
	writes := &WritesPerCustomer{Count: 6, Within: 10 * time.Minute}
	daily := &Sweep{Every: 24 * time.Hour, Repair: true}
	for _, tt := range []struct {
		name, statuses, sync, top string
		limits                    *Limits
		sweep                     *Sweep
		retention                 Retention
	}{
		{"nothing is said", threeStatuses, "", "", &Limits{MassChange: usual, WritesPerCustomer: writes}, daily, Retention{30 * 24 * time.Hour, 400 * 24 * time.Hour}},
		{"one limit is said, the other stays", threeStatuses, "    limits: {writes_per_customer: {count: 2, within: 1h}}", "retention: {history: 90d}",
			&Limits{MassChange: usual, WritesPerCustomer: &WritesPerCustomer{Count: 2, Within: time.Hour}}, daily, Retention{0, 90 * 24 * time.Hour}},
		{"one limit is off, the other stays", threeStatuses, "    limits: {mass_change: off}", "", &Limits{WritesPerCustomer: writes}, daily, Retention{30 * 24 * time.Hour, 400 * 24 * time.Hour}},
		{"all is off", threeStatuses, "    limits: off\n    sweep: off", "retention: off", nil, nil, Retention{}},
		{"the file marks what stops a service", "on: {from: [a], to: A}, gone: {from: [c], to: C, stops: true}, paused: {from: [p], to: P, stops: false}", "    sweep: {every: 6h}", "",
			&Limits{MassChange: &MassChange{To: []status.Status{"gone"}, Customers: 50, Percent: 5, Within: time.Hour}, WritesPerCustomer: writes}, &Sweep{Every: 6 * time.Hour, Repair: true},
			Retention{30 * 24 * time.Hour, 400 * 24 * time.Hour}},
		{"no status stops a service", "on: {from: [a], to: A}", "", "", &Limits{WritesPerCustomer: writes}, daily, Retention{30 * 24 * time.Hour, 400 * 24 * time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := guarded(t, tt.statuses, tt.sync, tt.top)
			s := c.Syncs["a"]
			ours := cmpopts.IgnoreUnexported(Limits{}, MassChange{}, WritesPerCustomer{}, Sweep{})
			if diff := cmp.Diff([]any{tt.limits, tt.sweep, tt.retention}, []any{s.Limits, s.Sweep, c.Retention}, ours); diff != "" {
				t.Error(diff)
			}
			if !s.Watches() {
				t.Error("a sync without a mode writes")
			}
		})
	}
}

func TestASideWithoutAListIsNotComparedUnasked(t *testing.T) {
	file := `connections:
  billing: {type: stripe, api_key: k}
  crm: {type: http, base_url: http://127.0.0.1:9002, auth: {bearer: t}}
syncs:
  a:
    source: {connection: billing}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses: {active: {from: [a], to: A}}
`
	c, err := Parse("trueup.yaml", []byte(file), t.TempDir(), fakeTypes, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if c.Syncs["a"].Sweep != nil {
		t.Error("a sweep was assumed that cannot run")
	}
	if !strings.Contains(notices(c), "note syncs.a.sweep:5 it is left out and cannot run: crm has no list") {
		t.Errorf("the missing comparison is not reported:\n%s", notices(c))
	}
}

func notices(c *Config) string {
	var out strings.Builder
	for _, n := range c.Notices() {
		kind := "note"
		if n.Warning {
			kind = "warning"
		}
		fmt.Fprintf(&out, "%s %s:%d %s\n", kind, n.Path, n.Line, n.Text)
	}
	return out.String()
}

func TestWhatIsLeftOutOrOffIsReported(t *testing.T) {
	for _, tt := range []struct {
		name, sync, top string
		want            []string
	}{
		{"left out", "", "", []string{
			"note retention:1 it is left out: payloads of events are deleted after 30d",
			"note syncs.a.mode:5 it is left out: a only watches and writes nothing; to write, add mode: live",
			"note syncs.a.sweep:5 it is left out: both sides are compared every 24h",
			"note syncs.a.limits.mass_change:5 it is left out: the sync halts when more than 50 customers or 5% of all (at least 5), whichever is fewer, change to churned or paused within 1h",
			"note syncs.a.limits.writes_per_customer:5 it is left out: a customer is written 6 times within 10m at most"}},
		{"turned off", "    mode: live\n    limits: off\n    sweep: off", "retention: off", []string{
			"note retention:13 nothing is ever deleted",
			"note syncs.a.sweep:12 nothing compares the two sides",
			"warning syncs.a.limits:11 nothing stops a mass change"}},
		{"all written", "    mode: live\n    limits: {mass_change: {to: [churned], customers: 3, within: 1h}, writes_per_customer: {count: 2, within: 1h}}\n    sweep: {every: 6h}", "retention: {payloads: 90d}", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Split(strings.TrimSuffix(notices(guarded(t, threeStatuses, tt.sync, tt.top)), "\n"), "\n")
			if len(tt.want) == 0 && got[0] == "" {
				return
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %d notices, want %d:\n%s", len(got), len(tt.want), strings.Join(got, "\n"))
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got  %s\nwant %s…", got[i], tt.want[i])
				}
			}
		})
	}
}

func TestAMassChangesLimitSaysHowManyCustomersMayChange(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit MassChange
		want  string
	}{
		{"a number", MassChange{Customers: 50}, "50 customers"},
		{"a share, of which a few are always allowed", MassChange{Percent: 5}, "5% of all (at least 5)"},
		{"a large share", MassChange{Percent: 20}, "20% of all (at least 5)"},
		{"a small share", MassChange{Percent: 2}, "2% of all (at least 2)"},
		{"a share of less than one in a hundred", MassChange{Percent: 0.07}, "0.07% of all (at least 1)"},
		{"both", MassChange{Customers: 50, Percent: 5}, "50 customers or 5% of all (at least 5), whichever is fewer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.limit.Limit(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
