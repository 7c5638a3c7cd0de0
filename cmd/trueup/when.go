package main

import (
	"io"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// clock shows times. In a terminal they are told from now on, unless exact ones
// are wanted; elsewhere they are exact, so that programs can read them.
type clock struct{ now time.Time } // zero: exact

// clockOf is the clock of what is written to.
func clockOf(out io.Writer) clock {
	switch w := out.(type) {
	case *terminal:
		return w.clock
	case *grid:
		return clockOf(w.out)
	}
	return clock{}
}

// near is how far from now a time is told by its distance.
const near = 24 * time.Hour

// when is a time.
func (c clock) when(t time.Time) string {
	if d, ok := c.distance(t); ok {
		if d > 0 {
			return "in " + length(d)
		}
		return length(-d) + " ago"
	}
	return c.date(t)
}

// on is a time as part of a sentence: on a date, or so long ago.
func (c clock) on(t time.Time) string {
	if _, ok := c.distance(t); ok {
		return c.when(t)
	}
	return "on " + c.date(t)
}

// since is a time from which something lasts.
func (c clock) since(t time.Time) string {
	if d, ok := c.distance(t); ok && d <= 0 {
		return "for " + length(-d)
	}
	return "since " + c.date(t)
}

// until is a time to which something lasts.
func (c clock) until(t time.Time) string {
	if d, ok := c.distance(t); ok && d > 0 {
		return "for another " + length(d)
	}
	return "until " + c.date(t)
}

// by is the latest that something can have been.
func (c clock) by(t time.Time) string {
	if c.now.IsZero() {
		return "by " + c.when(t)
	}
	return c.when(t) + " or earlier"
}

// next is when something happens.
func (c clock) next(t time.Time) string {
	if c.now.IsZero() {
		return "at " + c.when(t)
	}
	return c.on(t)
}

func (c clock) distance(t time.Time) (d time.Duration, ok bool) {
	if c.now.IsZero() || t.IsZero() {
		return 0, false
	}
	d = t.Sub(c.now)
	return d, d.Abs() < near
}

func (c clock) date(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case c.now.IsZero():
		return t.UTC().Format("2006-01-02 15:04:05Z")
	case t.Local().Year() != c.now.Local().Year():
		return t.Local().Format("Mon, Jan 2, 2006, 3:04 PM")
	}
	return t.Local().Format("Mon, Jan 2, 3:04 PM")
}

// length is a duration in its largest unit.
func length(d time.Duration) string {
	switch {
	case d < time.Minute:
		return status.Plural(int(d/time.Second), "second")
	case d < time.Hour:
		return status.Plural(int(d/time.Minute), "minute")
	}
	return status.Plural(int(d/time.Hour), "hour")
}
