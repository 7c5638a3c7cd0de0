package api

import (
	"encoding/base64"
	"encoding/json"
)

// List is a page of a list.
type List[T any] struct {
	Items []T `json:"items"`
	// Next is null on the last page.
	Next *string `json:"next" doc:"What cursor is to be for the next page; null on the last one."`
}

// Page is which part of a list is asked for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most rows of a page."`
	Cursor string `query:"cursor" maxLength:"4096" doc:"next of the page before; the first page without it."`
}

// place reads the cursor: the row that a page ends with.
func (p Page) place(into any) error {
	if p.Cursor == "" {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return unprocessable("query.cursor", "it is no cursor of this list", "begin again without a cursor")
	}
	return nil
}

// listOf makes a page of rows of which one more was read than the page has;
// place is what the cursor keeps of the last one.
func listOf[R, T any](p Page, rows []R, convert func(R) T, place func(R) any) (List[T], error) {
	l := List[T]{Items: []T{}}
	more := len(rows) > p.Limit
	if more {
		rows = rows[:p.Limit]
	}
	for _, r := range rows {
		l.Items = append(l.Items, convert(r))
	}
	if !more {
		return l, nil
	}
	text, err := json.Marshal(place(rows[len(rows)-1]))
	next := base64.RawURLEncoding.EncodeToString(text)
	l.Next = &next
	return l, err
}
