package pages

import (
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"
)

// Nothing is made before somebody looks, and each page can be made: none is found broken
// by the person who opens it first.
func TestAPagesTemplateIsMadeWhenItIsFirstShown(t *testing.T) {
	p := New(Options{})
	if len(p.looks.all) > 0 {
		t.Errorf("the templates of %d zones are there before the first visit", len(p.looks.all))
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil || len(files) < 20 {
		t.Fatalf("there are %d templates, %v", len(files), err)
	}
	for _, file := range files {
		page := strings.TrimSuffix(path.Base(file), ".html")
		made, err := p.looks.of(time.UTC, page)
		if err != nil {
			t.Error(err)
			continue
		}
		if again, err := p.looks.of(time.UTC, page); again != made || err != nil {
			t.Errorf("%s is made again for the second visit, %v", page, err)
		}
	}
	if _, err := p.looks.of(time.UTC, "nowhere"); err == nil {
		t.Error("a page without a template is made")
	}
}
