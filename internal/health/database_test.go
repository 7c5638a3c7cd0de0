package health

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestLittleFreeDiskIsAWarning(t *testing.T) {
	tests := map[string]struct {
		free   uint64
		err    error
		result Result
		says   string
	}{
		"enough":              {LowDisk, nil, Pass, "1.0 GiB free in data"},
		"less than the bound": {LowDisk - 1, nil, Warning, "1023 MiB free in data, less than 1.0 GiB"},
		"no such folder":      {0, fs.ErrNotExist, Fault, "does not exist"},
		"another error":       {0, errors.New("input/output error"), Warning, "input/output error"},
		"not known here":      {0, errUnknown, Unknown, "cannot tell"},
	}
	for name, tt := range tests {
		got := diskOf("data", func(string) (uint64, error) { return tt.free, tt.err })
		if got.Result != tt.result || !strings.Contains(got.Sentence(), tt.says) {
			t.Errorf("%s: %s: %s", name, got.Result, got.Sentence())
		}
	}
	if got := DiskOf(filepath.Join(t.TempDir(), "trueup.db")); got.Result == Fault || strings.Contains(got.Text, "cannot") {
		t.Errorf("this disk: %s: %s", got.Result, got.Text)
	}
	if got := DiskOf(filepath.Join(t.TempDir(), "none", "trueup.db")); got.Result != Fault {
		t.Errorf("a folder that is not there: %s: %s", got.Result, got.Text)
	}
}
