//go:build !planted

package main

import "errors"

// plant refuses: this program has no bugs in it.
func plant(string) error {
	return errors.New("-bug is for the program that -planted builds; use -planted NAME")
}
