package httpconn

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

// dirtyPage is a page of five records of which two fit.
func dirtyPage() string {
	at := fmt.Sprint(testNow - 60)
	return `{"customers":[
{"id":"c1","status":"A","updated_at":` + at + `,"email":"  a@example.com\n","external_id":"x\ty"},
{"id":"c2","status":["canary"],"updated_at":` + at + `,"email":"b@example.com"},
{"id":"c3","status":"A","updated_at":` + at + `,"email":"` + strings.Repeat("canary", 200) + `"},
{"status":"A"},
{"id":"c5\tcanary","status":"A","updated_at":` + at + `}
],"next":""}`
}

func TestADirtyRecordIsSetAsideAndNamedAndThePageIsRead(t *testing.T) {
	c := connect(t, full(), jsonTool(dirtyPage()))
	var aside []string
	ctx := connector.WithAsides(t.Context(), func(a connector.Aside) { aside = append(aside, a.ID+": "+a.Problem) })
	records, _, err := c.SourceList.List(ctx, "")
	if err != nil || len(records) != 2 || records[0].ID != "c1" || records[1].ID != "c3" {
		t.Fatalf("listed %+v, %v", records, err)
	}
	if k := records[0].Keys; k["email"] != "a@example.com" || k["external_id"] != "" {
		t.Errorf("the keys of c1 are %q: one is trimmed, the other holds a tab and is none", k)
	}
	if k := records[1].Keys; len(k) != 0 {
		t.Errorf("the keys of c3 are %q: somebody's notes are none", k)
	}
	want := []string{"c2: record.status: the value is neither text, nor a number, nor true or false", ": record.id: the id is missing", ": record.id: the value contains a control character"}
	if got := strings.Join(aside, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("set aside are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	aside = nil
	if targets, _, err := c.TargetList.List(ctx, ""); err != nil || len(targets) != 2 || len(aside) != 3 {
		t.Errorf("as a target it lists %+v, sets %d aside, %v", targets, len(aside), err)
	}
	events, _, err := walk(t, c.Changes, stamp(now))
	if err != nil || idsOf(events) != "! ! ! c1 c3" || !strings.Contains(events[0].Err.Error()+events[1].Err.Error()+events[2].Err.Error(), "(record c2)") {
		t.Errorf("a poll finds %s, %v", idsOf(events), err)
	}
	for _, e := range events {
		if e.Err != nil && strings.Contains(e.Err.Error(), "canary") {
			t.Errorf("the error quotes the record: %v", e.Err)
		}
	}
	said, err := c.Probe.Probe(t.Context())
	if err != nil || !strings.Contains(strings.Join(said, "; "), "has 2 readable records; 3 more cannot be read and would be set aside; the first: record.status: the value is neither text, nor a number, nor true or false (record c2)") {
		t.Errorf("check --live says %q, %v", said, err)
	}
}

func TestAListOfWhichNothingCanBeReadIsTheConfigurationsFault(t *testing.T) {
	one := `{"id":"c1","status":{"canary":1}}`
	for name, test := range map[string]struct {
		body  string
		fails bool
	}{
		"the only page":             {`{"customers":[` + one + `]}`, true},
		"ten records of a long one": {`{"customers":[` + strings.Repeat(one+",", 9) + one + `],"next":"x"}`, true},
		"one record of a long one":  {`{"customers":[` + one + `],"next":"x"}`, false},
	} {
		c := connect(t, full(), jsonTool(test.body))
		_, _, err := c.TargetList.List(t.Context(), "")
		_, _, _, polled := c.Changes.Since(t.Context(), stamp(now))
		if (err != nil) != test.fails || (polled != nil) != test.fails {
			t.Errorf("%s: listed with %v, polled with %v", name, err, polled)
		}
	}
}

// Custom fields are named by people, and Plan is another one than plan.
func TestFieldsThatDifferOnlyInCaseMatterWhereAnExpressionReadsThem(t *testing.T) {
	at := fmt.Sprint(testNow - 60)
	c := connect(t, full(), jsonTool(`{"customers":[
{"id":"c1","status":"A","updated_at":`+at+`,"custom":{"Plan":"x","plan":"y"}},
{"id":"c2","status":"A","Status":"canary","updated_at":`+at+`},
{"id":"c3","status":"A","updated_at":`+at+`,"custom":{"STATUS":1,"x":{"Status":1,"status":2}}}]}`))
	var aside []string
	records, _, err := c.SourceList.List(connector.WithAsides(t.Context(), func(a connector.Aside) { aside = append(aside, a.ID+": "+a.Problem) }), "")
	if err != nil || len(records) != 2 || records[0].ID != "c1" || records[1].ID != "c3" {
		t.Errorf("listed %+v, %v", records, err)
	}
	if len(aside) != 1 || aside[0] != "c2: record.status: the field is there twice, under names that differ only in letter case" {
		t.Errorf("set aside are %q", aside)
	}
	read := func(body string) error {
		_, err := connect(t, full(), jsonTool(body)).Source.Read(t.Context(), "c1")
		return err
	}
	if err := read(`{"id":"c1","status":"A","Plan":1,"plan":2}`); err != nil {
		t.Errorf("fields that nothing reads: %v", err)
	}
	for _, body := range []string{`{"id":"c1","status":"A","STATUS":"canary"}`, `{"id":"c1","Status":"canary","statuS":"B","status":"A"}`, `{"id":"c1","status":"A","plan":1,"plan":2}`} {
		wantKind(t, read(body), connector.Misconfigured, connector.EffectNone)
	}
	_, err = connect(t, full(), http.HandlerFunc(jsonTool(`{"customers":[],"next":"x","Next":"canary"}`))).Probe.Probe(t.Context())
	wantKind(t, err, connector.Misconfigured, connector.EffectNone)
}
