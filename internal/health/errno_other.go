//go:build !windows

package health

import "syscall"

const (
	errRefused = syscall.ECONNREFUSED
	errInUse   = syscall.EADDRINUSE
)
