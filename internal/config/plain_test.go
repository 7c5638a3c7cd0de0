package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
)

// TestFaultsAndSchemaArePlain reads what is said of every faulty file, and the
// description of every key.
func TestFaultsAndSchemaArePlain(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.want")
	if err != nil || len(files) == 0 {
		t.Fatalf("no faults to read: %v", err)
	}
	for _, file := range append(files, "../../docs/trueup.schema.json") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range plain.Find(string(text)) {
			t.Errorf("%s: %s", file, found)
		}
	}
}
