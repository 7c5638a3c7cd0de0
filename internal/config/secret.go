package config

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a secret shows wherever it is printed.
const redacted = "[redacted]"

// Secret is a credential. It prints, logs and marshals as [redacted]; Reveal
// is the one way to its value.
type Secret string

// Reveal returns the value, for the call that needs it and nothing else.
func (s Secret) Reveal() string { return string(s) }

// Format answers every verb: at one that is not meant for a text, fmt would
// name the mistake and quote the value.
func (s Secret) Format(out fmt.State, _ rune) { io.WriteString(out, redacted) }

func (s Secret) String() string               { return redacted }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
