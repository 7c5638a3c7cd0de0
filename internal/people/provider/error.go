package provider

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/oauth2"
)

// Why is why nobody was vouched for, out of a closed set.
type Why string

// The reasons.
const (
	Down      Why = "down"       // the provider does not answer as one
	NotBegun  Why = "not_begun"  // the browser did not begin it, or too long ago
	Declined  Why = "declined"   // the provider, or the person, said no
	NotProven Why = "not_proven" // what the provider sent does not prove who it is
)

// Error is a sign-in that came to nothing. Its text is for the log.
type Error struct {
	Why Why
	Err error
}

func (e *Error) Error() string { return "sign in with the identity provider: " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func notProven(err error) error {
	return &Error{Why: NotProven, Err: errors.New(plain(err.Error()))}
}

// tokenError says what came of a code without the text of the answer.
func tokenError(err error) error {
	var answered *oauth2.RetrieveError
	switch {
	case !errors.As(err, &answered):
		return &Error{Why: Down, Err: fmt.Errorf("exchange the code: %s", plain(err.Error()))}
	case answered.Response.StatusCode >= http.StatusInternalServerError || answered.ErrorCode == "":
		return &Error{Why: Down, Err: fmt.Errorf("exchange the code: the provider answered %d", answered.Response.StatusCode)}
	}
	return &Error{Why: NotProven, Err: fmt.Errorf("exchange the code: the provider answered %s", plain(answered.ErrorCode))}
}

// plain makes a text of others short and one line.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	const most = 160
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// bounded reads at most a mebibyte of each answer, and nothing of a page that says that
// a document cannot be had: the libraries would make it part of their errors.
type bounded struct{ http.RoundTripper }

const mostAnswer = 1 << 20

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	most := int64(mostAnswer)
	if r.Method == http.MethodGet && answer.StatusCode != http.StatusOK {
		most = 0
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, most), answer.Body}
	return answer, nil
}
