package config

import "log/slog"

// redacted is what a secret shows wherever it is printed.
const redacted = "[redacted]"

// Secret is a credential. It prints, logs and marshals as [redacted]; Reveal
// is the one way to its value.
type Secret string

// Reveal returns the value, for the call that needs it and nothing else.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
