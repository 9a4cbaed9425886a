package main

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// isBadName reports whether the system has no files of such a name.
func isBadName(err error) bool {
	return isOneOf(err, windows.ERROR_INVALID_NAME, windows.ERROR_BAD_PATHNAME, windows.ERROR_FILENAME_EXCED_RANGE, windows.ERROR_BUFFER_OVERFLOW,
		windows.ERROR_CANT_RESOLVE_FILENAME)
}

// isHeld reports whether another program has the file open, and lets nobody else at it.
func isHeld(err error) bool {
	return isOneOf(err, windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION, windows.ERROR_USER_MAPPED_FILE)
}

// whileHeld is the error of a file that another program holds: replacing it would be
// refused without this reason.
func whileHeld(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		if isHeld(err) {
			return err
		}
		return nil
	}
	return f.Close()
}

func isOneOf(err error, codes ...error) bool {
	for _, code := range codes {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
