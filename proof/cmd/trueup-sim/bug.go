//go:build planted

package main

import "github.com/trueup-sync/trueup/proof/planted"

// plant switches a bug on, in the program that -planted builds.
func plant(name string) error {
	planted.Switch(name)
	return nil
}
