// Package docs carries into the binary what must be readable where it runs: the
// pages about exceptions, to which messages and pages lead, and the examples of
// the configuration.
//
// Main variables: Exceptions, Example and HTTPExample. It imports nothing of ours.
package docs

import "embed"

// Example is examples/trueup.yaml.
//
//go:embed examples/trueup.yaml
var Example string

// HTTPExample is examples/http.yaml.
//
//go:embed examples/http.yaml
var HTTPExample string

// Exceptions holds exceptions/<kind>.md.
//
//go:embed exceptions/*.md
var Exceptions embed.FS
