package linkfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// UnreadableError says why a file holds no table.
type UnreadableError struct{ why string }

func (e *UnreadableError) Error() string { return e.why }

// Decode returns a file as text: UTF-8 or UTF-16, with or without the mark that says
// which.
func Decode(raw []byte) (string, error) {
	order, wide := wideOrder(raw)
	if wide {
		text, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(raw)
		if err != nil {
			return "", fmt.Errorf("read it as UTF-16: %w", err)
		}
		raw = text
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if !utf8.Valid(raw) {
		line := 1
		for len(raw) > 0 {
			r, size := utf8.DecodeRune(raw)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			raw = raw[size:]
		}
		return "", &UnreadableError{fmt.Sprintf("line %d: it is neither UTF-8 nor UTF-16; save the file as \"CSV UTF-8\"", line)}
	}
	if bytes.ContainsRune(raw, 0) {
		return "", &UnreadableError{"it is no text; export it as CSV"}
	}
	text := string(raw)
	if !strings.Contains(text, "\n") { // as spreadsheets on a Mac used to end their lines
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, nil
}

// wideOrder reports whether a file is UTF-16, and in which order. Without a mark, the
// zero beside the first letter says so.
func wideOrder(raw []byte) (unicode.Endianness, bool) {
	switch {
	case len(raw) < 2:
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), raw[0] != 0 && raw[1] == 0:
		return unicode.LittleEndian, true
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}), raw[0] == 0 && raw[1] != 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// separator returns what separates the cells of the first line.
func separator(text string) rune {
	// Some spreadsheets write it into a line of its own.
	if rest, ok := strings.CutPrefix(text, "sep="); ok && len(rest) > 1 && (rest[1] == '\n' || rest[1] == '\r') {
		return rune(rest[0])
	}
	best, most := ',', 0
	for _, sep := range []rune{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for _, r := range text {
			switch {
			case r == '"':
				quoted = !quoted
			case r == sep && !quoted:
				n++
			}
			if r == '\n' && !quoted {
				break
			}
		}
		if n > most {
			best, most = sep, n
		}
	}
	return best
}
