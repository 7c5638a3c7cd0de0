package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/docs"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
)

func TestTheGapsOfAnExampleAreMarkedBelowItsMap(t *testing.T) {
	billing, crm := resttest.New(t), resttest.New(t)
	for i, value := range []string{"active", "grace", "grace", "old"} {
		id := string(rune('a' + i))
		billing.Set(resttest.Record{ID: id, Status: value})
		crm.Set(resttest.Record{ID: id, Status: "Active"})
	}
	connection := func(url string) string {
		return "{type: http, base_url: " + url + ", auth: {bearer: " + resttest.Token + "}, " +
			"record: {id: record.id, status: record.status, updated_at: record.updated_at, keys: {email: record.email}}, read: {get: '/records/{id}', record: body}, " +
			"find: {get: '/records?{key}={value}', records: body.records}, write: {put: '/records/{id}', body: {status: '{value}'}, if_match: record.etag}, " +
			"list: {get: '/records?all=yes&after={cursor}', records: body.records, next: body.next}}"
	}
	text := "connections:\n  billing: " + connection(billing.URL) + "\n  crm: " + connection(crm.URL) + `
syncs:
  s:
    source: {connection: billing, poll: 5m}
    target: {connection: crm}
    match: [{source: email, target: email}]
    statuses:   # the map
      active: {from: [active], to: Active}
    ignore: [old]
`
	cfg, err := parseConfig("trueup.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cmd := newRoot()
	cmd.SetErr(&strings.Builder{})
	marked, gaps := markGaps(t.Context(), newTalk(cmd), cfg, text)
	if len(gaps) != 1 || gaps[0] != (initGap{Value: "grace", Customers: 2}) {
		t.Errorf("the gaps are %+v", gaps)
	}
	want := strings.Replace(text, "# the map\n", "# the map\n      # no meaning yet: \"grace\" (2 customers)\n", 1)
	if marked != want {
		t.Errorf("the file is\n%s", marked)
	}
	if len(crm.Effects())+len(billing.Effects()) > 0 {
		t.Error("a tool was written to")
	}
}

func TestEachExampleIsAdaptedAndOnlyWatches(t *testing.T) {
	o := initOptions{publicURL: "https://trueup.acme.example", listen: "0.0.0.0:9000", database: "/var/lib/trueup/trueup.db"}
	o.direction.Sync, o.direction.Owner = "plan-status", "ana@acme.example"
	for name, text := range docs.Examples {
		got := o.adapt(text)
		for _, want := range []string{"mode: watch", "\n  plan-status:", "ana@acme.example", "https://trueup.acme.example", "0.0.0.0:9000", "\ndatabase: " + config.Scalar(o.database) + "\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %s", name, want)
			}
		}
		if strings.Contains(got, "mode: live") || strings.Contains(got, "sync.example.com") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestASecretIsWhatIsLeftOfTheKeys(t *testing.T) {
	for _, c := range []struct {
		name, keys, want string
		interrupted      bool
	}{
		{"up to Enter", "whsec_1\rnext", "whsec_1", false},
		{"up to a line that was pasted", "whsec_1\nnext", "whsec_1", false},
		{"up to Ctrl-D", "whsec_1\x04", "whsec_1", false},
		{"up to the end of the input", "whsec_1", "whsec_1", false},
		{"without what Backspace took back", "\x7fwhsec_22\x7f\b1\r", "whsec_1", false},
		{"without a letter of several bytes that Backspace took back", "whsec_é\x7f1\r", "whsec_1", false},
		{"without what Ctrl-U took back", "other\x15whsec_1\r", "whsec_1", false},
		{"none of it after Ctrl-C", "whsec_1\x03", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := unshown(strings.NewReader(c.keys))
			if got != c.want || errors.Is(err, errInterrupted) != c.interrupted {
				t.Errorf("it is %q, %v", got, err)
			}
		})
	}
}
