package main

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
)

// flip changes bits of one byte.
func flip(s string, i int, bits byte) string {
	b := []byte(s)
	b[i] ^= bits
	return string(b)
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

// mixed writes hex with its first half in capital letters.
func mixed(s string) string { return strings.ToUpper(s[:len(s)/2]) + s[len(s)/2:] }

func colons(digest []byte) string {
	parts := make([]string, len(digest))
	for i, b := range digest {
		parts[i] = hex.EncodeToString([]byte{b})
	}
	return strings.Join(parts, ":")
}

// utf16 writes ASCII text in UTF-16, low byte first.
func utf16(s string) string {
	var out strings.Builder
	for _, r := range s {
		out.WriteByte(byte(r))
		out.WriteByte(0)
	}
	return out.String()
}

// otherDigits writes a number with the ten digits that begin at zero.
func otherDigits(s string, zero rune) string {
	return strings.Map(func(r rune) rune { return zero + r - '0' }, s)
}

// sortTail orders the last n vectors, which came out of a map.
func sortTail(vs []vector, n int) {
	slices.SortFunc(vs[len(vs)-n:], func(a, b vector) int { return cmp.Compare(a.Description, b.Description) })
}
