package reason

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/plain"
	"github.com/trueup-sync/trueup/internal/status"
)

func TestWhatHasBecomeOfAnEventIsSaidInAFewPlainWords(t *testing.T) {
	for _, b := range status.Becames {
		for _, kind := range append([]status.Kind{""}, status.Kinds...) {
			for code := range stillOpen {
				if text := Became(b, kind, code); text == "" || len(text) > 50 || len(plain.Find(text)) > 0 {
					t.Errorf("%s, %s, %s: %q %v", b, kind, code, text, plain.Find(text))
				}
			}
		}
	}
	for text, is := range map[string]string{
		"still open: several matching records": Became(status.BecameOpen, status.AmbiguousMatch, OnlyWatched),
		"still open: the sync only watches":    Became(status.BecameOpen, "", OnlyWatched),
		"still open":                           Became(status.BecameOpen, "", ""),
		"since written":                        Became(status.BecameWritten, status.AmbiguousMatch, ""),
	} {
		if is != text {
			t.Errorf("%q, not %q", is, text)
		}
	}
}
