package people

import (
	"strings"
	"testing"
)

func TestAPasswordIsStoredAsAnArgon2idHash(t *testing.T) {
	const password = "correct horse battery staple"
	one, err := hashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	two, err := hashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hashes are %s and %s", one, two)
	}
	for tried, want := range map[string]bool{password: true, password + " ": false, "Correct horse battery staple": false, "": false} {
		if got, err := matches(t.Context(), one, tried); err != nil || got != want {
			t.Errorf("%q: %t, %v", tried, got, err)
		}
	}
	// Of the reference implementation: other parameters are read from the hash.
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if got, err := matches(t.Context(), reference, "password"); err != nil || !got {
		t.Errorf("the reference: %t, %v", got, err)
	}
	for _, broken := range []string{"", "x", "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$"} {
		if got, err := matches(t.Context(), broken, "password"); err == nil || got {
			t.Errorf("%q: %t", broken, got)
		}
	}
	if got, err := matches(t.Context(), nobodys, ""); err != nil || got {
		t.Errorf("nobody's: %t, %v", got, err)
	}
}

func TestWhichPasswordsCanBeChosen(t *testing.T) {
	var longest []rune
	for c := range rune(250) {
		longest = append(longest, 0x1F300+c*7%250) // four bytes each
	}
	for password, want := range map[string]error{
		"elevenchars":                  ErrShort,
		"äöüäöüäöüäö":                  ErrShort, // characters, not bytes
		strings.Repeat("long ", 201):   ErrLong,
		string(longest) + "x":          ErrLong,
		string(longest):                nil, // what it says is true of any characters
		"password1234":                 ErrEasy,
		"123456789012":                 ErrEasy,
		"qwertyuiop12":                 ErrEasy,
		"aaaaaaaaaaaa":                 ErrEasy,
		"trueuptrueup":                 ErrEasy,
		"priya@northbeam.example":      ErrEasy,
		"PriyaNair2026":                ErrEasy,
		"northbeam-priya":              ErrEasy,
		"P@ssw0rd!2026":                ErrEasy, // letters written as something else
		"summer2026!!!":                ErrEasy,
		"zyxwvutsrqpo":                 ErrEasy,
		"hunter2hunter2hunter2":        ErrEasy,
		"letmeinletmein":               ErrEasy,
		"dragonmonkey":                 ErrEasy,
		"1q2w3e4r5t6y":                 ErrEasy,
		"839201746352":                 nil, // a trillion
		"correct horse battery staple": nil,
		"gravel-otter-tuesday":         nil,
		"vK8!x2Qe%pLm":                 nil,
		"ein ganz anderer Satz":        nil,
		"пароль из четырёх слов":        nil,
		"\x00\xff\x00 any bytes at all": nil,
	} {
		if got := CheckPassword(password, "Priya Nair", "priya@northbeam.example"); got != want {
			t.Errorf("%.30q: %v, want %v", password, got, want)
		}
	}
}
