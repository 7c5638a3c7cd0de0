package main

import (
	"io"
	"log/slog"
)

// newLog returns a log in a format: json or text, "" is text on a terminal and
// json elsewhere.
func newLog(w io.Writer, format string, level slog.Leveler) (*slog.Logger, error) {
	if format == "" {
		format = "json"
		if isTerminal(w) {
			format = "text"
		}
	}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: seconds}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	}
	return nil, usage("use json or text", "%q is not a valid log format", format)
}

// seconds gives durations a unit that their name says.
func seconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	}
	return a
}
