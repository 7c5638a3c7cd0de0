package status

import (
	"strings"
	"testing"
)

func TestNameIsOneShortLine(t *testing.T) {
	for what, c := range map[string]struct{ key, want string }{
		"a name stays as it is":                  {"Ana Lima", "Ana Lima"},
		"no name is none":                        {"", ""},
		"letters of any script stay":             {"Żółć 田中 عمر", "Żółć 田中 عمر"},
		"lines and tabs become spaces":           {" Ana\r\n\tLima ", "Ana Lima"},
		"what a terminal obeys is removed":       {"Ana\x1b[2J\u009b\x00 Lima", "Ana[2J Lima"},
		"what turns the text around is removed":  {"Ana\u202e Lima\u2066", "Ana Lima"},
		"bytes that are no text are removed":     {"Ana\xff Lima", "Ana Lima"},
		"a long one is cut between characters":   {strings.Repeat("é", 300), strings.Repeat("é", 100)},
		"a cut one does not end in a space":      {strings.Repeat("e", 99) + " Lima", strings.Repeat("e", 99)},
		"nothing but what is removed is no name": {"\x00 \u200f", ""},
	} {
		if got := (SourceRecord{Keys: map[string]string{"name": c.key}}).Name(); got != c.want {
			t.Errorf("%s: %q became %q, not %q", what, c.key, got, c.want)
		}
	}
}

func TestACustomerIsCalledByIDAndName(t *testing.T) {
	if got := Called("cus_1", "Ana Lima"); got != "cus_1 (Ana Lima)" {
		t.Errorf("with a name: %q", got)
	}
	if got := Called("cus_1", ""); got != "cus_1" {
		t.Errorf("without one: %q", got)
	}
}
