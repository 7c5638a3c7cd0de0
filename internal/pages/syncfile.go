package pages

import (
	"time"

	"trueup/internal/config"
)

// FileInUse is the configuration's file as people may see it.
type FileInUse struct {
	Path  string
	Lines []config.ShownLine
	// First and Last are the lines of the sync, 0 where it has none of its own.
	First, Last int
	ReadAt      time.Time
	// Faults is how many keep a later text of it from being used.
	Faults int
}

// Hidden is how many lines of the file leave something out.
func (f FileInUse) Hidden() (n int) {
	for _, l := range f.Lines {
		if l.Hidden {
			n++
		}
	}
	return n
}

// Number is that of a line, and Own says that it is about the sync.
func (f FileInUse) Number(i int) int { return i + 1 }
func (f FileInUse) Own(i int) bool   { return f.First <= i+1 && i+1 <= f.Last }
