package api

import (
	"encoding/base64"
	"encoding/json"
)

// List is a page of a list.
type List[T any] struct {
	Items []T `json:"items"`
	// Next is null on the last page.
	Next *string `json:"next" doc:"The cursor for the next page; null on the last page."`
}

// Page is which part of a list is asked for.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The maximum number of rows in a page."`
	Cursor string `query:"cursor" maxLength:"4096" doc:"The value of next from the previous page; omit it for the first page."`
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
		return unprocessable("query.cursor", "it is not a cursor of this list", "start again without a cursor")
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
