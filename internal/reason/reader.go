package reason

import (
	"cmp"
	"strings"
	"time"
)

// Reader is for whom a reason is told: a page calls the tools by their names and tells
// times in a person's zone. Logs, messages and programs have none.
type Reader struct {
	// Source and Target are what the tools of the sync are called.
	Source, Target string
	// Call is what a connection is called.
	Call func(connection string) string
	// When tells a time; exact asks for seconds.
	When func(t time.Time, exact bool) string
}

// To is the reason as a reader is told it. Nobody keeps it.
func (r Reason) To(reader *Reader) Reason {
	f := &r.Facts
	f.Reader = reader
	f.Source, f.Target, f.Connection = reader.call(f.Source), reader.call(f.Target), reader.call(f.Connection)
	if f.Because != nil {
		inner := f.Because.To(reader)
		f.Because = &inner
	}
	all := f.All
	f.All = nil // not those of the reason that is told
	for _, one := range all {
		f.All = append(f.All, one.To(reader))
	}
	return r
}

func (r *Reader) call(connection string) string {
	if r == nil || connection == "" {
		return connection
	}
	return r.Call(connection)
}

// names puts the tools' names into a sentence of ours that calls them by their part.
func (r *Reader) names(sentence string) string {
	if r == nil {
		return sentence
	}
	source, target := cmp.Or(r.Source, "the source"), cmp.Or(r.Target, "the target")
	return strings.NewReplacer("the source's", source+"’s", "the target's", target+"’s", "the source", source, "the target", target).Replace(sentence)
}

func (r *Reader) when(t time.Time, exact bool) string {
	if r == nil {
		return t.UTC().Format("2006-01-02 15:04:05Z")
	}
	return r.When(t, exact)
}
