package connector

import "context"

// Aside is a record of a list that could not be read and was left out of its
// page, so that one dirty record does not hide all others.
type Aside struct {
	// ID is the record's id, "" when not even that could be read.
	ID string `json:"id,omitempty"`
	// Problem says what is wrong: the key of the file and a sentence, nothing of
	// what the record holds.
	Problem string `json:"problem"`
}

// WithAsides lets note be told of each record that a list sets aside. Who does
// not ask is not told: to him it is as if the list did not have the record.
func WithAsides(ctx context.Context, note func(Aside)) context.Context {
	return context.WithValue(ctx, asides{}, note)
}

// SetAside tells of a record that was left out.
func SetAside(ctx context.Context, a Aside) {
	if note, ok := ctx.Value(asides{}).(func(Aside)); ok {
		note(a)
	}
}

type asides struct{}

// WithCount lets note be told how many records each answer of a list had, also
// those that had not changed and those that were set aside.
func WithCount(ctx context.Context, note func(records int)) context.Context {
	return context.WithValue(ctx, counts{}, note)
}

// Count tells how many records an answer of a list had.
func Count(ctx context.Context, records int) {
	if note, ok := ctx.Value(counts{}).(func(int)); ok {
		note(records)
	}
}

type counts struct{}
