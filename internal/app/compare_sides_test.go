package app_test

import (
	"os"
	"testing"

	"trueup/internal/app"
	"trueup/internal/config"
	"trueup/internal/status"
)

func TestAConflictIsComparedWithTheLinkedRecord(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	conflict(l)
	l.quiet()
	cfg, err := config.Load(l.configFile(), app.Types(), os.LookupEnv)
	l.must(err)
	source, sides, err := app.Compare(t.Context(), cfg, l.db, l.exceptions(status.Conflict)[0])
	l.must(err)
	if source.ID != "cus_1" || len(sides) != 1 || sides[0].ID != "rec_1" || !sides[0].Linked || sides[0].Value != "Churned" || sides[0].Keys["email"] != mail(1) {
		t.Errorf("%+v is compared with %+v", source, sides)
	}
}
