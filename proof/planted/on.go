//go:build planted

package planted

import "os"

var on = os.Getenv(Switches)

// Switch switches one bug on, and the others off.
func Switch(name string) { on = name }

// On reports whether a bug is switched on.
func On(name string) bool { return on == name }
