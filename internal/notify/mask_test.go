package notify

import "testing"

func TestMaskLeavesTheFirstLetterAndTheHost(t *testing.T) {
	for text, want := range map[string]string{
		"ann@example.com":                         "a***@example.com",
		"no record has ann.b+c@mail.example.com.": "no record has a***@mail.example.com.",
		"<ann@example.com>, (ben@example.com)":    "<a***@example.com>, (b***@example.com)",
		"GET /find?email=ann%40example.com&x=1":   "GET /find?email=a***@example.com&x=1",
		"é.ö@exämple.com":                         "é***@exämple.com",
		"a@b":                                     "a***@b",
		"cus_1, @here, 5 @ 3":                     "cus_1, @here, 5 @ 3",
		"ann@x.com;ben@y.com":                     "a***@x.com;b***@y.com",
		"":                                        "",
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
