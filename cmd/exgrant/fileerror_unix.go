//go:build !windows

package main

import (
	"errors"
	"syscall"
)

// isBadName reports whether the system has no files of such a name.
func isBadName(err error) bool {
	return errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EILSEQ)
}

// isHeld reports whether another program has the file open, and lets nobody else at it:
// a program that runs.
func isHeld(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

// whileHeld is for Windows: elsewhere a file that somebody has open can be replaced.
func whileHeld(string) error { return nil }
