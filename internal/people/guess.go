package people

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
	"unicode"
)

// What it takes to guess a part of a password, in bits. Those who guess begin with
// what is common: a long password of such parts is a short one to them.
const (
	knownBits  = 2  // what others know of the person, or a part that came before
	runBits    = 8  // 1234, dcba, aaaa
	commonBits = 15 // one of the common passwords
	digitBits  = 3
	otherBits  = 5 // less than a random character has: people's are not random

	// enoughBits is what a password needs: twelve random digits, or three words.
	enoughBits = 36
)

//go:embed common/passwords.txt.gz
var packed []byte

// common are the common passwords, read when the first password is chosen: no other
// command waits for them.
var common = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // it is part of the program
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	for word := range strings.Lines(string(text)) {
		words[strings.TrimSpace(word)] = true
	}
	return words
})

// bitsOf returns what it takes to guess a password in the cheapest way to put it
// together from parts.
func bitsOf(password string, known []string) int {
	text := []rune(strings.ToLower(password))
	least := make([]int, len(text)+1) // by how many characters are guessed
	for end := 1; end <= len(text); end++ {
		least[end] = least[end-1] + otherBits
		if unicode.IsDigit(text[end-1]) {
			least[end] = least[end-1] + digitBits
		}
		for start := range end - 2 {
			if bits, ok := partBits(text, start, end, known); ok {
				least[end] = min(least[end], least[start]+bits)
			}
		}
	}
	return least[len(text)]
}

func partBits(text []rune, start, end int, known []string) (int, bool) {
	part := string(text[start:end])
	plain := instead.Replace(part)
	for _, word := range known {
		if word == part || word == plain {
			return knownBits, true
		}
	}
	switch {
	case strings.Contains(string(text[:start]), part):
		return knownBits, true
	case isRun(text[start:end]):
		return runBits, true
	case common()[part], common()[plain]:
		return commonBits, true
	}
	return 0, false
}

// instead has the letters that people write as something else.
var instead = strings.NewReplacer("@", "a", "4", "a", "8", "b", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t")

func isRun(part []rune) bool {
	step := part[1] - part[0]
	for i := range part[1:] {
		if part[i+1]-part[i] != step {
			return false
		}
	}
	return step >= -1 && step <= 1
}
