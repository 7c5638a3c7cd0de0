package httpconn

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/status"
)

func ownTimes() *Settings {
	s := full()
	s.Record.StatusAt, s.Record.StatusBy = "record.status_at", "record.status_by"
	s.Humans = "!record.status_by.startsWith('api:')"
	return s
}

func TestTheStatusHasATimeAndAnEditorOfItsOwn(t *testing.T) {
	own := now.Add(-3 * time.Hour)
	cases := []struct {
		name   string
		fields map[string]any
		want   status.TargetRecord
	}{
		{"an automation touched another field after a person",
			map[string]any{"status_at": own.Format(time.RFC3339), "status_by": "user:7", "updated_by": "api:other"},
			status.TargetRecord{EditedAt: own, FieldTime: true, Actor: status.ActorHuman, By: "user:7"}},
		{"a person touched another field after an automation",
			map[string]any{"status_at": own.Unix(), "status_by": "api:other"},
			status.TargetRecord{EditedAt: own, FieldTime: true, Actor: status.ActorAutomation, By: "api:other"}},
		{"nobody is named as the status's editor",
			map[string]any{"status_at": own.Unix(), "updated_by": "api:other"},
			status.TargetRecord{EditedAt: own, FieldTime: true}},
		{"a status that was never set has the record's time",
			map[string]any{"updated_by": "api:other"},
			status.TargetRecord{EditedAt: now.Add(-time.Hour), By: "api:other"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tool := newCRM(t)
			tool.add("c1", c.fields)
			got, err := connect(t, ownTimes(), tool).Target.Read(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			c.want.ID, c.want.Value, c.want.Revision, c.want.Keys = "c1", "Active", `"1"`, map[string]string{"email": anna}
			if d := cmp.Diff(c.want, got, cmpopts.EquateApproxTime(0)); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("a person who names nobody is not read out of another field", func(t *testing.T) {
		s := ownTimes()
		s.Humans = "false" // whatever is said, it is said of an editor
		tool := newCRM(t)
		tool.add("c1", map[string]any{"status_at": own.Unix()})
		if got, err := connect(t, s, tool).Target.Read(t.Context(), "c1"); err != nil || got.Actor != status.ActorUnknown {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("a source tells it as the time of the value", func(t *testing.T) {
		tool := newCRM(t)
		tool.add("c1", map[string]any{"status_at": own.Format(time.RFC3339)})
		got, err := connect(t, ownTimes(), tool).Source.Read(t.Context(), "c1")
		if err != nil || !got.ValueAt.Equal(own) || !got.UpdatedAt.Equal(now.Add(-time.Hour)) {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("candidates of a search are shown with it", func(t *testing.T) {
		tool := newCRM(t)
		tool.add("c1", map[string]any{"status_at": own.Unix(), "status_by": "user:7"})
		tool.add("c2", map[string]any{"status_at": own.Unix(), "status_by": "user:7"})
		found, err := connect(t, ownTimes(), tool).Target.Find(t.Context(), "email", anna)
		if err != nil || len(found) != 2 || !found[1].FieldTime || found[1].By != "user:7" || found[1].Keys["email"] != anna {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
