package store

import (
	"path/filepath"
	"strings"
	"testing"
)

// Each start asks which words were ignored: of a million customers, half a second
// if all of them are read.
func TestTheIgnoredWordsAreReadFromAnIndex(t *testing.T) {
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var plan []string
	err = db.view(t.Context(), func(s scanner) error {
		var id, parent, unused int
		var step string
		err := s.Scan(&id, &parent, &unused, &step)
		plan = append(plan, step)
		return err
	}, "explain query plan "+ignoredWords, "s")
	if err != nil || !strings.Contains(strings.Join(plan, "\n"), "INDEX customers_out_of_line (sync=? AND outcome=?)") {
		t.Errorf("%v, %v", plan, err)
	}
}
