package notify

import (
	"regexp"
	"testing"
)

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
		`{"email":"ann@x.com","to":"@here"}`:      `{"email":"a***@x.com","to":"@here"}`,
		"":                                        "",
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestMaskLeavesNoMoreOfANameThan(t *testing.T) {
	for _, one := range []struct{ name, text, want string }{
		{"its first letter, before an apostrophe", "patrick.o'brien@example.com", "p***@example.com"},
		{"its first letter, between apostrophes", "'patrick.o'brien@example.com' is there twice", "'p***@example.com' is there twice"},
		{"nothing, before an ampersand", "tom.miller&co@example.com", "***@example.com"},
		{"nothing, before every sign that a name may have", "ann!#$%&'*+/=?^_`{|}~-b@example.com", "***@example.com"},
		{"nothing, of another address in it", "bounce-ann=x.com@list@example.com", "***@example.com"},
		{"its first letter, before an escaped plus", "/find?email=john.smith%2Bvip%40example.com", "/find?email=j***@example.com"},
		{"nothing, after another parameter", "/find?limit=2&email=tom&co%40example.com&x=1", "/find?limit=2&email=***@example.com&x=1"},
		{"nothing, of two parameters", "?to=ann%40x.com&cc=ben%40y.com", "?to=***@y.com"},
		{"its first letter, in a path", "GET https://api.example.com/contacts/ann.b%40example.com/tags: 404", "GET https://api.example.com/contacts/a***@example.com/tags: 404"},
		{"its first letter, before an at that is escaped twice", "?email=ann.b%2540example.com", "?email=a***@example.com"},
		{"its first letter, before an at of full width", "ann.b＠example.com", "a***@example.com"},
		{"its first letter, before a small at", "ann.b﹫example.com", "a***@example.com"},
		{"nothing, after a name of a value", "email=ann@x.com", "***@x.com"},
		{"its first letter, behind a port", "GET https://api.example.com:8443/contacts/search?email=ann@x.com: 404", "GET https://api.example.com:8443/contacts/search?email=a***@x.com: 404"},
		{"nothing, of several without a question mark", "to=ann@x.com&cc=ben@y.com", "***@y.com"},
		{"nothing, in quotes", `no record has "john smith"@example.com`, "no record has ***@example.com"},
		{"nothing, in quotes inside quotes", `"no record has \"john \\ smith\"@example.com"`, `"no record has ***@example.com"`},
		{"its first letter, before a part in quotes", `john."q smith"@example.com`, "j***@example.com"},
		{"nothing, in escaped quotes", "/find?email=%22john%20smith%22%40example.com", "/find?email=***@example.com"},
		{"its first letter, in a URL with a password", "https://ann:secret@example.com", "https://ann:s***@example.com"},
	} {
		t.Run(one.name, func(t *testing.T) {
			if got := Mask(one.text); got != one.want {
				t.Errorf("%q became %q, want %q", one.text, got, one.want)
			}
		})
	}
}

// FuzzMask: whatever the text, no letter of a name stands before an at, and what is
// masked stays as it is, since a message is masked where it is made and where it is sent.
func FuzzMask(f *testing.F) {
	for _, text := range []string{"ann@example.com", "/find?email=tom&co%2540example.com&x=1", `"john smith"@example.com`, "o'b＠a@b", "@a/b@c%40", `\"a\".b@c`} {
		f.Add(text)
	}
	named := regexp.MustCompile(`[\pL\pN](?:@|＠|﹫|%(?:25)*40)[\pL\pN]`)
	f.Fuzz(func(t *testing.T, text string) {
		got := Mask(text)
		if found := named.FindString(got); found != "" {
			t.Errorf("%q became %q, which has %q", text, got, found)
		}
		if again := Mask(got); again != got {
			t.Errorf("%q became %q, and that %q", text, got, again)
		}
	})
}
