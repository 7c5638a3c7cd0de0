// Package docs carries the pages about exceptions into the binary, so that what
// a message or a page says about a kind can be read where the service runs.
//
// Main variable: Exceptions. It imports nothing of ours.
package docs

import "embed"

// Exceptions holds exceptions/<kind>.md.
//
//go:embed exceptions/*.md
var Exceptions embed.FS
