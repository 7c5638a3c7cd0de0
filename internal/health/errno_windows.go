package health

import "golang.org/x/sys/windows"

// What Windows calls a port that nobody listens on, and one that somebody has.
const (
	errRefused = windows.WSAECONNREFUSED
	errInUse   = windows.WSAEADDRINUSE
)
