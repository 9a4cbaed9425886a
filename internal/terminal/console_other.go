//go:build !windows

package terminal

// controlSequences reports whether a terminal acts on control sequences: all do.
func controlSequences(uintptr) bool { return true }
