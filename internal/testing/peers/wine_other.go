//go:build !windows

package peers

// OnWine reports whether the test runs on Wine, where other programs of the Unix
// below cannot be reached.
func OnWine() bool { return false }
