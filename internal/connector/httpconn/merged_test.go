package httpconn

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/connector"
)

// survivorOf reads a record on both sides, which must be told the same.
func survivorOf(t *testing.T, c connector.Connection, id string) (survivor string, kind connector.FailureKind) {
	t.Helper()
	_, err := c.Target.Read(t.Context(), id)
	_, sourceErr := c.Source.Read(t.Context(), id)
	if err == nil || sourceErr == nil {
		if (err == nil) != (sourceErr == nil) {
			t.Fatalf("the target is told %v, the source %v", err, sourceErr)
		}
		return "", ""
	}
	f, other := connector.FailureOf(err), connector.FailureOf(sourceErr)
	if f.Kind != other.Kind || f.Survivor != other.Survivor {
		t.Fatalf("the target is told %+v, the source %+v", f, other)
	}
	return f.Survivor, f.Kind
}

func TestARecordThatWasMergedNamesItsSurvivor(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", map[string]any{"merged_into": "c2"})
	tool.add("c2", map[string]any{"merged_into": nil})
	tool.add("c3", map[string]any{"merged_into": ""})
	tool.add("c4", map[string]any{"merged_into": "c4"})
	tool.add("c5", map[string]any{"merged_into": []string{"c2"}})
	s := full()
	s.Record.MergedInto = "record.?merged_into"
	c := connect(t, s, tool)
	for id, want := range map[string]struct {
		survivor string
		kind     connector.FailureKind
	}{"c1": {"c2", connector.Gone}, "c2": {}, "c3": {}, "c4": {}, "c5": {"", connector.Misconfigured}} {
		if survivor, kind := survivorOf(t, c, id); survivor != want.survivor || kind != want.kind {
			t.Errorf("%s: told %q, %s", id, survivor, kind)
		}
	}
}

// A tool that answers for a merged record with its survivor says so by the id.
func TestTheAnswerOfTheSurvivorIsToldWhereTheConfigurationSaysSo(t *testing.T) {
	tool := jsonTool(`{"id":"c2","status":"A"}`)
	s := full()
	if survivor, kind := survivorOf(t, connect(t, s, tool), "c1"); survivor != "" || kind != connector.Misconfigured {
		t.Errorf("without merged_into: told %q, %s", survivor, kind)
	}
	s.Record.MergedInto = "record.id"
	if survivor, kind := survivorOf(t, connect(t, s, tool), "c1"); survivor != "c2" || kind != connector.Gone {
		t.Errorf("told %q, %s", survivor, kind)
	}
}

func TestMergedRecordsAreNotFoundAndNotListed(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", map[string]any{"merged_into": "c2"})
	tool.add("c2", map[string]any{"merged_into": nil})
	s := full()
	s.Record.MergedInto = "record.merged_into"
	c := connect(t, s, tool)
	found, err := c.Target.Find(t.Context(), "email", anna)
	if err != nil || len(found) != 1 || found[0].ID != "c2" {
		t.Errorf("found %+v, %v", found, err)
	}
	listed, _, err := c.TargetList.List(t.Context(), "")
	if err != nil || len(listed) != 1 || listed[0].ID != "c2" {
		t.Errorf("the target lists %+v, %v", listed, err)
	}
	customers, _, err := c.SourceList.List(t.Context(), "")
	if err != nil || len(customers) != 1 || customers[0].ID != "c2" {
		t.Errorf("the source lists %+v, %v", customers, err)
	}
}

func TestARedirectToTheSameResourceNamesTheSurvivorAndIsNotFollowed(t *testing.T) {
	for name, tt := range map[string]struct {
		status   int
		location string
		survivor string
	}{
		"moved for good":          {301, "/api/customers/c2", "c2"},
		"moved for good, 308":     {308, "/api/customers/c2", "c2"},
		"by a whole address":      {301, "http://HOST/api/customers/c2", "c2"},
		"an id with an escape":    {301, "/api/customers/a%2Fb%20c", "a/b c"},
		"found elsewhere for now": {302, "/api/customers/c2", ""},
		"see other":               {303, "/api/customers/c2", ""},
		"for now, 307":            {307, "/api/customers/c2", ""},
		"another resource":        {301, "/contacts/c2", ""},
		"outside of base_url":     {301, "/customers/c2", ""},
		"a login form":            {301, "/login", ""},
		"below a record":          {301, "/api/customers/c2/profile", ""},
		"a slash at the end":      {301, "/api/customers/c1/", ""},
		"another host":            {301, "http://elsewhere.example.com/api/customers/c2", ""},
		"another scheme":          {301, "https://HOST/api/customers/c2", ""},
		"a query of its own":      {301, "/api/customers/c2?login=1", ""},
		"no id":                   {301, "/api/customers/", ""},
		"a dot segment":           {301, "/api/customers/%2E%2E", ""},
		"itself":                  {301, "/api/customers/c1", ""},
		"nowhere":                 {301, "", ""},
		"what is no address":      {301, "http://[", ""},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := connect(t, full(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				if tt.location != "" {
					w.Header().Set("Location", strings.ReplaceAll(tt.location, "HOST", r.Host))
				}
				w.WriteHeader(tt.status)
			}))
			want := connector.Misconfigured
			if tt.survivor != "" {
				want = connector.Gone
			}
			if survivor, kind := survivorOf(t, c, "c1"); survivor != tt.survivor || kind != want {
				t.Errorf("told %q, %s", survivor, kind)
			}
			if calls != 2 {
				t.Errorf("%d calls were made for two reads: a redirect was followed", calls)
			}
		})
	}
}

func TestARedirectOfAWriteNamesNobody(t *testing.T) {
	tool := newCRM(t)
	tool.add("c1", nil)
	tool.answerWrite = func(w http.ResponseWriter) {
		w.Header().Set("Location", "/customers/c2")
		w.WriteHeader(301)
	}
	target := connect(t, full(), tool).Target
	record, err := target.Read(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = target.Write(t.Context(), record, "Paused")
	if f := connector.FailureOf(err); f.Kind != connector.Misconfigured || f.Effect != connector.EffectUnknown || f.Survivor != "" {
		t.Errorf("told %+v", f)
	}
}
