package store

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What trueup status reads must not grow with what has happened: of the big
// tables it reads an index, never the rows.
func TestHowEverythingStandsIsReadFromIndexes(t *testing.T) {
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := t.Context()
	for what, read := range map[string]func() error{
		"standing": func() error { _, err := db.SyncStanding(ctx, "s", Rules{}); return err },
		"counts":   func() error { _, err := db.Counts(ctx); return err },
		"modes":    func() error { _, err := db.Modes(ctx); return err },
		"heard":    func() error { _, _, err := db.Heard(ctx, "s"); return err },
		"silence":  func() error { _, err := db.Silence(ctx, "s"); return err },
		"overdue":  func() error { _, err := db.Overdue(ctx, "s", time.Hour); return err },
		"sweeps":   func() error { _, err := db.Sweeps(ctx, "s", 30); return err },
		"watching": func() error { _, err := db.Watching(ctx, "s", time.Time{}); return err },
		"states":   func() error { _, err := db.ConnectionStates(ctx); return err },
		"due":      func() error { _, err := db.DueFor(ctx, "s", time.Hour); return err },
		"late":     func() error { _, _, err := db.OverdueSince(ctx, "s", time.Hour); return err },
		"failing":  func() error { _, err := db.Failing(ctx, "s"); return err },
		"halted":   func() error { _, err := db.HaltedSince(ctx); return err },
		"nodes":    func() error { _, err := db.Nodes(ctx); return err },
		"usual":    func() error { _, err := db.Usual(ctx, "s", time.Time{}); return err },
		"hours":    func() error { _, err := db.EventsByHour(ctx, "s", 24); return err },
		"asked":    func() error { _, err := db.HeldAsked(ctx, "s"); return err },
		"curve":    func() error { _, err := db.Curve(ctx, "s", time.Time{}, time.Hour); return err },
		"next":     func() error { _, _, err := db.NextSweep(ctx, "s", time.Hour); return err },
		"groups":   func() error { _, err := db.Groups(ctx, "s"); return err },
	} {
		if err := read(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The one that finds the middle runs only where somebody did the same.
	texts := []string{medianOfWatched}
	for text := range db.readStatements.by {
		texts = append(texts, text)
	}
	if len(texts) < 12 {
		t.Errorf("only %d statements were seen", len(texts))
	}
	scan := regexp.MustCompile(`^SCAN (events|decisions|exceptions|sweeps|actions)\b`)
	// How the customers stand is read from their rows: an index that holds it would
	// be written with every attempt.
	const fromRows = "group by outcome"
	every := regexp.MustCompile(`^(SCAN|SEARCH) (customers|watched)\b`) // all that a sync has of them
	for _, text := range texts {
		var args []any
		for range strings.Count(text, "$") {
			args = append(args, nil)
		}
		err := db.view(ctx, func(s scanner) error {
			var id, parent, unused int
			var step string
			err := s.Scan(&id, &parent, &unused, &step)
			if scan.MatchString(step) && !strings.Contains(step, "INDEX") || every.MatchString(step) && !strings.Contains(step, "COVERING INDEX") && !strings.Contains(text, fromRows) {
				t.Errorf("it reads all of a table (%s):\n%s", step, text)
			}
			return err
		}, "explain query plan "+text, args...)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Of a sync with a million links one is set: the others are not read.
func TestALinkIsSetWithoutReadingTheOthers(t *testing.T) {
	db, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "trueup.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.SetLink(t.Context(), Link{Sync: "s", Customer: "cus_1", TargetID: "rec_1", Confidence: 1, By: "ana"}); err != nil {
		t.Fatal(err)
	}
	one := regexp.MustCompile(`^SEARCH links USING .*\(sync=\? AND (customer|target_id)=\?\)`)
	seen := 0
	for _, text := range db.statements.wanted {
		if !strings.Contains(text, "from links where") {
			continue
		}
		args := make([]any, strings.Count(text, "$"))
		if err := db.view(t.Context(), func(s scanner) error {
			var id, parent, unused int
			var step string
			err := s.Scan(&id, &parent, &unused, &step)
			seen++
			if !one.MatchString(step) {
				t.Errorf("it reads more than one (%s):\n%s", step, text)
			}
			return err
		}, "explain query plan "+text, args...); err != nil {
			t.Fatal(err)
		}
	}
	if seen < 2 {
		t.Errorf("%d statements that read links were seen", seen)
	}
}
