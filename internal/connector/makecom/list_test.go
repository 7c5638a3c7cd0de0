package makecom

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
)

// page is a page of a scenario that lists three records on two pages.
func page(a asked) map[string]any {
	one := func(id, value string) map[string]any {
		return map[string]any{"id_base64": base64.StdEncoding.EncodeToString([]byte(id)), "value": value, "changed_at": "2026-03-01T11:00:00Z",
			"keys": map[string]any{"email": id + "@example.com"}}
	}
	if a.text("cursor") == "" {
		return map[string]any{"count": 2, "records": []any{one("rec_1", "Active"), one("rec_2", "")}, "next": "page 2/ä"}
	}
	if a.text("cursor") != "page 2/ä" || a.text("cursor_url") != "page%202%2F%C3%A4" || a["limit"] != float64(listSize) {
		return map[string]any{"ok": false, "error": "refused"}
	}
	return map[string]any{"count": 1, "records": []any{one("rec_3", "Paused")}, "next": ""}
}

// all goes through a list and returns what was set aside.
func all(t *testing.T, c connector.Connection) (found []status.TargetRecord, aside []connector.Aside, err error) {
	ctx := connector.WithAsides(t.Context(), func(a connector.Aside) { aside = append(aside, a) })
	for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
		some, next, err := c.TargetList.List(ctx, cursor)
		if err != nil {
			return found, aside, err
		}
		found, cursor = append(found, some...), next
	}
	return found, aside, nil
}

func TestAScenarioListsItsRecordsPageByPage(t *testing.T) {
	conn := opened(t, good(t))
	found, aside, err := all(t, conn)
	if err != nil || len(aside) > 0 {
		t.Fatalf("%v, set aside %v", err, aside)
	}
	var got []string
	for _, r := range found {
		got = append(got, fmt.Sprintf("%s %q %s %t", r.ID, r.Value, r.Keys["email"], r.EditedAt.IsZero()))
	}
	want := []string{`rec_1 "Active" rec_1@example.com false`, `rec_2 "" rec_2@example.com false`, `rec_3 "Paused" rec_3@example.com false`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sources, next, err := conn.SourceList.List(t.Context(), "")
	if err != nil || next == "" || len(sources) != 2 || sources[0].Value != "Active" || !sources[1].NoStatus {
		t.Errorf("as a source: %+v, %q, %v", sources, next, err)
	}
}

func TestAScenarioThatCannotListIsNotAskedTo(t *testing.T) {
	s := testSettings()
	s.Knows = []string{KnowsChangedAt}
	conn, err := Open("tool", config.Connection{}, s, connector.Deps{HTTP: http.DefaultClient})
	if err != nil || conn.TargetList != nil || conn.SourceList != nil || s.CanList(true) {
		t.Errorf("%v: it lists", err)
	}
	if s.Knows = append(s.Knows, KnowsList); !s.CanList(true) || !s.CanList(false) {
		t.Error("it does not say that it can list")
	}
}

func TestAListThatIsNotWholeIsNoList(t *testing.T) {
	fine := map[string]any{"id": "rec_1", "value": "Active"}
	for name, c := range map[string]struct {
		answer map[string]any
		says   string
	}{
		"fewer records than were counted": {map[string]any{"count": 2, "records": []any{fine}}, "count is not the number"},
		"no count":                        {map[string]any{"records": []any{fine}}, "count is not the number"},
		"no records":                      {map[string]any{"count": 0}, "records is missing"},
		"records as text":                 {map[string]any{"count": 0, "records": "[]"}, "records is missing"},
		"a cursor that is no text":        {map[string]any{"count": 1, "records": []any{fine}, "next": 2}, "next is not a text"},
		"nothing that can be read":        {map[string]any{"count": 1, "records": []any{map[string]any{"value": "Active"}}}, "id is missing"},
		"no status in any of them":        {map[string]any{"count": 1, "records": []any{map[string]any{"id": "rec_1"}}}, "value is missing"},
		"a page that has no end":          {map[string]any{"count": mostListed + 1, "records": make([]any, mostListed+1)}, "more than"},
		"no such list":                    {map[string]any{"ok": false, "error": "tool_error", "tool_status": 404}, "no such list"},
		"an older scenario":               {map[string]any{"ok": false, "error": "unsupported"}, "no route for this operation"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := opened(t, scenarioOf(t, func(asked) map[string]any { return c.answer }))
			_, _, err := all(t, conn)
			if f := connector.FailureOf(err); err == nil || f.Kind != connector.Misconfigured || !strings.Contains(f.Detail, c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestARecordThatCannotBeReadIsSetAside(t *testing.T) {
	conn := opened(t, scenarioOf(t, func(asked) map[string]any {
		return map[string]any{"count": 3, "records": []any{map[string]any{"id": "rec_1", "value": "Active"}, map[string]any{"id": "rec_2", "value": 7}, "rec_3"}}
	}))
	found, aside, err := all(t, conn)
	if err != nil || len(found) != 1 || len(aside) != 2 || aside[0].ID != "rec_2" || strings.Contains(aside[0].Problem, "7") {
		t.Errorf("found %v, set aside %+v, %v", found, aside, err)
	}
}

func TestAListThatTurnsInACircleEnds(t *testing.T) {
	conn := opened(t, scenarioOf(t, func(asked) map[string]any {
		return map[string]any{"count": 0, "records": []any{}, "next": "the same"}
	}))
	if _, _, err := conn.TargetList.List(context.Background(), "the same"); err == nil {
		t.Error("it goes on")
	}
}
