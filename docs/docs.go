// Package docs carries into the binary what must be readable where it runs: the
// pages about exceptions, to which messages and pages lead, and the examples of
// the configuration.
//
// Main variables: Exceptions and Examples. It imports nothing of ours.
package docs

import (
	"embed"
	"strings"
)

//go:embed examples/*.yaml
var examples embed.FS

// Examples are the files to start from, by the tool that they are about: stripe is
// examples/trueup.yaml, which is printed when no tool is named.
var Examples = read()

func read() map[string]string {
	all := map[string]string{}
	files, err := examples.ReadDir("examples")
	if err != nil {
		panic(err) // cannot be: it is embedded
	}
	for _, f := range files {
		text, err := examples.ReadFile("examples/" + f.Name())
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(f.Name(), ".yaml")
		if name == "trueup" {
			name = "stripe"
		}
		all[name] = string(text)
	}
	return all
}

// Exceptions holds exceptions/<kind>.md.
//
//go:embed exceptions/*.md
var Exceptions embed.FS
